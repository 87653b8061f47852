"""Every act in every state over HTTP: allowed exactly where the table says, else 409 with state and allowed acts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.assignments.service.scenarios import PATHS, THERAPISTS, TO, act, assign, bring_to, publish
from tests.assignments.test_models import TABLE
from tests.cast import Cast

LEADS_TO = {
    "open": "seen",
    "save": "in_progress",
    "pause": "paused",
    "decline": "declined",
    "submit": "submitted",
    "recall": "in_progress",
    "reopen": "assigned",
    "review": "reviewed",
    "return": "in_progress",
    "withdraw": "withdrawn",
}
OPENED_AGAIN = [status for status in TO if status not in TABLE["open"]]


@pytest.mark.engines("sqlite")  # the table is looked up in Python; test_all_states walks it on both
@pytest.mark.parametrize("status", TO)
@pytest.mark.parametrize("name", [name for name in PATHS if name != "open"])
def test_an_act_is_allowed_exactly_where_the_table_says(cast: Cast, name: str, status: str) -> None:
    assignment = bring_to(cast, status, assign(cast, publish(cast)))
    answer = act(cast, name, assignment)
    now = cast.therapist.get(f"/assignments/{assignment}").get_json()["status"]
    if status in TABLE[name]:
        assert answer.status_code == 200
        back = "seen" if name == "undo_decline" else "in_progress"
        assert now == LEADS_TO.get(name, back if name in {"resume", "undo_decline"} else status)
        return
    _refused(answer, name, status)
    assert now == status


@pytest.mark.parametrize("status", ["assigned", *OPENED_AGAIN])
def test_only_an_assigned_one_can_be_opened_and_opening_it_again_changes_nothing(cast: Cast, status: str) -> None:
    assignment = bring_to(cast, status, assign(cast, publish(cast)))
    before = cast.client.get(f"/me/assignments/{assignment}").get_json()
    answer = act(cast, "open", assignment)
    assert answer.status_code == (200 if status == "assigned" else 409)
    after = cast.client.get(f"/me/assignments/{assignment}").get_json()
    assert after["status"] == ("seen" if status == "assigned" else status)
    if status != "assigned":
        assert after == before


def _refused(answer: Any, name: str, status: str) -> None:
    side = [other for other in TABLE if (other in THERAPISTS) is (name in THERAPISTS)]
    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["state"] == status
    assert set(answer.get_json()["allowed"]) == {other for other in side if status in TABLE[other]}


@pytest.mark.parametrize("name", PATHS)
def test_neither_side_can_do_the_acts_of_the_other(cast: Cast, name: str) -> None:
    method, path, body = PATHS[name]
    thing = cast.things["client.draft"]
    own, other = ("/assignments", cast.client) if name in THERAPISTS else ("/me/assignments", cast.therapist)
    headers = {"If-Match": '"1-0123456789abcdef"'}
    answer = other.ask(method, f"{own}/{thing}/{path}".rstrip("/"), headers=headers, json=body)
    assert answer.status_code == 404


@pytest.mark.parametrize("name", PATHS)
def test_a_stranger_gets_the_same_response_as_for_an_unknown_id(cast: Cast, name: str) -> None:
    method, path, body = PATHS[name]
    base = "/assignments" if name in THERAPISTS else "/me/assignments"
    stranger = cast.colleague if name in THERAPISTS else cast.partner
    sent: dict[str, Any] = {**(body or {}), **({"attempt": 1} if name in {"review", "return"} else {})}
    sent |= {"response_version": 1} if name == "submit" else {}
    shown = []
    for thing in (cast.things["client.draft"], "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"):
        answer = stranger.ask(
            method,
            f"{base}/{thing}/{path}".rstrip("/"),
            headers={"If-Match": '"1-0123456789abcdef"'},
            **({"json": sent} if sent else {}),
        )
        shown.append((answer.status_code, {**answer.get_json(), "instance": None}))
    assert shown[0] == shown[1]
    assert shown[0][0] == 404


@pytest.mark.parametrize(("name", "path"), [("plan", "plan"), ("save", "response"), ("change", "")])
def test_a_change_of_content_without_if_match_is_428(cast: Cast, name: str, path: str) -> None:
    method, _, body = PATHS[name]
    actor, base = (cast.therapist, "/assignments") if name == "change" else (cast.client, "/me/assignments")
    answer = actor.ask(method, f"{base}/{cast.things['client.draft']}/{path}".rstrip("/"), json=body)
    assert answer.status_code == 428


@pytest.mark.parametrize(("name", "path"), [("plan", ""), ("save", "/response"), ("change", "")])
def test_a_stale_change_is_412_with_current_and_its_etag(cast: Cast, name: str, path: str) -> None:
    thing = cast.things["client.draft"]
    actor, base = (
        (cast.therapist, f"/assignments/{thing}") if name == "change" else (cast.client, f"/me/assignments/{thing}")
    )
    etag = actor.etag(base + path)
    method, end, body = PATHS[name]
    assert act(cast, name, thing).status_code == 200
    stale = actor.ask(method, f"{base}/{end}".rstrip("/"), json=body, headers={"If-Match": etag})
    current = actor.get(base + path)
    assert stale.status_code == 412
    assert stale.get_json()["current"] == current.get_json()
    assert stale.headers["ETag"] == current.headers["ETag"]


@pytest.mark.parametrize(
    ("etag", "status"),
    [
        ("*", 200),
        ('"2-0123456789abcdef", "3-x"', 200),
        ('"2"', 412),
        ('"two-0123456789abcdef"', 412),
        ("2-0123456789abcdef", 400),
        ('"2-0123456789abcdef", 3-x', 400),
    ],
)
def test_if_match_is_any_a_list_or_a_tag_and_a_tag_we_never_issued_is_412(cast: Cast, etag: str, status: int) -> None:
    answer = cast.client.patch(f"/me/assignments/{cast.things['client.draft']}/response", {"answers": []}, etag)
    assert answer.status_code == status


def test_if_match_compares_only_the_version_and_if_none_match_the_whole_tag(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.draft']}/response"
    etag = cast.client.etag(path)
    assert cast.client.get(path, headers={"If-None-Match": etag}).status_code == 304
    other = f'"{etag[1 : etag.index("-")]}-0123456789abcdef"'
    assert cast.client.get(path, headers={"If-None-Match": other}).status_code == 200
    assert cast.client.patch(path, {"answers": []}, other).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"why": ""}, "#/why"),
        ({"why": None}, "#/why"),
        ({"note": 5}, "#/note"),
        ({"due_on": "tomorrow"}, "#/due_on"),
        ({"due_on": "20300101"}, "#/due_on"),
        ({"due_on": "2020-01-01"}, "#/due_on"),
        ({"due_on": "9999-12-31"}, "#/due_on"),
        ({"opens_on": "0001-01-01"}, "#/opens_on"),
        ({"opens_on": "2030-01-02", "due_on": "2030-01-01"}, "#/opens_on"),
        ({"status": "reviewed"}, "#/status"),
        ({"therapist_id": "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"}, "#/therapist_id"),
    ],
)
def test_what_cannot_be_assigned_is_422_with_a_pointer(cast: Cast, change: dict[str, Any], pointer: str) -> None:
    body = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "Because.", **change}
    answer = cast.therapist.post("/assignments", body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


@pytest.mark.parametrize("sent", [[], {}, 1, "yes", None])
def test_a_boolean_is_true_or_false_and_nothing_that_looks_like_it(cast: Cast, sent: Any) -> None:
    answer = cast.client.post(f"/me/assignments/{cast.things['client.reading']}/decline", {"did_something_else": sent})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/did_something_else"]


@pytest.mark.parametrize(
    "query", ["assigned_at[gte]=0001-01-01T00:00:00%2B14:00", "assigned_at[gte]=2026-01-01T00:00:00", "due_on[lt]=x"]
)
def test_an_instant_or_day_that_cannot_be_read_is_400(cast: Cast, query: str) -> None:
    assert cast.therapist.get(f"/assignments?{query}").status_code == 400


def test_every_filter_narrows_the_list(cast: Cast) -> None:
    def ids(query: str) -> set[str]:
        answer = cast.therapist.get(f"/assignments?limit=100&{query}")
        assert answer.status_code == 200, answer.get_json()
        return {row["id"] for row in answer.get_json()["data"]}

    things, everything = cast.things, ids("")
    assert ids(f"client_id={cast.client.id}") == {things[f"client.{one}"] for one in ("reading", "draft", "submitted")}
    assert ids("status=submitted") | ids("status=assigned,in_progress") == everything
    assert ids("status=submitted") == {things[f"{who}.submitted"] for who in ("client", "partner", "former_client")}
    assert ids("kind=reading") == {things[f"{who}.reading"] for who in ("client", "partner", "former_client")}
    assert ids(f"resource_id={things['linden.reading']}") == ids("kind=reading")
    assert ids("frozen=true") == {things[f"former_client.{one}"] for one in ("reading", "draft")}
    assert ids("frozen=false") == everything - ids("frozen=true")
    assert ids("overdue=true") == set()
    assert ids("due_on[gte]=2020-01-01") == ids("status=submitted")
    assert ids("due_on[lt]=2020-01-01") == set()
    assert ids("assigned_at[gte]=2020-01-01T00:00:00Z") == everything
    assert ids("assigned_at[lt]=2020-01-01T00:00:00Z") == set()


@pytest.mark.parametrize("sort", ["assigned_at", "-assigned_at", "due_on", "-due_on", "submitted_at", "-submitted_at"])
def test_pages_contain_every_assignment_once_and_in_order(cast: Cast, sort: str) -> None:
    whole = [row["id"] for row in cast.therapist.get(f"/assignments?limit=100&sort={sort}").get_json()["data"]]
    path, pages = f"/api/v1/assignments?limit=2&sort={sort}", []
    while path:
        answer = cast.therapist.get(path)
        pages += [row["id"] for row in answer.get_json()["data"]]
        link = answer.headers.get("Link", "")
        path = link[1 : link.index(">")] if link else ""
    assert pages == whole
    assert len(set(whole)) == 9


def test_lists_and_details_say_the_same(cast: Cast) -> None:
    for actor, path in ((cast.therapist, "/assignments"), (cast.client, "/me/assignments")):
        for row in actor.get(f"{path}?limit=100").get_json()["data"]:
            detail = actor.get(f"{path}/{row['id']}").get_json()
            assert {name: detail[name] for name in row} == row


def test_expanding_adds_the_clients_name_and_nothing_else(cast: Cast) -> None:
    rows = cast.therapist.get("/assignments?expand=client&limit=100").get_json()["data"]
    assert {row["client"]["name"] for row in rows} == {"Client", "Partner", "Former Client"}
    assert all(set(row["client"]) == {"id", "name"} for row in rows)
    assert cast.client.get("/me/assignments?expand=client").status_code == 400


@pytest.mark.parametrize(
    ("name", "path"),
    [("therapist", "/assignments"), ("therapist", "/assignments?expand=client"), ("client", "/me/assignments")],
)
def test_a_list_takes_the_same_number_of_queries_however_long_it_is(
    cast: Cast, queries: Any, name: str, path: str
) -> None:
    actor, link = cast.everyone()[name], "&" if "?" in path else "?"
    actor.get(path)
    counts = []
    for limit in (1, 20):
        before = len(queries)
        actor.get(f"{path}{link}limit={limit}")
        counts.append(len(queries) - before)
    assert counts[0] == counts[1] <= 4


def test_all_states_can_be_reached_from_new(cast: Cast) -> None:
    reached = set()
    for status in TO:
        bring_to(cast, status, assign(cast, publish(cast)))
        reached.add(status)
    assert reached == set(itertools.chain.from_iterable(TABLE.values())) | {"withdrawn"}
