"""Over the API as a program would try it: no step of the trust ladder is sent in past its safety question."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal.core.ids import new_id
from portal.library.models import Resource
from tests.assignments.service import scenarios
from tests.cast import Cast
from tests.owner import as_owner

SECRET = "lend M. the bicycle"


def _ladder_given(cast: Cast) -> str:
    with cast.app.app_context(), as_owner() as session:
        ladder = session.scalar(
            select(Resource.id).where(
                Resource.practice_id == cast.things["linden.practice"], Resource.origin_key == "trust-ladder"
            )
        )
    return scenarios.assign(cast, str(ladder))


def _sent_in(cast: Cast, assignment: str) -> dict[str, Any]:
    """What the therapist reads once it is sent in."""
    scenarios.submit(cast.client, assignment)
    read: dict[str, Any] = cast.therapist.get(f"/assignments/{assignment}/attempts/1").get_json()
    return read


def _step(row: str) -> dict[str, Any]:
    return {"block": "step", "row": [row], "value": SECRET}


def _unsafe(*, answer: bool | None) -> dict[str, Any]:
    return {"block": "unsafe-person", "value": answer}


@pytest.mark.parametrize("unsafe", [True, None])
def test_steps_written_past_the_safety_question_are_not_sent_in(cast: Cast, *, unsafe: bool | None) -> None:
    """A program may send rows at once with a Yes, or with no answer at all: the server leaves them out."""
    assignment, row = _ladder_given(cast), new_id()
    learned = {"block": "learned", "value": SECRET}
    rows = [{"log": "steps", "id": row}]
    scenarios.save(cast.client, assignment, _unsafe(answer=unsafe), _step(row), learned, rows=rows)
    read = _sent_in(cast, assignment)
    assert SECRET not in str(read)
    assert {answer["block"] for answer in read["answers"]} <= {"unsafe-person"}
    assert read["rows"] == []


def test_a_ladder_begun_and_then_found_unsafe_is_closed_with_all_its_steps(cast: Cast) -> None:
    assignment, row = _ladder_given(cast), new_id()
    scenarios.save(cast.client, assignment, _unsafe(answer=False))
    scenarios.save(cast.client, assignment, _step(row), rows=[{"log": "steps", "id": row}])
    scenarios.save(cast.client, assignment, _unsafe(answer=True))
    assert SECRET not in str(_sent_in(cast, assignment))


def test_with_a_no_to_the_question_the_steps_are_sent_in(cast: Cast) -> None:
    assignment, row = _ladder_given(cast), new_id()
    scenarios.save(cast.client, assignment, _unsafe(answer=False), _step(row), rows=[{"log": "steps", "id": row}])
    assert SECRET in str(_sent_in(cast, assignment))
