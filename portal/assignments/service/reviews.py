"""The therapist's answer to what was sent in: review it, or return it for another go."""

from __future__ import annotations

from datetime import date
from typing import Any

from portal.assignments import facts
from portal.assignments.models import Act, Assignment, Attempt, Status, allowed_acts
from portal.assignments.service import assigning
from portal.assignments.service.acts import lock_attempt, lock_for_act
from portal.assignments.service.comments import write
from portal.assignments.service.queries import get_assignment
from portal.core import clock
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict
from portal.core.viewer import Viewer


def _the_one_named(assignment: Assignment, attempt: int, response_version: int | None) -> Attempt:
    """The current attempt. Raises Conflict where the therapist has read another one, or an earlier state of it."""
    response = lock_attempt(assignment)
    if response.attempt != attempt or (response_version is not None and response.version != response_version):
        msg = "This is not what you have read: it was sent in anew since. Open the current attempt first."
        raise Conflict(
            msg,
            state=assignment.status,
            allowed=allowed_acts(assignment.status, therapists=True),
            attempt=response.attempt,
            response_version=response.version,
        )
    return response


@transactional
def review(
    viewer: Viewer, assignment_id: str, *, attempt: int, response_version: int | None = None, comment: str | None = None
) -> dict[str, Any]:
    """Say that an attempt has been read, with a word on it if there is one to say."""
    assignment = lock_for_act(viewer, Act.REVIEW, assignment_id)
    response = _the_one_named(assignment, attempt, response_version)
    response.reviewed_at = assignment.reviewed_at = clock.now()
    assignment.move(Status.REVIEWED)
    if comment is not None:
        write(viewer, assignment, body=comment)
    db.session.flush()
    record(viewer, facts.REVIEWED, assignment, attempt=response.attempt)
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
    """Ask for another go, with a word on why. The earlier attempt stays; the new one begins with its answers."""
    assignment = lock_for_act(viewer, Act.RETURN, assignment_id)
    response = _the_one_named(assignment, attempt, response_version)
    now = response.returned_at = clock.now()
    write(viewer, assignment, body=comment)
    assignment.attempt += 1
    assignment.submitted_at = assignment.reviewed_at = None
    if due_on is not None:
        assigning.set_due(viewer, assignment, due_on)
    assignment.move(Status.IN_PROGRESS)
    db.session.add(assigning.new_attempt(assignment, now))
    db.session.flush()
    record(viewer, facts.RETURNED, assignment, attempt=response.attempt)
    return get_assignment(viewer, assignment_id)
