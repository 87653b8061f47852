"""The table of acts, told once as the design tells it: every act, in every state, on both sides."""

from __future__ import annotations

import itertools

import pytest

from portal.assignments.models import (
    COMPLETED,
    OPEN,
    THERAPISTS_ACTS,
    WORKABLE,
    Act,
    Assignment,
    Status,
    allowed_acts,
    require_state,
)
from portal.core.errors import Conflict

UNSENT = "assigned seen in_progress paused"
THERAPISTS = {
    "change": UNSENT + " declined",
    "reopen": "declined",
    "review": "submitted",
    "return": "submitted reviewed",
    "withdraw": UNSENT + " declined",
}
CLIENTS = {
    "open": "assigned",
    "plan": UNSENT,
    "save": UNSENT,
    "pause": "assigned seen in_progress",
    "resume": "paused",
    "decline": UNSENT,
    "undo_decline": "declined",
    "submit": "seen in_progress",
    "recall": "submitted",
}
TABLE = {act: set(states.split()) for act, states in (THERAPISTS | CLIENTS).items()}


def test_the_table_knows_every_act_and_every_state() -> None:
    assert set(TABLE) == {act.value for act in Act}
    assert set.union(*TABLE.values()) | {"withdrawn"} == {status.value for status in Status}
    assert {act.value for act in THERAPISTS_ACTS} == set(THERAPISTS)


@pytest.mark.parametrize(("act", "status"), list(itertools.product(Act, Status)))
def test_an_act_is_allowed_exactly_where_the_table_says(act: Act, status: Status) -> None:
    if status in TABLE[act]:
        require_state(act, status, frozen=False)
        return
    with pytest.raises(Conflict) as refused:
        require_state(act, status, frozen=False)
    side = THERAPISTS if act in THERAPISTS else CLIENTS
    assert refused.value.members["state"] == status
    assert set(refused.value.members["allowed"]) == {name for name in side if status in TABLE[name]}


@pytest.mark.parametrize(("act", "status"), list(itertools.product(Act, sorted(OPEN))))
def test_for_an_archived_client_everything_open_rests(act: Act, status: Status) -> None:
    with pytest.raises(Conflict) as refused:
        require_state(act, status, frozen=True)
    assert refused.value.members == {"state": "frozen", "allowed": []}


@pytest.mark.parametrize(("act", "status"), list(itertools.product(Act, sorted(OPEN))))
def test_before_it_opens_a_refusal_names_only_acts_that_are_allowed(act: Act, status: Status) -> None:
    def refusal(tried: Act) -> Conflict | None:
        try:
            require_state(tried, status, frozen=False, scheduled=True)
        except Conflict as refused:
            return refused
        return None

    refused = refusal(act)
    if refused is None:
        assert status in TABLE[act]
        return
    side = THERAPISTS if act in THERAPISTS else CLIENTS
    assert set(refused.members["allowed"]) == {name for name in side if refusal(Act(name)) is None}


def test_the_sides_share_no_act() -> None:
    for status in Status:
        both = allowed_acts(status, therapists=True), allowed_acts(status, therapists=False)
        assert not set(both[0]) & set(both[1])


def test_the_named_sets_of_states_are_what_their_names_say() -> None:
    assert set(COMPLETED) == {"submitted", "reviewed"}
    assert set(WORKABLE) == {"assigned", "seen", "in_progress"}
    assert set(Status) == {"withdrawn"} | set(OPEN) | set(COMPLETED)


@pytest.mark.parametrize("status", [Status.ASSIGNED, Status.SEEN, Status.IN_PROGRESS])
def test_who_pauses_and_then_declines_comes_back_in_two_steps(status: Status) -> None:
    assignment = Assignment(status=status, version=1)
    assignment.step_aside(Status.PAUSED)
    assignment.step_aside(Status.DECLINED)
    assert assignment.status == Status.DECLINED
    assignment.step_back()
    assert assignment.status == Status.PAUSED
    assignment.step_back()
    assert (assignment.status, assignment.status_before) == (status, None)
    assert assignment.version == 5
