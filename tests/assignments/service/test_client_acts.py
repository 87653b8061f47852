"""The client's side: opening, planning, pausing and saying no, with a way back each time."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import select

from portal.core.audit_log.events import Event
from tests.assignments.service.scenarios import act, bring_to, given, published
from tests.cast import Cast
from tests.owner import as_owner

PLAN = {"when": "When the children sleep", "then": "I sit down with tea", "obstacle": "I may be tired"}


def _mine(cast: Cast, assignment_id: str) -> dict[str, Any]:
    return dict(cast.client.get(f"/me/assignments/{assignment_id}").get_json())


def _facts(cast: Cast, assignment_id: str) -> list[str]:
    with cast.app.app_context(), as_owner() as session:
        found = session.scalars(select(Event).where(Event.subject_id == assignment_id).order_by(Event.id)).all()
        assert {event.client_id for event in found} == {cast.client.id}
        return [event.fact.removeprefix("assignment.") for event in found]


def test_looking_is_not_opening(cast: Cast) -> None:
    thing = given(cast, published(cast))
    assert cast.client.get(f"/me/assignments/{thing}").status_code == 200
    assert cast.client.get("/me/assignments").status_code == 200
    assert _mine(cast, thing)["status"] == "assigned"
    assert act(cast, "open", thing).get_json()["seen_at"]


def test_a_plan_is_the_clients_own_words_and_both_read_it(cast: Cast) -> None:
    thing = given(cast, published(cast))
    path = f"/me/assignments/{thing}"
    assert (
        cast.client.put(f"{path}/plan", PLAN, headers={"If-Match": cast.client.etag(path)}).get_json()["plan"] == PLAN
    )
    assert cast.therapist.get(f"/assignments/{thing}").get_json()["plan"] == PLAN
    shorter = cast.client.put(f"{path}/plan", {"when": "Sunday"}, headers={"If-Match": cast.client.etag(path)})
    assert shorter.get_json()["plan"] == {"when": "Sunday", "then": None, "obstacle": None}


@pytest.mark.parametrize("status", ["assigned", "seen", "in_progress"])
def test_who_pauses_goes_on_where_they_stood(cast: Cast, status: str) -> None:
    thing = bring_to(cast, status, given(cast, published(cast)))
    assert act(cast, "pause", thing).get_json()["status"] == "paused"
    assert act(cast, "resume", thing).get_json()["status"] == status


@pytest.mark.parametrize(
    ("status", "pause"), list(itertools.product(["assigned", "seen", "in_progress"], [False, True]))
)
def test_who_takes_a_no_back_stands_where_they_stood(cast: Cast, status: str, pause: bool) -> None:
    thing = bring_to(cast, status, given(cast, published(cast)))
    if pause:
        assert act(cast, "pause", thing).status_code == 200
    assert act(cast, "decline", thing).get_json()["status"] == "declined"
    back = act(cast, "undo_decline", thing).get_json()
    assert (back["status"], back["reason"]) == ("paused" if pause else status, None)
    if pause:
        assert act(cast, "resume", thing).get_json()["status"] == status


def test_saving_ends_a_pause_and_a_later_pause_goes_back_to_the_work(cast: Cast) -> None:
    thing = bring_to(cast, "seen", given(cast, published(cast)))
    for name in ("pause", "save", "pause", "resume"):
        assert act(cast, name, thing).status_code == 200
    assert _mine(cast, thing)["status"] == "in_progress"


def test_a_no_needs_no_reason_and_can_be_that_something_else_was_done(cast: Cast) -> None:
    thing = given(cast, published(cast))
    answer = cast.client.post(f"/me/assignments/{thing}/decline", {"did_something_else": True})
    assert (answer.get_json()["reason"], answer.get_json()["did_something_else"]) == (None, True)
    assert cast.therapist.get(f"/assignments/{thing}").get_json()["did_something_else"] is True
    assert act(cast, "undo_decline", thing).get_json()["did_something_else"] is False


def test_a_reopened_one_starts_fresh_and_keeps_the_answers(cast: Cast) -> None:
    thing = bring_to(cast, "in_progress", given(cast, published(cast)))
    for name in ("decline", "reopen"):
        assert act(cast, name, thing).status_code == 200
    assert _mine(cast, thing)["status"] == "assigned"
    answers = cast.client.get(f"/me/assignments/{thing}/response").get_json()["answers"]
    assert [one["value"] for one in answers] == ["rest"]


def test_each_act_is_a_fact_of_its_own_in_order(cast: Cast) -> None:
    thing = given(cast, published(cast))
    for name in ("open", "plan", "pause", "resume", "decline", "undo_decline", "save", "submit", "recall", "submit"):
        assert act(cast, name, thing).status_code == 200, name
    for name in ("review", "return"):
        assert act(cast, name, thing).status_code == 200, name
    facts = [fact for fact in _facts(cast, thing) if fact != "commented"]
    assert facts == [
        *("created", "seen", "planned", "paused", "resumed", "declined", "decline_undone", "started"),
        *("submitted", "recalled", "submitted", "reviewed", "returned"),
    ]


def test_a_refused_act_leaves_no_fact(cast: Cast) -> None:
    thing = bring_to(cast, "submitted", given(cast, published(cast)))
    before = _facts(cast, thing)
    for name in ("pause", "decline", "save", "plan", "withdraw"):
        assert act(cast, name, thing).status_code == 409
    assert _facts(cast, thing) == before


def test_no_fact_holds_a_word_anybody_wrote(cast: Cast) -> None:
    with cast.app.app_context(), as_owner() as session:
        details = " ".join(session.scalars(select(Event.details)).all())
    for word in ("client", "Why", "learned", "needs", "Thank", "made-up"):
        assert f"{word} " not in details
