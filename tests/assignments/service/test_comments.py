"""Words between therapist and client: who reads them, who marks them read, and what they are about."""

from __future__ import annotations

import pytest

from tests.cast import Cast


def _comments(cast: Cast, name: str, query: str = "") -> list[dict[str, object]]:
    actor = cast.everyone()[name]
    base = "/me/assignments" if actor.viewer.is_client else "/assignments"
    answer = actor.get(f"{base}/{cast.things['client.submitted']}/comments{query}")
    assert answer.status_code == 200
    return list(answer.get_json()["data"])


def test_both_sides_read_the_same_words_in_order(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.submitted']}/comments"
    assert cast.client.post(path, {"body": "It was hard.", "block": "before"}).status_code == 201
    assert _comments(cast, "client") == _comments(cast, "therapist")
    said = [(row["body"], row["author_kind"], row["block"]) for row in _comments(cast, "client")]
    assert said == [("Thank you, client.", "staff", None), ("It was hard.", "client", "before")]


@pytest.mark.parametrize("name", ["co_therapist", "former_therapist", "colleague", "owner", "other_owner"])
def test_nobody_else_of_the_staff_reads_or_writes_them(cast: Cast, name: str) -> None:
    path = f"/assignments/{cast.things['client.submitted']}/comments"
    assert cast.everyone()[name].get(path).status_code == 404
    assert cast.everyone()[name].post(path, {"body": "Hello."}).status_code == 404


def test_reading_the_list_marks_nothing_as_read(cast: Cast) -> None:
    for _ in range(2):
        assert [row["read_at"] for row in _comments(cast, "client")] == [None]
    assert len(_comments(cast, "client", "?read=false")) == 1
    assert _comments(cast, "client", "?read=true") == []


def test_only_the_other_side_marks_a_comment_as_read_and_once_is_enough(cast: Cast) -> None:
    end = f"{cast.things['client.submitted']}/comments/{cast.things['client.comment']}/mark-read"
    assert cast.therapist.post(f"/assignments/{end}").status_code == 409
    first = cast.client.post(f"/me/assignments/{end}")
    assert first.status_code == 200
    assert first.get_json()["read_at"]
    assert cast.client.post(f"/me/assignments/{end}").get_json() == first.get_json()
    assert cast.client.post(f"/me/assignments/{end}").get_json()["body"] == "Thank you, client."


def test_a_comment_is_found_under_its_own_assignment_alone(cast: Cast) -> None:
    comment = cast.things["client.comment"]
    assert (
        cast.client.post(f"/me/assignments/{cast.things['client.draft']}/comments/{comment}/mark-read").status_code
        == 404
    )
    for thing in ("partner.submitted", "client.submitted"):
        answer = cast.partner.post(f"/me/assignments/{cast.things[thing]}/comments/{comment}/mark-read")
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"body": ""}, "#/body"),
        ({"body": "x", "block": "nobody"}, "#/block"),
        ({}, "#/body"),
        ({"body": "x", "attempt": 1}, "#/attempt"),
    ],
)
def test_a_word_that_says_nothing_or_is_about_nothing_is_refused(
    cast: Cast, body: dict[str, str], pointer: str
) -> None:
    answer = cast.client.post(f"/me/assignments/{cast.things['client.submitted']}/comments", body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [pointer]
