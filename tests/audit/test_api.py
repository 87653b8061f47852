"""The log of openings as a client reads it, and as nobody else does."""

from __future__ import annotations

import pytest

from portal.core.audit_log import sealing
from tests.cast import Cast
from tests.conftest import Queries


def open_and_seal(cast: Cast, times: int = 1) -> None:
    for _ in range(times):
        assert cast.therapist.get(f"/assignments/{cast.things['client.submitted']}/attempts/1").status_code == 200
    with cast.app.app_context():
        sealing.seal()


def test_a_log_without_openings_is_an_empty_list(cast: Cast) -> None:
    page = cast.client.get("/me/access-log?include_total=true")
    assert page.status_code == 200
    assert page.get_json() == {"data": [], "has_more": False, "next_cursor": None, "total": 0}


def test_an_entry_holds_who_when_and_what_and_no_answer(cast: Cast) -> None:
    open_and_seal(cast)
    page = cast.client.get("/me/access-log")
    [opening] = page.get_json()["data"]
    assert set(opening) == {"id", "occurred_at", "opened_by", "opened", "assignment_id", "title", "attempt"}
    assert set(opening["opened_by"]) == {"id", "kind", "name"}
    assert opening["occurred_at"].endswith("Z")
    assert "what client needs" not in page.get_data(as_text=True)


@pytest.mark.parametrize("name", ["therapist", "owner", "colleague", "other_owner"])
def test_the_log_is_no_path_of_the_staffs(cast: Cast, name: str) -> None:
    open_and_seal(cast)
    someone = cast.everyone()[name]
    hidden, absent = someone.get("/me/access-log").get_json(), someone.get("/no-such-path").get_json()
    assert hidden["status"] == 404
    assert {**hidden, "instance": ""} == {**absent, "instance": ""}


@pytest.mark.parametrize("query", ["?client_id=x", "?sort=actor", "?limit=0", "?cursor=junk"])
def test_the_log_takes_the_parameters_it_names_and_no_other(cast: Cast, query: str) -> None:
    assert cast.client.get(f"/me/access-log{query}").status_code == 400


def test_the_latest_opening_comes_first_by_default(cast: Cast) -> None:
    open_and_seal(cast, 3)
    latest = [row["id"] for row in cast.client.get("/me/access-log").get_json()["data"]]
    oldest = [row["id"] for row in cast.client.get("/me/access-log?sort=occurred_at").get_json()["data"]]
    assert latest == oldest[::-1] == sorted(latest, reverse=True)


def test_the_log_takes_as_many_statements_for_many_openings_as_for_one(cast: Cast, queries: Queries) -> None:
    open_and_seal(cast)
    cast.client.get("/me/access-log")
    queries.statements.clear()
    cast.client.get("/me/access-log")
    before = len(queries)
    open_and_seal(cast, 10)
    cast.client.get("/me/access-log")
    queries.statements.clear()
    assert len(cast.client.get("/me/access-log").get_json()["data"]) == 11
    assert len(queries) == before <= 4
