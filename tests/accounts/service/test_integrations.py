"""Other systems: what their tokens open, and how that ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from portal.accounts.models import Integration
from portal.accounts.schemas.integration import SCOPES
from portal.accounts.secrets import hashed, is_whole
from portal.accounts.service import integrations
from portal.core import clock
from portal.core.audit_log import sealing
from tests.cast import Actor, Cast
from tests.owner import as_owner


def _made(cast: Cast, **more: Any) -> dict[str, Any]:
    sent = {"name": "Record system", "scopes": ["assignments:read"], **more}
    response = cast.owner.post("/integrations", sent)
    assert response.status_code == 201, response.get_data(as_text=True)
    made: dict[str, Any] = response.get_json()
    return made


def _holding(cast: Cast, token: str) -> Actor:
    return Actor("a system", cast.app, cast.integration.viewer, token)


def test_the_scopes_that_can_be_asked_for_are_those_that_exist() -> None:
    assert set(SCOPES) == set(integrations.SCOPES)


def test_every_scope_opens_some_route(cast: Cast) -> None:
    """A scope nobody asks for would be a promise without a thing behind it."""
    used = {getattr(view, "scope", None) for view in cast.app.view_functions.values()} - {None}
    assert used == set(integrations.SCOPES)


def test_a_token_is_recognised_by_its_form_and_shown_once(cast: Cast) -> None:
    made = _made(cast)
    assert is_whole(made["token"], integrations.PREFIX)
    assert made["token"].startswith("portal_int_")
    listed = cast.owner.get("/integrations").get_data(as_text=True)
    assert made["token"] not in listed
    assert hashed(made["token"]) not in listed


def test_a_new_system_sees_nobody_until_a_therapist_opts_in(cast: Cast) -> None:
    made = _made(cast)
    system = _holding(cast, made["token"])
    assert system.get("/assignments").get_json()["data"] == []
    assert cast.therapist.put(f"/integrations/{made['id']}/caseload", {}).status_code == 200
    seen = {row["client_id"] for row in system.get("/assignments?limit=100").get_json()["data"]}
    assert seen == {cast.client.id, cast.partner.id, cast.former_client.id}
    assert cast.therapist.delete(f"/integrations/{made['id']}/caseload").status_code == 204
    assert system.get("/assignments").get_json()["data"] == []


def test_it_reads_about_itself(cast: Cast) -> None:
    made = _made(cast, expires_in_days=30)
    shown = _holding(cast, made["token"]).get("/integrations/current").get_json()
    assert (shown["id"], shown["scopes"]) == (made["id"], ["assignments:read"])
    assert shown["expires_at"] == made["expires_at"]


def test_what_it_lacks_the_scope_for_is_403_and_says_which(cast: Cast) -> None:
    refused = cast.narrow.get(f"/clients/{cast.client.id}")
    assert refused.status_code == 403
    assert "clients:read" in refused.get_json()["detail"]


def test_naming_clients_needs_the_scope_to_read_them(cast: Cast) -> None:
    made = _made(cast)
    cast.therapist.put(f"/integrations/{made['id']}/caseload", {})
    assert _holding(cast, made["token"]).get("/assignments?expand=client").status_code == 403
    assert cast.integration.get("/assignments?expand=client").status_code == 200


def test_a_token_ends_after_its_days(cast: Cast) -> None:
    system = _holding(cast, _made(cast, expires_in_days=2)["token"])
    with clock.time_shifted(timedelta(days=2, seconds=-5)):
        assert system.get("/integrations/current").status_code == 200
    with clock.time_shifted(timedelta(days=2)):
        assert system.get("/integrations/current").status_code == 401


def test_rotating_ends_the_earlier_token_at_once(cast: Cast) -> None:
    made = _made(cast)
    rotated = cast.owner.post(f"/integrations/{made['id']}/rotate", {}).get_json()
    assert rotated["token"] != made["token"]
    assert _holding(cast, made["token"]).get("/integrations/current").status_code == 401
    assert _holding(cast, rotated["token"]).get("/integrations/current").status_code == 200


def test_rotating_with_an_overlap_lets_both_work_for_that_long(cast: Cast) -> None:
    made = _made(cast)
    rotated = cast.owner.post(f"/integrations/{made['id']}/rotate", {"overlap_minutes": 10}).get_json()
    for token in (made["token"], rotated["token"]):
        assert _holding(cast, token).get("/integrations/current").status_code == 200
    with clock.time_shifted(timedelta(minutes=10)):
        assert _holding(cast, made["token"]).get("/integrations/current").status_code == 401
        assert _holding(cast, rotated["token"]).get("/integrations/current").status_code == 200


def test_an_overlap_never_lengthens_a_token(cast: Cast) -> None:
    made = _made(cast, expires_in_days=1)
    with clock.time_shifted(timedelta(hours=23, minutes=55)), cast.app.app_context():
        integrations.rotate(cast.owner.viewer, made["id"], overlap_minutes=60)
    with clock.time_shifted(timedelta(days=1)):
        assert _holding(cast, made["token"]).get("/integrations/current").status_code == 401


def test_revoking_ends_it_on_the_next_request_and_stays_listed(cast: Cast) -> None:
    made = _made(cast)
    path = f"/integrations/{made['id']}"
    assert [cast.owner.delete(path).status_code for _ in range(2)] == [204, 204]
    assert _holding(cast, made["token"]).get("/integrations/current").status_code == 401
    assert cast.owner.get(path).get_json()["revoked_at"] is not None
    assert cast.owner.post(f"{path}/rotate", {}).status_code == 409
    assert cast.therapist.put(f"{path}/caseload", {}).status_code == 409


def test_it_outlives_whoever_made_it(cast: Cast) -> None:
    made = _made(cast)
    person = cast.owner.get(f"/staff/{cast.therapist.id}")
    both = {"capabilities": ["owner", "therapist"]}
    assert cast.owner.patch(f"/staff/{cast.therapist.id}", both, person.headers["ETag"]).status_code == 200
    assert cast.therapist.post(f"/staff/{cast.owner.id}/deactivate").status_code == 200
    assert _holding(cast, made["token"]).get("/integrations/current").status_code == 200


def test_when_it_was_last_used_is_shown_to_the_minute(cast: Cast) -> None:
    made = _made(cast)
    assert made["last_used_at"] is None
    with clock.time_shifted(timedelta(minutes=5)):
        _holding(cast, made["token"]).get("/integrations/current")
    shown = cast.owner.get(f"/integrations/{made['id']}").get_json()
    assert shown["last_used_at"] > made["created_at"]


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"scopes": []}, "#/scopes"),
        ({"scopes": ["everything"]}, "#/scopes/0"),
        ({"expires_in_days": 0}, "#/expires_in_days"),
        ({"expires_in_days": 366}, "#/expires_in_days"),
        ({"name": " "}, "#/name"),
    ],
)
def test_a_system_that_cannot_be_is_refused_with_the_place(cast: Cast, sent: dict[str, Any], pointer: str) -> None:
    refused = cast.owner.post("/integrations", {"name": "x", "scopes": ["events:read"], **sent})
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.get_json()["errors"]] == [pointer]


def test_a_system_is_no_person(cast: Cast) -> None:
    """It has no sessions, makes no people and lets nobody in."""
    for method, path in (
        ("GET", "/me"),
        ("GET", "/sessions"),
        ("POST", "/clients"),
        ("POST", "/invitations"),
        ("POST", "/integrations"),
        ("GET", "/caseload"),
        ("GET", "/me/assignments"),
    ):
        body: dict[str, Any] = {"json": {}} if method == "POST" else {}
        assert cast.integration.ask(method, path, **body).status_code == 404, path


def test_opening_answers_is_shown_to_the_client_by_the_systems_name(cast: Cast) -> None:
    path = f"/assignments/{cast.things['client.submitted']}/attempts/1"
    assert cast.integration.get(path).status_code == 200
    with cast.app.app_context():
        sealing.seal()
    [opening] = cast.client.get("/me/access-log").get_json()["data"]
    assert opening["opened_by"] == {
        "id": cast.integration.id,
        "kind": "integration",
        "name": "System integration",
    }


def test_it_never_reads_a_private_answer_or_a_draft(cast: Cast) -> None:
    opened = cast.integration.get(f"/assignments/{cast.things['client.submitted']}/attempts/1")
    assert "what happened to client" not in opened.get_data(as_text=True)
    assert opened.get_json()["private_count"] == 1
    assert cast.integration.get(f"/assignments/{cast.things['client.draft']}/attempts/1").status_code == 404


def test_a_token_that_was_forgotten_ends_with_the_integration_all_the_same(cast: Cast) -> None:
    made = _made(cast)
    with cast.app.app_context(), as_owner() as session:
        session.execute(update(Integration).where(Integration.id == made["id"]).values(revoked_at=clock.now()))
    assert _holding(cast, made["token"]).get("/integrations/current").status_code == 401
