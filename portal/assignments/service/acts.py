"""Lock an assignment, and the attempt it stands at, for an act that its state allows."""

from __future__ import annotations

from sqlalchemy import select

from portal.assignments import policy
from portal.assignments.models import Act, Assignment, Attempt, require_state
from portal.caseload.models import Client
from portal.core import access, clock
from portal.core.db.engines import db
from portal.core.viewer import Viewer


def lock_for_act(viewer: Viewer, act: Act, assignment_id: str) -> Assignment:
    """The assignment, locked, in a state that allows `act`. Raises NotVisible or Conflict."""
    assignment = access.get_for_update(viewer, Assignment, policy.visible_to, assignment_id)
    require_act(act, assignment)
    return assignment


def require_act(act: Act, assignment: Assignment) -> None:
    """Raise Conflict where the state of a locked assignment does not allow `act`."""
    client = db.session.get_one(Client, (assignment.practice_id, assignment.client_id))
    scheduled = assignment.opens_at is not None and assignment.opens_at > clock.now()
    require_state(act, assignment.status, frozen=client.archived_at is not None, scheduled=scheduled)


def lock_attempt(assignment: Assignment) -> Attempt:
    """The current attempt of a locked assignment, locked too."""
    return db.session.scalars(
        select(Attempt)
        .where(
            Attempt.practice_id == assignment.practice_id,
            Attempt.assignment_id == assignment.id,
            Attempt.attempt == assignment.attempt,
        )
        .with_for_update()
    ).one()
