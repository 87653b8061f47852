"""Lists: every row once in every order, cursors for one viewer and one list only, and no parameter read by mistake."""

from __future__ import annotations

import base64
from collections import Counter
from urllib.parse import urlencode

import pytest

from tests.access.lists import pattern_of
from tests.cast import Cast
from tests.http.lists import LISTS, List, pages, with_query

BY_LIST = pytest.mark.parametrize("listed", LISTS, ids=str)


def test_every_list_of_the_description_is_walked(cast: Cast) -> None:
    described = {
        pattern_of(path.removeprefix("/api/v1"))
        for path, operations in cast.nobody.get("/openapi.json").get_json()["paths"].items()
        if any(parameter["name"] == "cursor" for parameter in operations.get("get", {}).get("parameters", ()))
    }
    assert described - {pattern_of(listed.path) for listed in LISTS} == set(), (
        "tests/http/lists.py: add these lists to LISTS, each with somebody who sees it, its sorts, and a function that "
        "adds a row"
    )


def _grown(listed: List, cast: Cast, by: int) -> None:
    for number in range(by):
        listed.more(cast, number)


def _keys(rows: list[dict[str, object]]) -> list[object]:
    return [row["id"] if "id" in row else row["attempt"] for row in rows]


@BY_LIST
def test_no_row_is_lost_or_doubled_one_by_one_in_any_order(listed: List, cast: Cast) -> None:
    _grown(listed, cast, 7)
    actor, address = listed.actor(cast), listed.address(cast)
    whole = actor.get(with_query(address, limit=100)).get_json()
    everything = Counter(_keys(whole["data"]))
    assert whole["has_more"] is False
    assert len(everything) >= 7
    for order in ["", *listed.orders()]:
        walked = [page["data"] for page in pages(actor, address, sort=order, limit=1)]
        assert all(len(rows) == 1 for rows in walked), order
        assert Counter(_keys([rows[0] for rows in walked])) == everything, order
        at_once = actor.get(with_query(address, sort=order, limit=100)).get_json()["data"]
        assert [rows[0] for rows in walked] == at_once, order


@BY_LIST
def test_the_other_direction_is_the_same_list_backwards(listed: List, cast: Cast) -> None:
    _grown(listed, cast, 5)
    for sort in listed.sorts:
        forwards = _keys(
            listed.actor(cast).get(with_query(listed.address(cast), sort=sort, limit=100)).get_json()["data"]
        )
        address = with_query(listed.address(cast), sort=f"-{sort}", limit=100)
        assert _keys(listed.actor(cast).get(address).get_json()["data"]) == forwards[::-1], sort


@BY_LIST
def test_a_page_is_as_long_as_asked_for_and_says_whether_more_follows(listed: List, cast: Cast) -> None:
    _grown(listed, cast, 4)
    actor, address = listed.actor(cast), listed.address(cast)
    count = len(actor.get(with_query(address, limit=100)).get_json()["data"])
    for limit in (1, 2, count - 1, count, count + 1):
        page = actor.get(with_query(address, limit=limit)).get_json()
        assert len(page["data"]) == min(limit, count)
        assert page["has_more"] is (limit < count)
        assert (page["next_cursor"] is not None) is page["has_more"]


@BY_LIST
def test_a_total_is_counted_only_when_asked_for(listed: List, cast: Cast) -> None:
    _grown(listed, cast, 3)
    actor, address = listed.actor(cast), listed.address(cast)
    count = len(actor.get(with_query(address, limit=100)).get_json()["data"])
    assert "total" not in actor.get(with_query(address, include_total="false")).get_json()
    walked = list(pages(actor, address, limit=2, include_total="true"))
    assert [page["total"] for page in walked] == [count] * len(walked)


@BY_LIST
def test_the_link_to_the_next_page_leads_there(listed: List, cast: Cast) -> None:
    _grown(listed, cast, 3)
    actor = listed.actor(cast)
    first = actor.get(with_query(listed.address(cast), limit=1))
    address, relation = first.headers["Link"].split(";")
    assert relation.strip() == 'rel="next"'
    following = actor.get(address.strip("<>"))
    cursor = first.get_json()["next_cursor"]
    assert following.get_json() == actor.get(with_query(listed.address(cast), limit=1, cursor=cursor)).get_json()
    assert _keys(following.get_json()["data"]) != _keys(first.get_json()["data"])
    assert "Link" not in actor.get(with_query(listed.address(cast), limit=100)).headers


@BY_LIST
def test_a_limit_outside_1_to_100_is_refused(listed: List, cast: Cast) -> None:
    address = listed.address(cast)
    for limit in ("0", "101", "-1", "x", "1.5", "", "1e2", "99999999999999999999"):
        response = listed.actor(cast).get(address + ("&" if "?" in address else "?") + f"limit={limit}")
        assert (response.status_code, response.get_json()["type"]) == (400, "/problems/malformed"), limit


@BY_LIST
def test_a_parameter_that_is_not_known_or_comes_twice_is_refused(listed: List, cast: Cast) -> None:
    actor, address = listed.actor(cast), listed.address(cast)
    for wrong in (
        "stauts=assigned",
        "limit=2&limit=3",
        "Limit=2",
        "sort=nothing",
        "practice_id=x",
        "include_total=maybe",
    ):
        response = actor.get(address + ("&" if "?" in address else "?") + wrong)
        assert (response.status_code, response.get_json()["type"]) == (400, "/problems/malformed"), wrong


@BY_LIST
def test_an_altered_cursor_is_refused(listed: List, cast: Cast) -> None:
    _grown(listed, cast, 2)
    actor, address = listed.actor(cast), listed.address(cast)
    cursor = actor.get(with_query(address, limit=1)).get_json()["next_cursor"]
    altered = [cursor[:-2], cursor[1:], cursor + "AAAA", "x", "AAAA" * 20, "ä", cursor * 2, "=" * 8, "A" * 1999]
    places = range(0, len(cursor) - 1, 5)
    altered += [cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in places]
    for wrong in altered:
        response = actor.get(address + ("&" if "?" in address else "?") + urlencode({"limit": 1, "cursor": wrong}))
        assert response.status_code == 400, wrong
    assert actor.get(with_query(address, limit=1, cursor=cursor)).status_code == 200


def test_a_cursor_is_refused_from_another_viewer_list_order_or_filter(cast: Cast) -> None:
    cursor = cast.therapist.get("/assignments?limit=1").get_json()["next_cursor"]
    a, b = cast.things["client.submitted"], cast.things["linden.exercise"]
    for actor, address in (
        (cast.colleague, "/assignments"),
        (cast.other_owner, "/assignments"),
        (cast.therapist, "/clients"),
        (cast.therapist, "/resources"),
        (cast.therapist, f"/assignments/{a}/comments"),
        (cast.therapist, f"/resources/{b}/versions"),
        (cast.therapist, "/assignments?sort=due_on"),
        (cast.therapist, "/assignments?status=assigned"),
        (cast.therapist, f"/assignments?client_id={cast.client.id}"),
        (cast.therapist, "/assignments?expand=client"),
        (cast.client, "/me/assignments"),
    ):
        assert actor.get(with_query(address, limit=1, cursor=cursor)).status_code == 400, address
    assert cast.therapist.get(f"/assignments?limit=50&cursor={cursor}").status_code == 200


def test_a_cursor_carries_nothing_one_can_read(cast: Cast) -> None:
    cursor = cast.therapist.get("/clients?limit=1&sort=name").get_json()["next_cursor"]
    opened = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for word in (b"Client", b"client", b"name", b"created", cast.client.id.encode(), cast.therapist.id.encode()):
        assert word not in opened


def test_rows_that_come_in_while_one_walks_lose_and_double_none_of_those_that_were_there(cast: Cast) -> None:
    before = {row["id"] for row in cast.therapist.get("/clients?limit=100").get_json()["data"]}
    walked = []
    for number, page in enumerate(pages(cast.therapist, "/clients", limit=1)):
        walked += [row["id"] for row in page["data"]]
        sent = {"name": f"Late {number}", "email": f"late{number}@x.example"}
        assert cast.therapist.post("/clients", sent).status_code == 201
    assert len(walked) == len(set(walked))
    assert before <= set(walked)


def test_a_row_that_goes_while_one_walks_takes_no_other_with_it(cast: Cast) -> None:
    """The row a cursor stands on can leave one's sight; the walk goes on behind where it was."""
    rows = [row["id"] for row in cast.therapist.get("/clients?limit=100").get_json()["data"]]
    first = cast.therapist.get("/clients?limit=1").get_json()
    gone = first["data"][0]["id"]
    moved = cast.therapist.post(f"/clients/{gone}/hand-over", {"therapist_id": cast.colleague.id})
    assert moved.status_code == 204
    rest = cast.therapist.get(f"/clients?limit=100&cursor={first['next_cursor']}")
    assert rest.status_code == 200
    assert [row["id"] for row in rest.get_json()["data"]] == rows[1:]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=submitted", {"submitted"}),
        ("status=submitted,in_progress", {"submitted", "in_progress"}),
        ("status=withdrawn", set()),
        ("", {"assigned", "in_progress", "submitted"}),
    ],
)
def test_several_values_of_a_filter_are_alternatives(query: str, expected: set[str], cast: Cast) -> None:
    shown = cast.therapist.get(f"/assignments?limit=100&{query}".rstrip("&")).get_json()["data"]
    assert {row["status"] for row in shown} == expected


def test_a_list_with_nothing_in_it_is_an_empty_page(cast: Cast) -> None:
    """For somebody new, every list begins empty."""
    for listed in LISTS:
        path = listed.path.split("?")[0]
        if "<" in path or path in {"/sessions", "/staff", "/integrations"}:
            continue
        empty = {"/resources": "/resources?topic=no-such-topic", "/me/assignments": "/me/assignments?status=withdrawn"}
        actor = cast.former_therapist if listed.principal == "therapist" else cast.unattended
        response = actor.get(empty.get(path, path))
        assert response.status_code == 200, path
        assert response.get_json() == {"data": [], "has_more": False, "next_cursor": None}, path
    quiet = cast.co_therapist.get(f"/assignments/{cast.things['co_therapist.assignment']}/comments")
    assert quiet.get_json() == {"data": [], "has_more": False, "next_cursor": None}
    assert cast.co_therapist.get(f"/clients/{cast.client.id}/notes").get_json()["data"] == []
