"""A review or a return names what was read; what has moved on since is not reviewed by accident."""

from __future__ import annotations

from typing import Any

import pytest

from portal.core import clock
from tests.assignments.service.scenarios import act, saved, submitted
from tests.cast import Cast


def _read(cast: Cast, number: int = 1) -> dict[str, Any]:
    return dict(cast.therapist.get(f"/assignments/{cast.things['client.submitted']}/attempts/{number}").get_json())


def _say(cast: Cast, name: str, **body: Any) -> Any:
    sent = {"attempt": 1, **({"comment": "Once more?"} if name == "return" else {}), **body}
    return cast.therapist.post(f"/assignments/{cast.things['client.submitted']}/{name}", sent)


def test_a_review_marks_the_attempt_and_may_say_a_word(cast: Cast) -> None:
    answer = _say(cast, "review", response_version=_read(cast)["version"], comment="Well seen.")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "reviewed")
    assert _read(cast)["reviewed_at"] == answer.get_json()["reviewed_at"]
    path = f"/me/assignments/{cast.things['client.submitted']}/comments"
    assert [row["body"] for row in cast.client.get(path).get_json()["data"]] == ["Thank you, client.", "Well seen."]


@pytest.mark.parametrize("name", ["review", "return"])
def test_what_was_taken_back_and_sent_in_anew_since_is_not_what_was_read(cast: Cast, name: str) -> None:
    thing = cast.things["client.submitted"]
    read = _read(cast)["version"]
    assert act(cast, "recall", thing).status_code == 200
    saved(cast.client, thing, {"block": "before", "value": 1})
    submitted(cast.client, thing)
    answer = _say(cast, name, response_version=read)
    assert (answer.status_code, answer.get_json()["state"]) == (409, "submitted")
    assert answer.get_json()["response_version"] == _read(cast)["version"]
    assert cast.therapist.get(f"/assignments/{thing}").get_json()["status"] == "submitted"
    assert _say(cast, name, response_version=_read(cast)["version"]).status_code == 200


@pytest.mark.parametrize("name", ["review", "return"])
@pytest.mark.parametrize("attempt", [0, 2, -1])
def test_another_attempt_than_the_current_one_is_409(cast: Cast, name: str, attempt: int) -> None:
    answer = _say(cast, name, attempt=attempt)
    assert (answer.status_code, answer.get_json()["attempt"]) == (409, 1)


@pytest.mark.parametrize("name", ["review", "return"])
@pytest.mark.parametrize(
    ("body", "pointer"), [({"attempt": None}, "attempt"), ({"attempt": "1"}, "attempt"), ({"comment": ""}, "comment")]
)
def test_an_attempt_is_named_by_its_number(cast: Cast, name: str, body: dict[str, Any], pointer: str) -> None:
    answer = _say(cast, name, **body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == [f"#/{pointer}"]


def test_a_return_needs_a_word_and_makes_a_new_attempt(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    assert cast.therapist.post(f"/assignments/{thing}/return", {"attempt": 1}).status_code == 422
    answer = _say(cast, "return", comment="What helped?")
    shown = answer.get_json()
    assert (shown["status"], shown["attempt"], shown["submitted_at"]) == ("in_progress", 2, None)
    assert _read(cast)["returned_at"]
    comments = cast.client.get(f"/me/assignments/{thing}/comments").get_json()["data"]
    assert (comments[-1]["body"], comments[-1]["attempt"]) == ("What helped?", 1)


def test_a_return_can_set_a_new_day_and_keeps_the_old_one_otherwise(cast: Cast) -> None:
    before = cast.therapist.get(f"/assignments/{cast.things['client.submitted']}").get_json()
    assert before["due_on"] == clock.today("Europe/Berlin").isoformat()
    assert _say(cast, "return", due_on="2020-01-01").status_code == 422
    unchanged = cast.therapist.get(f"/assignments/{cast.things['client.submitted']}").get_json()
    assert unchanged == before
    assert _say(cast, "return", due_on="2090-06-01").get_json()["due_at"] == "2090-06-01T22:00:00Z"


def test_a_reviewed_one_can_still_be_returned(cast: Cast) -> None:
    assert _say(cast, "review").status_code == 200
    assert _say(cast, "return").get_json()["reviewed_at"] is None
    assert _read(cast)["reviewed_at"]


def test_review_without_a_word_leaves_no_comment(cast: Cast) -> None:
    path = f"/assignments/{cast.things['client.submitted']}/comments"
    before = cast.therapist.get(path).get_json()
    assert _say(cast, "review").status_code == 200
    assert cast.therapist.get(path).get_json() == before
