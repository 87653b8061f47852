"""Oneself, one's password, and the staff with what they may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.accounts.models import Credential, CredentialKind, Person
from portal.core import clock
from portal.core.audit_log.events import Event
from portal.core.ids import new_id
from tests.accounts import database, mailbox
from tests.accounts.service.test_sessions import signed_in
from tests.cast import PASSWORD, Actor, Cast

NEW_PASSWORD = "another-password-altogether"


def sign_in(cast: Cast, someone: Actor, password: str) -> int:
    sent = {"practice": someone.slug, "email": someone.email, "password": password}
    return cast.nobody.post("/sessions", sent).status_code


def set_capabilities(cast: Cast, by: Actor, someone: Actor, *capabilities: str) -> Any:
    path = f"/staff/{someone.id}"
    return by.patch(path, {"capabilities": list(capabilities)}, cast.owner.etag(path))


# Oneself -------------------------------------------------------------------------------------------------------


def test_a_person_changes_their_own_name_and_time_zone(cast: Cast) -> None:
    before = cast.client.get("/me")
    changed = cast.client.patch("/me", {"name": "New Name", "time_zone": "Asia/Tokyo"}, before.headers["ETag"])
    assert changed.status_code == 200
    expected = {**before.get_json(), "name": "New Name", "time_zone": "Asia/Tokyo", "version": 2}
    assert changed.get_json() == cast.client.get("/me").get_json() == expected
    assert cast.therapist.get(f"/clients/{cast.client.id}").get_json()["name"] == "New Name"


def test_what_is_left_out_of_a_change_stays(cast: Cast) -> None:
    cast.client.patch("/me", {"time_zone": "Asia/Tokyo"}, cast.client.etag("/me"))
    assert cast.client.get("/me").get_json()["name"] == "Client"


def test_a_change_to_oneself_that_comes_too_late_is_refused_with_what_stands_now(cast: Cast) -> None:
    etag = cast.client.etag("/me")
    cast.therapist.patch(
        f"/clients/{cast.client.id}", {"name": "Corrected"}, cast.therapist.etag(f"/clients/{cast.client.id}")
    )
    late = cast.client.patch("/me", {"name": "Mine"}, etag)
    assert late.status_code == 412
    assert late.get_json()["current"] == cast.client.get("/me").get_json()
    assert late.get_json()["current"]["name"] == "Corrected"


@pytest.mark.parametrize(
    "sent",
    [{"email": "new@x.example"}, {"kind": "staff"}, {"capabilities": ["owner"]}, {"owner": True}, {"practice_id": "x"}],
)
def test_nobody_makes_themself_somebody_else(cast: Cast, sent: dict[str, Any]) -> None:
    for someone in (cast.client, cast.therapist):
        before = someone.get("/me")
        assert someone.patch("/me", sent, before.headers["ETag"]).status_code == 422
        assert someone.get("/me").get_json() == before.get_json()


def test_a_new_time_zone_moves_what_is_due_with_it(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.submitted']}"
    moves = select(Event.id).where(Event.fact == "person.time_zone_changed", Event.subject_id == cast.client.id)
    cast.client.patch("/me", {"time_zone": "Asia/Tokyo"}, cast.client.etag("/me"))
    assert len(database.rows(cast.app, moves)) == 1
    cast.client.patch("/me", {"time_zone": "Asia/Tokyo"}, cast.client.etag("/me"))
    assert len(database.rows(cast.app, moves)) == 1, "the same zone again moves nothing"
    assert cast.client.get(path).status_code == 200


def test_names_and_addresses_stand_sealed_in_the_database(cast: Cast) -> None:
    cast.client.patch("/me", {"name": "Quetzalcoatl Xylander"}, cast.client.etag("/me"))
    kept = database.everything(cast.app)
    for plain in ("Quetzalcoatl", "Xylander", cast.client.email, "Olive Owner", cast.owner.email, cast.therapist.email):
        assert plain.encode() not in kept


# Passwords -----------------------------------------------------------------------------------------------------


def test_a_new_password_opens_the_door_and_the_old_one_no_more(cast: Cast) -> None:
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert signed_in(cast, cast.client).put("/me/password", sent).status_code == 204
    assert sign_in(cast, cast.client, NEW_PASSWORD) == 201
    assert sign_in(cast, cast.client, PASSWORD) == 401


def test_changing_the_password_ends_every_other_session_and_keeps_this_one(cast: Cast) -> None:
    here, phone, laptop = (signed_in(cast, cast.client) for _ in range(3))
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert here.put("/me/password", sent).status_code == 204
    assert here.get("/me").status_code == 200
    assert [gone.get("/me").status_code for gone in (phone, laptop, cast.client)] == [401, 401, 401]
    assert cast.partner.get("/me").status_code == 200


def test_changing_the_password_ends_a_reset_link_that_is_on_its_way(cast: Cast) -> None:
    cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.client.email})
    mailed = mailbox.last(cast.app, cast.client.email)
    cast.client.put("/me/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    sent = {"token": mailed.secret, "password": "the-thief-has-read-the-mail"}
    assert cast.nobody.post("/password-resets/complete", sent).status_code == 404
    assert sign_in(cast, cast.client, NEW_PASSWORD) == 201


def test_nobody_changes_a_password_without_the_current_one(cast: Cast) -> None:
    other = signed_in(cast, cast.client)
    refused = cast.client.put("/me/password", {"current_password": "a-guess-of-someone", "new_password": NEW_PASSWORD})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["#/current_password"]
    assert sign_in(cast, cast.client, PASSWORD) == 201
    assert other.get("/me").status_code == 200


@pytest.mark.parametrize("weak", ["short", "x" * 129, "passwordpassword", "aaaaaaaaaaaaaaaaaaaa"])
def test_a_new_password_follows_the_rules(cast: Cast, weak: str) -> None:
    refused = cast.client.put("/me/password", {"current_password": PASSWORD, "new_password": weak})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["#/new_password"]
    assert weak not in refused.get_data(as_text=True)
    assert sign_in(cast, cast.client, PASSWORD) == 201


def test_the_current_password_cannot_be_guessed_without_end_from_a_borrowed_phone(cast: Cast) -> None:
    sent = {"current_password": "a-guess-of-someone", "new_password": NEW_PASSWORD}
    assert [cast.client.put("/me/password", sent).status_code for _ in range(6)] == [422] * 5 + [429]


# Staff ---------------------------------------------------------------------------------------------------------


def test_the_staff_are_listed_with_what_they_may_do_and_how_they_stand(cast: Cast) -> None:
    listed = cast.owner.get("/staff?limit=100").get_json()["data"]
    shown = {row["name"]: (row["capabilities"], row["status"]) for row in listed}
    assert shown == {
        "Olive Owner": (["owner"], "active"),
        "Therapist": (["therapist"], "active"),
        "Co Therapist": (["therapist"], "active"),
        "Former Therapist": (["therapist"], "active"),
        "Colleague": (["therapist"], "active"),
        "Leaver": (["therapist"], "deactivated"),
        "Ina Invited": (["therapist"], "invited"),
    }


def test_the_staff_who_can_sign_in_are_told_from_those_who_cannot(cast: Cast) -> None:
    cannot = cast.owner.get("/staff?active=false").get_json()["data"]
    can = cast.owner.get("/staff?active=true").get_json()["data"]
    assert {row["name"] for row in cannot} == {"Leaver", "Ina Invited"}
    assert {row["status"] for row in can} == {"active"}
    assert len(can) == 5


def test_the_staff_list_goes_on_where_a_page_ended(cast: Cast) -> None:
    names, cursor = [], ""
    while True:
        page = cast.owner.get(f"/staff?limit=2{cursor}").get_json()
        names += [row["name"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(names) == len(set(names)) == 7


def test_a_client_is_no_member_of_the_staff(cast: Cast) -> None:
    assert cast.owner.get(f"/staff/{cast.client.id}").status_code == 404
    assert cast.owner.post(f"/staff/{cast.client.id}/deactivate").status_code == 404
    assert cast.other_owner.get(f"/staff/{cast.therapist.id}").status_code == 404


def test_an_owner_gives_and_takes_capabilities_and_it_counts_at_once(cast: Cast) -> None:
    assert (
        cast.therapist.post(
            "/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["therapist"]}
        ).status_code
        == 403
    )
    assert set_capabilities(cast, cast.owner, cast.therapist, "therapist", "owner").get_json()["capabilities"] == [
        "owner",
        "therapist",
    ]
    assert (
        cast.therapist.post(
            "/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["therapist"]}
        ).status_code
        == 201
    )
    assert set_capabilities(cast, cast.owner, cast.therapist, "therapist").status_code == 200
    assert (
        cast.therapist.post(
            "/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["therapist"]}
        ).status_code
        == 403
    )


def test_a_therapist_changes_nobodys_capabilities_not_even_their_own(cast: Cast) -> None:
    assert set_capabilities(cast, cast.therapist, cast.therapist, "owner", "therapist").status_code == 403
    assert set_capabilities(cast, cast.therapist, cast.colleague, "owner").status_code == 403
    assert cast.owner.get(f"/staff/{cast.therapist.id}").get_json()["capabilities"] == ["therapist"]


def test_a_change_of_capabilities_that_comes_too_late_is_refused(cast: Cast) -> None:
    path = f"/staff/{cast.colleague.id}"
    etag = cast.owner.etag(path)
    assert cast.owner.patch(path, {"capabilities": ["owner"]}, etag).status_code == 200
    late = cast.owner.patch(path, {"capabilities": ["therapist"]}, etag)
    assert late.status_code == 412
    assert late.get_json()["current"] == cast.owner.get(path).get_json()
    assert cast.owner.patch(path, {"capabilities": ["therapist"]}).status_code == 428


@pytest.mark.parametrize("capabilities", [[], ["client"], ["owner", "therapist", "owner"], "owner"])
def test_a_member_of_the_staff_holds_known_capabilities_and_at_least_one(cast: Cast, capabilities: Any) -> None:
    path = f"/staff/{cast.colleague.id}"
    assert cast.owner.patch(path, {"capabilities": capabilities}, cast.owner.etag(path)).status_code == 422


def test_the_last_owner_stays_an_owner(cast: Cast) -> None:
    refused = set_capabilities(cast, cast.owner, cast.owner, "therapist")
    assert refused.status_code == 409
    assert refused.get_json()["state"] == "last_owner"
    assert cast.owner.get("/me").get_json()["capabilities"] == ["owner"]


def test_the_last_owner_cannot_be_deactivated(cast: Cast) -> None:
    assert cast.owner.post(f"/staff/{cast.owner.id}/deactivate").status_code == 409
    assert cast.owner.get("/me").status_code == 200


def test_an_owner_who_was_only_invited_or_has_left_does_not_count_as_another_owner(cast: Cast) -> None:
    cast.owner.post("/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["owner"]})
    leaver = update(Person).where(Person.id == cast.leaver.id)
    database.change(cast.app, leaver.values(owner=True))
    assert cast.owner.post(f"/staff/{cast.owner.id}/deactivate").status_code == 409
    assert set_capabilities(cast, cast.owner, cast.owner, "therapist").status_code == 409


def test_an_owner_of_another_practice_does_not_count_either(cast: Cast) -> None:
    assert cast.other_owner.post(f"/staff/{cast.other_owner.id}/deactivate").status_code == 409


def test_the_first_owner_may_go_once_there_is_a_second(cast: Cast) -> None:
    assert set_capabilities(cast, cast.owner, cast.colleague, "owner", "therapist").status_code == 200
    assert cast.colleague.post(f"/staff/{cast.owner.id}/deactivate").status_code == 200
    assert cast.owner.get("/me").status_code == 401
    assert cast.colleague.post(f"/staff/{cast.colleague.id}/deactivate").status_code == 409


def test_a_deactivated_therapist_is_out_on_the_next_request_everywhere(cast: Cast) -> None:
    phone = signed_in(cast, cast.therapist)
    gone = cast.owner.post(f"/staff/{cast.therapist.id}/deactivate")
    assert gone.status_code == 200
    assert gone.get_json()["status"] == "deactivated"
    assert [session.get("/me").status_code for session in (phone, cast.therapist)] == [401, 401]
    assert sign_in(cast, cast.therapist, PASSWORD) == 401


def test_deactivating_ends_a_reset_link_that_is_on_its_way(cast: Cast) -> None:
    cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.therapist.email})
    mailed = mailbox.last(cast.app, cast.therapist.email)
    cast.owner.post(f"/staff/{cast.therapist.id}/deactivate")
    sent = {"token": mailed.secret, "password": NEW_PASSWORD}
    assert cast.nobody.post("/password-resets/complete", sent).status_code == 404


@pytest.mark.parametrize("mailed", [True, False])
def test_somebody_deactivated_before_they_accepted_cannot_come_in(cast: Cast, *, mailed: bool) -> None:
    invited = cast.owner.post(
        "/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["owner"]}
    ).get_json()
    if mailed:
        secret = mailbox.last(cast.app, "n@x.example").secret
    assert cast.owner.post(f"/staff/{invited['person_id']}/deactivate").status_code == 200
    if not mailed:
        mailbox.deliver(cast.app)
        assert mailbox.sent(cast.app, "n@x.example") == [], "nobody is invited who has been deactivated"
        return
    sent = {"token": secret, "password": NEW_PASSWORD}
    assert cast.nobody.post("/invitations/accept", sent).status_code == 404


def test_deactivating_twice_is_one_fact(cast: Cast) -> None:
    for _ in range(2):
        assert cast.owner.post(f"/staff/{cast.colleague.id}/deactivate").status_code == 200
    facts = select(Event.id).where(Event.fact == "staff.deactivated", Event.subject_id == cast.colleague.id)
    assert len(database.rows(cast.app, facts)) == 1


def test_only_an_owner_deactivates(cast: Cast) -> None:
    assert cast.therapist.post(f"/staff/{cast.colleague.id}/deactivate").status_code == 403
    assert cast.other_owner.post(f"/staff/{cast.colleague.id}/deactivate").status_code == 404
    assert cast.owner.post(f"/staff/{new_id()}/deactivate").status_code == 404
    assert cast.colleague.get("/me").status_code == 200


def test_no_live_credential_is_left_of_somebody_deactivated(cast: Cast) -> None:
    signed_in(cast, cast.colleague)
    cast.owner.post(f"/staff/{cast.colleague.id}/deactivate")
    alive = select(Credential.id).where(Credential.person_id == cast.colleague.id, Credential.ended_at.is_(None))
    assert database.rows(cast.app, alive) == []
    kinds = select(Credential.kind).where(Credential.person_id == cast.colleague.id).distinct()
    assert (CredentialKind.SESSION,) in [tuple(row) for row in database.rows(cast.app, kinds)]


def test_time_passing_does_not_bring_a_deactivated_person_back(cast: Cast) -> None:
    with clock.time_shifted(timedelta(days=1)):
        assert sign_in(cast, cast.leaver, PASSWORD) == 401
