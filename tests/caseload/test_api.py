"""The routes of caseload as whoever calls them meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.core.ids import new_id
from tests.cast import Cast
from tests.conftest import Queries


def without_instance(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.get_json().items() if key != "instance"}


@pytest.mark.parametrize("name", ["colleague", "former_therapist", "owner", "other_owner"])
@pytest.mark.parametrize("path", ["", "/care", "/notes", "/progress"])
def test_a_client_out_of_sight_answers_like_one_that_does_not_exist(cast: Cast, path: str, name: str) -> None:
    someone = cast.everyone()[name]
    hidden, absent = someone.get(f"/clients/{cast.client.id}{path}"), someone.get(f"/clients/{new_id()}{path}")
    assert hidden.status_code == absent.status_code == 404
    assert without_instance(hidden) == without_instance(absent)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("archive", None),
        ("restore", None),
        ("hand-over", "to"),
        ("care", "to"),
        ("invitation", {}),
        ("notes", {"body": "x"}),
    ],
)
def test_an_act_on_a_client_out_of_sight_answers_like_one_on_nobody(cast: Cast, path: str, body: Any) -> None:
    sent = {"therapist_id": cast.colleague.id} if body == "to" else body
    answers = [
        someone.post(f"/clients/{client_id}/{path}", sent)
        for someone in (cast.colleague, cast.other_owner)
        for client_id in (cast.client.id, new_id())
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert all(without_instance(answer) == without_instance(answers[0]) for answer in answers)


def test_a_page_of_clients_links_to_the_next(cast: Cast) -> None:
    first = cast.therapist.get("/clients?limit=3&archived=false")
    assert first.get_json()["has_more"] is False
    first = cast.therapist.get("/clients?limit=2&archived=false")
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    second = cast.therapist.get(link.partition(">")[0].removeprefix("<"))
    assert len(second.get_json()["data"]) == 1
    assert second.get_json()["next_cursor"] is None
    assert "Link" not in second.headers


def test_a_cursor_belongs_to_one_viewer_and_one_list(cast: Cast) -> None:
    cursor = cast.therapist.get("/clients?limit=1").get_json()["next_cursor"]
    assert cast.therapist.get(f"/clients?limit=1&cursor={cursor}").status_code == 200
    assert cast.colleague.get(f"/clients?limit=1&cursor={cursor}").status_code == 400
    assert cast.therapist.get(f"/clients?limit=1&sort=name&cursor={cursor}").status_code == 400
    assert cast.therapist.get(f"/clients/{cast.client.id}/care?cursor={cursor}").status_code == 400


@pytest.mark.parametrize("query", ["?archivd=true", "?archived=maybe", "?sort=email", "?q=", "?limit=0", "?q=a&q=b"])
def test_a_misspelt_parameter_never_widens_the_list(cast: Cast, query: str) -> None:
    assert cast.therapist.get(f"/clients{query}").status_code == 400


def test_an_unchanged_list_is_not_sent_again(cast: Cast) -> None:
    first = cast.therapist.get("/clients")
    again = cast.therapist.get("/clients", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.get_data() == b""


def test_a_client_read_alone_and_in_a_list_is_the_same(cast: Cast) -> None:
    for row in cast.therapist.get("/clients").get_json()["data"]:
        assert cast.therapist.get(f"/clients/{row['id']}").get_json() == row


def test_a_care_team_names_each_therapist_and_how_they_stand(cast: Cast) -> None:
    team = cast.therapist.get(f"/clients/{cast.client.id}/care").get_json()["data"]
    shown = {link["therapist"]["name"]: (link["therapist"]["status"], link["ended_at"] is None) for link in team}
    assert shown == {
        "Therapist": ("active", True),
        "Co Therapist": ("active", True),
        "Former Therapist": ("active", False),
    }
    assert all(set(link["therapist"]) == {"id", "name", "status"} for link in team)


def test_an_empty_list_of_notes_is_an_empty_list(cast: Cast) -> None:
    page = cast.therapist.get(f"/clients/{cast.partner.id}/notes?include_total=true").get_json()
    assert page == {"data": [], "has_more": False, "next_cursor": None, "total": 0}


@pytest.mark.parametrize(
    "ask",
    [
        lambda cast: cast.therapist.get("/clients?limit=100"),
        lambda cast: cast.therapist.get("/clients?limit=100&sort=name"),
        lambda cast: cast.therapist.get(f"/clients/{cast.client.id}/care"),
        lambda cast: cast.therapist.get(f"/clients/{cast.client.id}/notes"),
    ],
    ids=["clients", "clients by name", "care", "notes"],
)
def test_a_list_takes_as_many_statements_for_many_as_for_one(
    cast: Cast, queries: Queries, ask: Callable[[Cast], Any]
) -> None:
    ask(cast)
    queries.statements.clear()
    assert ask(cast).status_code == 200
    before = len(queries)
    for number in range(5):
        cast.therapist.post("/clients", {"name": "More", "email": f"more{number}@x.example"})
        cast.therapist.post(f"/clients/{cast.client.id}/notes", {"body": "More."})
    cast.therapist.post(f"/clients/{cast.client.id}/care", {"therapist_id": cast.colleague.id})
    queries.statements.clear()
    assert len(ask(cast).get_json()["data"]) >= 4
    assert len(queries) == before <= 6
