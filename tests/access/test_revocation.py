"""Bar 8: what is taken away is gone on the very next request, for every kind of credential and every kind of sight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.accounts.models import CredentialKind
from portal.accounts.service import invitations, practices, resets, sessions
from portal.core import clock, jobs
from portal.core.crypto import blind_index
from portal.core.ids import new_id
from tests.cast import PASSWORD, Actor, Cast

NEW_PASSWORD = "quartz-heron-ladder-monday"


def _sign_in(cast: Cast, actor: Actor, password: str = PASSWORD) -> Actor | None:
    """Another session of the same person; None where they are not let in."""
    sent = {"practice": actor.slug, "email": actor.email, "password": password}
    response = cast.nobody.post("/sessions", sent)
    return (
        Actor(actor.name, cast.app, actor.viewer, response.get_json()["token"]) if response.status_code == 201 else None
    )


def _signed_in(cast: Cast, actor: Actor) -> Actor:
    found = _sign_in(cast, actor)
    assert found is not None
    return found


def _reset_link(cast: Cast, actor: Actor) -> str | None:
    with cast.app.app_context():
        letter = resets.prepare_letter(actor.viewer.practice_id, blind_index(actor.viewer.practice_id, actor.email))
    return None if letter is None else letter.secret


def _reset(cast: Cast, secret: str | None) -> int:
    sent = {"token": secret or "portal_rst_none", "password": NEW_PASSWORD}
    return cast.nobody.post("/password-resets/complete", sent).status_code


def _accept(cast: Cast, secret: str, code: str | None = None) -> int:
    sent = {"token": secret, "password": NEW_PASSWORD, **({} if code is None else {"code": code})}
    return cast.nobody.post("/invitations/accept", sent).status_code


def _in_person(cast: Cast, by: Actor) -> str:
    response = by.post(f"/clients/{cast.newcomer.id}/invitation", {"delivery": "in_person"})
    assert response.status_code == 201
    return str(response.get_json()["link"]).split("#")[1]


def _mailed(cast: Cast, thing: str) -> str:
    with cast.app.app_context():
        letter = invitations.prepare_letter(cast.things["linden.practice"], cast.things[thing])
    assert letter is not None
    return letter.secret


def _cannot_see_the_client(therapist: Actor, cast: Cast) -> None:
    """Neither person nor work nor words: the same answer as for ids nobody has."""
    client, things = cast.client.id, cast.things
    for path in (
        f"/clients/{client}",
        f"/clients/{client}/care",
        f"/clients/{client}/notes",
        f"/clients/{client}/progress",
        f"/assignments/{things['client.submitted']}",
        f"/assignments/{things['client.submitted']}/attempts",
        f"/assignments/{things['client.submitted']}/attempts/1",
        f"/assignments/{things['client.submitted']}/comments",
    ):
        assert therapist.get(path).status_code == 404, path
    for path, body in (
        (f"/assignments/{things['client.submitted']}/review", {"attempt": 1}),
        (f"/assignments/{things['client.submitted']}/comments", {"body": "Still here."}),
        (f"/assignments/{things['client.draft']}/withdraw", {"reason": "x"}),
        (f"/clients/{client}/notes", {"body": "Still here."}),
        (f"/clients/{client}/archive", None),
        ("/assignments", {"client_id": client, "resource_id": things["linden.exercise"], "why": "x"}),
    ):
        assert therapist.post(path, body).status_code == 404, path
    assert client not in therapist.get("/clients?limit=100").get_data(as_text=True)
    assert client not in therapist.get("/assignments?limit=100").get_data(as_text=True)


# Those who leave -------------------------------------------------------------------------------------------------


def _deactivated(cast: Cast) -> None:
    assert cast.owner.post(f"/staff/{cast.therapist.id}/deactivate").status_code == 200


def test_every_session_of_a_deactivated_therapist_ends(cast: Cast) -> None:
    other = _signed_in(cast, cast.therapist)
    assert (cast.therapist.get("/me").status_code, other.get("/me").status_code) == (200, 200)
    _deactivated(cast)
    assert (cast.therapist.get("/me").status_code, other.get("/me").status_code) == (401, 401)


def test_a_deactivated_therapist_cannot_sign_in_again(cast: Cast) -> None:
    _deactivated(cast)
    assert _sign_in(cast, cast.therapist) is None


def test_the_reset_link_of_a_deactivated_therapist_ends_and_no_new_one_is_made(cast: Cast) -> None:
    secret = _reset_link(cast, cast.therapist)
    assert secret is not None
    _deactivated(cast)
    assert _reset(cast, secret) == 404
    assert _reset_link(cast, cast.therapist) is None


def test_a_reset_asked_for_before_leaving_is_not_mailed_afterwards(cast: Cast) -> None:
    asked = cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.therapist.email})
    assert asked.status_code == 202
    _deactivated(cast)
    outbox = cast.app.config["PORTAL"].outbox
    with cast.app.app_context():
        jobs.run_due_jobs()
    assert not [mail for mail in outbox.glob("*.eml") if cast.therapist.email in mail.read_text()]


def test_the_invitation_of_someone_deactivated_before_accepting_ends(cast: Cast) -> None:
    invited = cast.owner.post("/invitations", {"name": "Nia", "email": "nia@x.example", "capabilities": ["therapist"]})
    cast.things = {**cast.things, "nia.invitation": invited.get_json()["id"]}
    secret = _mailed(cast, "nia.invitation")
    assert cast.owner.post(f"/staff/{invited.get_json()['person_id']}/deactivate").status_code == 200
    assert _accept(cast, secret) == 404


def test_an_invitation_still_to_be_mailed_is_not_mailed_to_someone_deactivated(cast: Cast) -> None:
    """A job that waited must not let in who has been shut out since."""
    invited = cast.owner.post("/invitations", {"name": "Nia", "email": "nia@x.example", "capabilities": ["owner"]})
    assert cast.owner.post(f"/staff/{invited.get_json()['person_id']}/deactivate").status_code == 200
    with cast.app.app_context():
        letter = invitations.prepare_letter(cast.things["linden.practice"], invited.get_json()["id"])
    assert letter is None


def test_a_client_link_that_a_leaver_was_shown_does_not_open_the_clients_account(cast: Cast) -> None:
    """Handed over in person means that the therapist has read it: it leaves with them."""
    secret = _in_person(cast, cast.therapist)
    _deactivated(cast)
    assert _accept(cast, secret) == 404


def test_a_deactivated_therapists_client_is_seen_by_the_owner_from_then_on(cast: Cast) -> None:
    assert cast.owner.get(f"/clients/{cast.partner.id}").status_code == 404
    _deactivated(cast)
    assert cast.owner.get(f"/clients/{cast.partner.id}").status_code == 200


# Care that ends ----------------------------------------------------------------------------------------------------


def test_a_therapist_whose_care_has_ended_sees_nothing_of_the_client(cast: Cast) -> None:
    ended = cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end")
    assert ended.status_code == 204
    _cannot_see_the_client(cast.therapist, cast)
    assert cast.co_therapist.get(f"/clients/{cast.client.id}").status_code == 200


def test_a_therapist_who_handed_over_sees_nothing_of_the_client_and_the_colleague_all(cast: Cast) -> None:
    moved = cast.therapist.post(f"/clients/{cast.client.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert moved.status_code == 204
    _cannot_see_the_client(cast.therapist, cast)
    for thing in ("reading", "draft", "submitted"):
        assert cast.colleague.get(f"/assignments/{cast.things[f'client.{thing}']}").status_code == 200
    assert cast.colleague.get(f"/clients/{cast.client.id}/notes").get_json()["data"] == []


def test_a_therapist_whose_caseload_the_owner_handed_over_sees_nothing_of_it(cast: Cast) -> None:
    moved = cast.owner.post(f"/staff/{cast.therapist.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert moved.status_code == 200
    _cannot_see_the_client(cast.therapist, cast)
    assert cast.therapist.get("/assignments").get_json()["data"] == []


def test_a_former_therapist_no_longer_sees_the_client(cast: Cast) -> None:
    _cannot_see_the_client(cast.former_therapist, cast)


def test_what_was_cached_is_not_confirmed_after_care_has_ended(cast: Cast) -> None:
    path = f"/assignments/{cast.things['client.submitted']}"
    tag = cast.therapist.etag(path)
    assert cast.therapist.get(path, headers={"If-None-Match": tag}).status_code == 304
    cast.therapist.post(f"/clients/{cast.client.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert cast.therapist.get(path, headers={"If-None-Match": tag}).status_code == 404
    assert cast.therapist.patch(path, {"note": "x"}, tag).status_code == 404


def test_a_cursor_from_before_leads_to_nothing_of_the_client_after_care_has_ended(cast: Cast) -> None:
    cursor = cast.therapist.get("/assignments?limit=1").get_json()["next_cursor"]
    cast.therapist.post(f"/clients/{cast.client.id}/hand-over", {"therapist_id": cast.colleague.id})
    page = cast.therapist.get(f"/assignments?limit=100&cursor={cursor}")
    assert page.status_code == 200
    assert cast.client.id not in page.get_data(as_text=True)


@pytest.mark.parametrize("delivery", ["mail", "in_person"])
def test_a_therapist_who_handed_over_gets_no_new_way_into_the_clients_account(delivery: str, cast: Cast) -> None:
    """Resending mints a secret or a code: it belongs to whoever cares for the client now."""
    invited = cast.therapist.post(f"/clients/{cast.newcomer.id}/invitation", {"delivery": delivery}).get_json()["id"]
    moved = cast.therapist.post(f"/clients/{cast.newcomer.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert moved.status_code == 204
    assert cast.therapist.post(f"/clients/{cast.newcomer.id}/invitation", {"delivery": delivery}).status_code == 404
    assert cast.therapist.post(f"/invitations/{invited}/resend").status_code == 404
    assert cast.therapist.delete(f"/invitations/{invited}").status_code == 404


def test_a_client_link_shown_before_the_hand_over_ends_with_it(cast: Cast) -> None:
    secret = _in_person(cast, cast.therapist)
    cast.therapist.post(f"/clients/{cast.newcomer.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert _accept(cast, secret) == 404


# What a client takes back --------------------------------------------------------------------------------------------


def test_answers_taken_back_are_not_opened_any_more(cast: Cast) -> None:
    path = f"/assignments/{cast.things['client.submitted']}/attempts"
    tag = cast.therapist.etag(f"{path}/1")
    assert cast.client.post(f"/me/assignments/{cast.things['client.submitted']}/recall").status_code == 200
    assert cast.therapist.get(f"{path}/1").status_code == 404
    assert cast.therapist.get(f"{path}/1", headers={"If-None-Match": tag}).status_code == 404
    shown = cast.therapist.get(path).get_json()["data"]
    assert [(attempt["readable"], attempt["submitted_at"]) for attempt in shown] == [(False, None)]
    reviewed = cast.therapist.post(path.replace("attempts", "review"), {"attempt": 1})
    assert reviewed.status_code == 409


def test_what_the_client_said_of_a_submission_goes_with_it_when_it_is_taken_back(cast: Cast) -> None:
    cast.client.post(f"/me/assignments/{cast.things['client.submitted']}/recall")
    for path in ("", "/attempts", "/comments"):
        shown = cast.therapist.get(f"/assignments/{cast.things['client.submitted']}{path}").get_data(as_text=True)
        assert "client learned" not in shown
        assert "what client needs" not in shown


# Sessions ------------------------------------------------------------------------------------------------------------


def test_a_session_signed_out_of_ends_and_the_others_go_on(cast: Cast) -> None:
    other = _signed_in(cast, cast.client)
    assert other.delete("/sessions/current").status_code == 204
    assert (other.get("/me").status_code, cast.client.get("/me").status_code) == (401, 200)


def test_a_session_ended_from_another_device_is_over(cast: Cast) -> None:
    other = _signed_in(cast, cast.client)
    assert other.delete(f"/sessions/{cast.things['client.session']}").status_code == 204
    assert (cast.client.get("/me").status_code, other.get("/me").status_code) == (401, 200)
    assert cast.things["client.session"] not in other.get("/sessions").get_data(as_text=True)


def test_a_changed_password_ends_every_other_session_and_every_reset_link(cast: Cast) -> None:
    other, secret = _signed_in(cast, cast.client), _reset_link(cast, cast.client)
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert cast.client.put("/me/password", sent).status_code == 204
    assert (other.get("/me").status_code, cast.client.get("/me").status_code) == (401, 200)
    assert _reset(cast, secret) == 404
    assert _sign_in(cast, cast.client) is None


def test_a_reset_password_ends_every_session_and_the_link_itself(cast: Cast) -> None:
    other, secret = _signed_in(cast, cast.client), _reset_link(cast, cast.client)
    assert _reset(cast, secret) == 204
    assert (other.get("/me").status_code, cast.client.get("/me").status_code) == (401, 401)
    assert _reset(cast, secret) == 404


def test_a_newer_reset_link_ends_the_one_before(cast: Cast) -> None:
    earlier, later = _reset_link(cast, cast.client), _reset_link(cast, cast.client)
    assert (_reset(cast, earlier), _reset(cast, later)) == (404, 204)


@pytest.mark.parametrize(
    ("later", "status"),
    [
        (sessions.IDLE - timedelta(minutes=5), 200),
        (sessions.IDLE + timedelta(minutes=5), 401),
        (sessions.LONGEST + timedelta(minutes=5), 401),
    ],
)
def test_a_session_ends_when_it_has_idled_too_long(later: timedelta, status: int, cast: Cast) -> None:
    fresh = _signed_in(cast, cast.client)
    with clock.time_shifted(later):
        assert fresh.get("/me").status_code == status


def test_a_session_in_use_ends_after_eight_hours_all_the_same(cast: Cast) -> None:
    fresh, step = _signed_in(cast, cast.client), timedelta(minutes=20)
    for steps in range(1, 24):
        with clock.time_shifted(step * steps):
            assert fresh.get("/me").status_code == 200, steps
    with clock.time_shifted(timedelta(hours=8, minutes=1)):
        assert fresh.get("/me").status_code == 401


# Capabilities --------------------------------------------------------------------------------------------------------


def _with_capabilities(cast: Cast, of: Actor, *capabilities: str) -> None:
    path = f"/staff/{of.id}"
    changed = cast.owner.patch(path, {"capabilities": list(capabilities)}, cast.owner.etag(path))
    assert changed.status_code == 200


def test_who_is_no_therapist_any_more_sees_no_client_and_assigns_nothing(cast: Cast) -> None:
    _with_capabilities(cast, cast.therapist, "owner")
    for path in (f"/clients/{cast.client.id}/notes", f"/assignments/{cast.things['client.submitted']}/attempts/1"):
        assert cast.therapist.get(path).status_code == 404, path
    assert cast.therapist.get("/assignments").get_json()["data"] == []
    given = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "x"}
    assert cast.therapist.post("/assignments", given).status_code == 403
    assert cast.therapist.post("/clients", {"name": "N", "email": "n@x.example"}).status_code == 403


def test_who_is_no_owner_any_more_runs_nothing(cast: Cast) -> None:
    _with_capabilities(cast, cast.colleague, "owner", "therapist")
    tag = cast.colleague.etag("/practice")
    assert cast.colleague.patch("/practice", {"quiet_days": 20}, tag).status_code == 200
    _with_capabilities(cast, cast.colleague, "therapist")
    tag = cast.colleague.etag("/practice")
    assert cast.colleague.patch("/practice", {"quiet_days": 10}, tag).status_code == 403
    assert cast.colleague.post(f"/staff/{cast.therapist.id}/deactivate").status_code == 403
    assert cast.colleague.get(f"/clients/{cast.unattended.id}").status_code == 404


def test_an_owners_pending_staff_invitation_ends_for_the_owner_who_is_none_any_more(cast: Cast) -> None:
    """Whoever may not invite staff may not send an invitation to staff again either."""
    _with_capabilities(cast, cast.colleague, "owner", "therapist")
    sent = {"name": "Nia", "email": "nia@x.example", "capabilities": ["owner"]}
    invited = cast.colleague.post("/invitations", sent).get_json()["id"]
    _with_capabilities(cast, cast.colleague, "therapist")
    assert cast.colleague.post(f"/invitations/{invited}/resend").status_code in {403, 404}


# Every kind of credential --------------------------------------------------------------------------------------------


def _ended_invitation(cast: Cast) -> int:
    secret = _mailed(cast, "staff.invitation")
    assert cast.owner.delete(f"/invitations/{cast.things['staff.invitation']}").status_code == 204
    return _accept(cast, secret)


def _resent_invitation(cast: Cast) -> int:
    secret = _mailed(cast, "staff.invitation")
    resent = cast.owner.post(f"/invitations/{cast.things['staff.invitation']}/resend").get_json()["id"]
    cast.things = {**cast.things, "staff.again": resent}
    newer = _mailed(cast, "staff.again")
    older = _accept(cast, secret)
    assert _accept(cast, newer) == 201
    return older


def _accepted_invitation(cast: Cast) -> int:
    secret = _mailed(cast, "staff.invitation")
    assert _accept(cast, secret) == 201
    return _accept(cast, secret)


def _late_invitation(cast: Cast) -> int:
    secret = _mailed(cast, "staff.invitation")
    with clock.time_shifted(invitations.LASTS + timedelta(seconds=5)):
        return _accept(cast, secret)


def _late_reset(cast: Cast) -> int:
    secret = _reset_link(cast, cast.client)
    with clock.time_shifted(resets.LASTS + timedelta(seconds=5)):
        return _reset(cast, secret)


def _set_up(cast: Cast, secret: str) -> int:
    practice = {"slug": f"p-{new_id()[-8:]}", "name": "P", "country": "DE", "time_zone": "Europe/Berlin"}
    person = {"name": "P", "email": "p@p.example", "password": NEW_PASSWORD}
    return cast.nobody.post("/setup", {"token": secret, "practice": practice, "person": person}).status_code


def _setup_link(cast: Cast) -> str:
    with cast.app.app_context():
        return practices.mint_setup_link()


def _used_setup_link(cast: Cast) -> int:
    secret = _setup_link(cast)
    assert _set_up(cast, secret) == 201
    return _set_up(cast, secret)


def _superseded_setup_link(cast: Cast) -> int:
    earlier, later = _setup_link(cast), _setup_link(cast)
    refused = _set_up(cast, earlier)
    assert _set_up(cast, later) == 201
    return refused


def _late_setup_link(cast: Cast) -> int:
    secret = _setup_link(cast)
    with clock.time_shifted(practices.SETUP_LASTS + timedelta(seconds=5)):
        return _set_up(cast, secret)


@pytest.mark.parametrize(
    "used",
    [
        _ended_invitation,
        _resent_invitation,
        _accepted_invitation,
        _late_invitation,
        _late_reset,
        _used_setup_link,
        _superseded_setup_link,
        _late_setup_link,
    ],
)
def test_a_link_that_is_over_opens_nothing(used: Callable[[Cast], int], cast: Cast) -> None:
    assert used(cast) == 404


def test_a_credential_of_one_kind_is_worth_nothing_as_another(cast: Cast) -> None:
    """The secret of a link is no session, a session is no link."""
    reset, invitation = _reset_link(cast, cast.client), _mailed(cast, "staff.invitation")
    for token in (reset, invitation, _setup_link(cast)):
        for path in ("/me", "/integrations/current"):
            assert Actor("x", cast.app, cast.client.viewer, token).get(path).status_code == 401
    assert _reset(cast, cast.client.token) == _reset(cast, invitation) == 404
    assert _accept(cast, str(cast.client.token)) == _accept(cast, str(reset)) == 404
    kinds = {"session", "invitation", "reset", "integration"}
    assert set(CredentialKind) == kinds, "a new kind wants its revocation tested here"
