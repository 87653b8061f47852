"""Acts of a client on an assignment: open, plan, pause, resume, decline, undo the decline."""

from __future__ import annotations

from typing import Any

import orjson

from portal.assignments import facts, policy
from portal.assignments.models import Act, Assignment, Status
from portal.assignments.service.acts import lock_for_act, require_act
from portal.assignments.service.queries import get_my_assignment
from portal.core import access, clock
from portal.core.audit_log.events import record
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Stale
from portal.core.facts import Fact
from portal.core.viewer import Viewer


def _record_act(viewer: Viewer, assignment: Assignment, fact: Fact, **details: Any) -> dict[str, Any]:
    """Record an act of the client and return the assignment as it is now."""
    assignment.last_act_at = clock.now()
    db.session.flush()
    record(viewer, fact, assignment, **details)
    return get_my_assignment(viewer, assignment.id)


@transactional
def open_assignment(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Open an assignment for the first time."""
    assignment = lock_for_act(viewer, Act.OPEN, assignment_id)
    assignment.status, assignment.seen_at = Status.SEEN, assignment.seen_at or clock.now()
    return _record_act(viewer, assignment, facts.SEEN)


@transactional
def plan(viewer: Viewer, assignment_id: str, expected: int, **plan: str | None) -> dict[str, Any]:
    """Set the viewer's plan: when ..., then I will ..., and what could get in the way."""
    assignment = access.get_for_update(viewer, Assignment, policy.visible_to, assignment_id)
    if assignment.version != expected:
        raise Stale(get_my_assignment(viewer, assignment_id))
    require_act(Act.PLAN, assignment)
    sealed = vault(viewer.practice_id, assignment.client_id)
    assignment.plan = sealed.seal(Assignment.plan, assignment.id, orjson.dumps(plan))
    assignment.version += 1
    return _record_act(viewer, assignment, facts.PLANNED)


@transactional
def pause(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Pause work on an assignment; no reason is needed."""
    assignment = lock_for_act(viewer, Act.PAUSE, assignment_id)
    assignment.step_aside(Status.PAUSED)
    return _record_act(viewer, assignment, facts.PAUSED)


@transactional
def resume(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Resume a paused assignment in the state it was in."""
    assignment = lock_for_act(viewer, Act.RESUME, assignment_id)
    assignment.step_back()
    return _record_act(viewer, assignment, facts.RESUMED)


@transactional
def decline(
    viewer: Viewer, assignment_id: str, *, reason: str | None = None, did_something_else: bool = False
) -> dict[str, Any]:
    """Decline an assignment, or say that something else was done instead; a reason is optional."""
    assignment = lock_for_act(viewer, Act.DECLINE, assignment_id)
    sealed = vault(viewer.practice_id, assignment.client_id)
    assignment.reason = sealed.seal_optional(Assignment.reason, assignment.id, reason)
    assignment.did_something_else = did_something_else
    assignment.step_aside(Status.DECLINED)
    return _record_act(viewer, assignment, facts.DECLINED, did_something_else=did_something_else)


@transactional
def undo_decline(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Undo a decline and go on in the state before it."""
    assignment = lock_for_act(viewer, Act.UNDO_DECLINE, assignment_id)
    assignment.step_back()
    assignment.reason, assignment.did_something_else = None, False
    return _record_act(viewer, assignment, facts.DECLINE_UNDONE)
