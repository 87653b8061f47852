"""Bar 4: somebody else's id, in a path, a query or a body, is worth as much as one that was never given out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from portal.core.ids import new_id
from tests.access.table import LATER, TABLE, Row, ids_of, prepared, rule_of, seen, send
from tests.cast import Cast

WORK = ("reading", "draft", "submitted")


def _work_of(*clients: str) -> set[str]:
    return {f"{client}.{thing}" for client in clients for thing in WORK}


LINDENS = {"owner", "therapist", "co_therapist", "former_therapist", "colleague", "leaver"}
SYSTEMS = ("integration", "narrow", "uninvited", "revoked")
OWN_SYSTEMS = {*SYSTEMS, *(f"linden.{name}" for name in SYSTEMS)}
LIBRARY = {"linden.reading", "linden.exercise", "linden.draft_resource"}
THERAPISTS = ("therapist", "co_therapist", "former_therapist", "colleague")

SIGHT: Mapping[str, Mapping[str, set[str]]] = {
    "client_id": {
        "owner": {"unattended"},
        "therapist": {"client", "partner", "former_client", "newcomer"},
        "co_therapist": {"client"},
        "colleague": {"stranger"},
        "other_owner": {"other_client"},
        "integration": {"client", "partner", "former_client", "newcomer"},
        "foreign": {"other_client"},
    },
    "person_id": {**dict.fromkeys(("owner", *THERAPISTS), LINDENS), "other_owner": {"other_owner"}},
    "assignment_id": {
        "therapist": _work_of("client", "partner", "former_client"),
        "co_therapist": {"co_therapist.assignment"},
        "colleague": _work_of("stranger"),
        "other_owner": _work_of("other_client"),
        "integration": _work_of("client", "partner", "former_client"),
        "foreign": _work_of("other_client"),
        "client": _work_of("client") | {"co_therapist.assignment"},
        "partner": _work_of("partner"),
    },
    "resource_id": {
        **dict.fromkeys(("owner", *THERAPISTS, "integration", "uninvited"), LIBRARY),
        "foreign": {"birch.reading", "birch.exercise", "birch.draft_resource"},
        "other_owner": {"birch.reading", "birch.exercise", "birch.draft_resource"},
    },
    "integration_id": dict.fromkeys(("owner", *THERAPISTS), OWN_SYSTEMS),
    "invitation_id": {
        "owner": {"staff.invitation"},
        "therapist": {f"{name}.invitation" for name in ("client", "partner", "former_client", "newcomer")},
    },
    "alert_id": {
        "therapist": {"client.alert", "partner.alert"},
        "co_therapist": {"client.alert"},
        "colleague": {"partner.alert"},
    },
    "session_id": {},
    "care_id": {},
    "comment_id": {"therapist": {"client.comment"}},
}
"""Whose things each one may name; of sessions and care links only the very one a row is about."""


def _every_id(cast: Cast) -> dict[str, str]:
    people = {name: actor.id for name, actor in cast.everyone().items() if actor.id}
    return {**people, **cast.things}


@pytest.mark.parametrize("row", [row for row in TABLE if "<" in row.path], ids=str)
def test_nobody_elses_id_in_a_path_is_worth_more_than_a_made_up_one(row: Row, cast: Cast) -> None:
    prepared(row, cast)
    rule, path, id_of = rule_of(row, cast.app), row.path, ids_of(cast)
    names = {name: part for part, name in zip(_filled_parts(path), _variables(rule.rule), strict=True)}
    for principal, status in row.cells.items():
        if status >= 400:
            continue
        for variable, place in names.items():
            hidden = {
                name: thing
                for name, thing in _every_id(cast).items()
                if name not in _visible(variable, principal) and thing != id_of(place)
            }
            absent = seen(send(row, cast, principal, _swapped(cast, place, new_id())))
            assert absent[0] == 404
            for name, thing in hidden.items():
                got = seen(send(row, cast, principal, _swapped(cast, place, thing)))
                assert got == absent, (principal, variable, name)


def _visible(variable: str, principal: str) -> set[str]:
    assert variable in SIGHT, (
        f"tests/access/test_identifiers.py: add {variable!r} to SIGHT and name, for each principal, the things of the "
        f"cast whose id works there. A route has <id:{variable}> in its path."
    )
    return SIGHT[variable].get(principal, set())


def _filled_parts(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("<")]


def _variables(rule: str) -> list[str]:
    return [part[4:-1] for part in rule.split("/") if part.startswith("<id:")]


def _swapped(cast: Cast, place: str, thing: str) -> Any:
    id_of = ids_of(cast)
    return lambda name: thing if name == place else id_of(name)


def test_a_comment_is_not_found_under_another_assignment(cast: Cast) -> None:
    here, there = cast.things["client.submitted"], cast.things["client.draft"]
    theirs = cast.things["partner.comment"]
    for assignment, comment in ((there, cast.things["client.comment"]), (here, theirs)):
        response = cast.client.post(f"/me/assignments/{assignment}/comments/{comment}/mark-read")
        assert response.status_code == 404


def test_a_care_link_is_not_ended_under_another_client(cast: Cast) -> None:
    response = cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['partner.care']}/end")
    assert response.status_code == 404
    assert cast.therapist.get(f"/clients/{cast.partner.id}").status_code == 200


@pytest.mark.parametrize("name", ["client_id", "resource_id"])
def test_a_list_narrowed_to_what_one_does_not_see_is_empty(name: str, cast: Cast) -> None:
    for principal in ("owner", "therapist", "co_therapist", "former_therapist", "colleague", "other_owner"):
        actor = cast.everyone()[principal]
        absent = seen(actor.get(f"/assignments?{name}={new_id()}&include_total=true"))
        assert absent[:2] == (200, {"data": [], "has_more": False, "next_cursor": None, "total": 0})
        visible = SIGHT[name].get(principal, set())
        for thing in (thing for named, thing in _every_id(cast).items() if named not in visible):
            assert seen(actor.get(f"/assignments?{name}={thing}&include_total=true")) == absent, (principal, thing)


@pytest.mark.parametrize("name", ["client_id", "resource_id"])
def test_nothing_is_assigned_to_whom_or_from_what_one_does_not_see(name: str, cast: Cast) -> None:
    fine = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "x", "due_on": LATER}
    for principal in ("therapist", "co_therapist"):
        actor = cast.everyone()[principal]
        absent = seen(actor.post("/assignments", {**fine, name: new_id()}))
        assert absent[0] == 404
        visible = SIGHT[name][principal]
        for named, thing in _every_id(cast).items():
            if named not in visible:
                got = seen(actor.post("/assignments", {**fine, name: thing}))
                assert got == absent, (principal, named)


@pytest.mark.parametrize(
    ("principal", "path"),
    [
        ("therapist", "/clients/<client>/care"),
        ("therapist", "/clients/<client>/hand-over"),
        ("owner", "/clients/<unattended>/care"),
        ("owner", "/staff/<therapist>/hand-over"),
    ],
)
def test_care_goes_to_nobody_but_an_active_therapist_of_the_practice(principal: str, path: str, cast: Cast) -> None:
    row = Row("POST", "/api/v1" + path, {}, {"therapist_id": "<it>"})
    absent = seen(send(row, cast, principal, _swapped(cast, "it", new_id())))
    assert absent[0] == 422
    for name, thing in _every_id(cast).items():
        if name not in THERAPISTS:
            assert seen(send(row, cast, principal, _swapped(cast, "it", thing))) == absent, name


def test_the_row_of_somebody_elses_answers_is_no_row_of_ones_own(cast: Cast) -> None:
    theirs = cast.partner.get(f"/me/assignments/{cast.things['partner.draft']}/response").get_json()["rows"][0]["id"]
    path = f"/me/assignments/{cast.things['client.draft']}/response"

    def saved(row: str) -> tuple[int, list[tuple[str, str]]]:
        sent = {"answers": [{"block": "cue", "row": [row], "value": "x"}]}
        response = cast.client.patch(path, sent, '"2-0000000000000000"')
        faults = response.get_json().get("errors", [])
        return response.status_code, [(fault["pointer"], fault["detail"]) for fault in faults]

    assert saved(theirs) == saved(new_id())
    assert saved(theirs)[0] == 422


def test_an_account_of_one_practice_opens_no_other(cast: Cast) -> None:
    def signed_in(practice: str) -> tuple[int, object, dict[str, str]]:
        sent = {"practice": practice, "email": cast.therapist.email, "password": "maple-otter-violin-sunday"}
        return seen(cast.nobody.post("/sessions", sent))

    assert signed_in("birch") == signed_in("no-such-practice")
    assert signed_in("birch")[0] == 401
