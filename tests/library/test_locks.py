"""What must not be assigned yet is not, by nobody and in no way; and everybody is told why."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal.assignments.service import assigning
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.library.locks import LOCKED, REASONS
from portal.library.models import Resource
from portal.library.service import resources, versions
from portal.library.starter_files import starters
from tests.cast import Actor, Cast
from tests.owner import as_owner


def _id_of(by: Actor, key: str) -> str:
    with as_owner() as session:
        found = session.scalar(
            select(Resource.id).where(Resource.practice_id == by.viewer.practice_id, Resource.origin_key == key)
        )
        assert found is not None
        return found


def _assignment(cast: Cast, resource_id: str) -> dict[str, Any]:
    return {"client_id": cast.client.id, "resource_id": resource_id, "why": "You asked for it."}


def test_the_couples_exercise_and_the_safety_plan_are_locked_and_every_lock_has_its_reason() -> None:
    assert {starter.key: starter.locked for starter in starters() if starter.locked} == {
        "listening-turn": "couples_screening",
        "my-safety-plan": "safety_plans",
    }
    assert set(LOCKED.values()) == set(REASONS)


@pytest.mark.parametrize("key", LOCKED)
def test_a_locked_exercise_is_not_assigned_and_the_answer_says_why(cast: Cast, key: str) -> None:
    with cast.app.app_context():
        locked = _id_of(cast.therapist, key)
    refused = cast.therapist.post("/assignments", _assignment(cast, locked))
    assert refused.status_code == 409
    assert refused.get_json()["detail"] == REASONS[LOCKED[key]]
    assert (refused.get_json()["state"], refused.get_json()["allowed"]) == ("locked", [])


@pytest.mark.parametrize("key", LOCKED)
def test_a_locked_exercise_is_not_assigned_to_many_at_once_either(cast: Cast, key: str) -> None:
    with cast.app.app_context():
        locked = _id_of(cast.therapist, key)
    sent = {"assignments": [_assignment(cast, locked)]}
    answer = cast.therapist.post("/assignments/bulk", sent, headers={"Idempotency-Key": new_id()})
    said = [(one["outcome"], one["errors"][0]["detail"]) for one in answer.get_json()["results"]]
    assert said == [("error", REASONS[LOCKED[key]])]


def test_the_library_shows_what_is_locked_and_leaves_it_out_of_what_can_be_assigned(cast: Cast) -> None:
    def listed(query: str) -> dict[str, str | None]:
        rows = cast.therapist.get(f"/resources?limit=100{query}").get_json()["data"]
        return {row["origin_key"]: row["locked"] for row in rows if row["origin_key"]}

    assert {key: lock for key, lock in listed("").items() if lock} == dict(LOCKED)
    assert set(listed("")) - set(listed("&assignable=true")) == set(LOCKED)
    assert set(listed("&assignable=false")) == set(LOCKED)


@pytest.mark.parametrize("key", LOCKED)
def test_changing_publishing_archiving_or_restoring_lifts_no_lock(cast: Cast, context: None, key: str) -> None:
    by, locked = cast.therapist.viewer, _id_of(cast.therapist, key)
    resources.change_resource(by, locked, resources.get_resource(by, locked)["version"], title="Our own words")
    versions.publish(by, locked)
    resources.archive(by, locked)
    assert resources.restore(by, locked)["locked"] == LOCKED[key]
    with pytest.raises(Conflict) as refused:
        assigning.assign(by, client_id=cast.client.id, resource_id=locked, why="You asked for it.")
    assert refused.value.detail == REASONS[LOCKED[key]]


@pytest.mark.parametrize("key", LOCKED)
def test_a_locked_exercise_is_not_copied_because_the_copy_would_be_free(cast: Cast, key: str) -> None:
    with cast.app.app_context():
        locked = _id_of(cast.therapist, key)
    refused = cast.therapist.post(f"/resources/{locked}/copy")
    assert refused.status_code == 409
    assert refused.get_json()["detail"].startswith(REASONS[LOCKED[key]])
    assert "Change this one" in refused.get_json()["detail"]


def test_what_is_not_locked_is_copied_and_assigned(cast: Cast) -> None:
    with cast.app.app_context():
        ladder = _id_of(cast.therapist, "trust-ladder")
    assert cast.therapist.post(f"/resources/{ladder}/copy").get_json()["locked"] is None
    assert cast.therapist.post("/assignments", _assignment(cast, ladder)).status_code == 201
