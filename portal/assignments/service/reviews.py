"""Reviews: a therapist marks a submission as reviewed, or returns it for another attempt."""

from __future__ import annotations

from datetime import date
from typing import Any

from portal.assignments import facts
from portal.assignments.models import Act, Assignment, Attempt, Status, allowed_acts
from portal.assignments.service import assigning
from portal.assignments.service.acts import lock_attempt, lock_for_act
from portal.assignments.service.comments import write_comment
from portal.assignments.service.queries import get_assignment
from portal.core import clock
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict
from portal.core.viewer import Viewer


def _require_current_attempt(assignment: Assignment, attempt: int, response_version: int | None) -> Attempt:
    """The current attempt, locked. Raises Conflict where the therapist has read another one, or an earlier version."""
    current = lock_attempt(assignment)
    if current.attempt != attempt or (response_version is not None and current.version != response_version):
        msg = "The client has submitted again since you read this. Open the current attempt first."
        raise Conflict(
            msg,
            state=assignment.status,
            allowed=allowed_acts(assignment.status, therapists=True),
            attempt=current.attempt,
            response_version=current.version,
        )
    return current


@transactional
def review(
    viewer: Viewer, assignment_id: str, *, attempt: int, response_version: int | None = None, comment: str | None = None
) -> dict[str, Any]:
    """Mark the current attempt as reviewed, with an optional comment."""
    assignment = lock_for_act(viewer, Act.REVIEW, assignment_id)
    reviewed = _require_current_attempt(assignment, attempt, response_version)
    reviewed.reviewed_at = assignment.reviewed_at = clock.now()
    assignment.move(Status.REVIEWED)
    if comment is not None:
        write_comment(viewer, assignment, body=comment)
    db.session.flush()
    record(viewer, facts.REVIEWED, assignment, attempt=reviewed.attempt)
    return get_assignment(viewer, assignment_id)


@transactional
def return_attempt(
    viewer: Viewer,
    assignment_id: str,
    *,
    attempt: int,
    comment: str,
    response_version: int | None = None,
    due_on: date | None = None,
) -> dict[str, Any]:
    """Return a submission for another attempt, with a comment; the new attempt begins with the same answers."""
    assignment = lock_for_act(viewer, Act.RETURN, assignment_id)
    returned = _require_current_attempt(assignment, attempt, response_version)
    now = returned.returned_at = clock.now()
    write_comment(viewer, assignment, body=comment)
    assignment.attempt += 1
    assignment.submitted_at = assignment.reviewed_at = None
    if due_on is not None:
        assigning.set_due(viewer, assignment, due_on)
    assignment.move(Status.IN_PROGRESS)
    db.session.add(assigning.new_attempt(assignment, now))
    db.session.flush()
    record(viewer, facts.RETURNED, assignment, attempt=returned.attempt)
    return get_assignment(viewer, assignment_id)
