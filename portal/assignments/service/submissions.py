"""Submissions: a response submitted, as far as it is visible and shared, and recalled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from portal.assignments import facts
from portal.assignments.models import Act, Assignment, Attempt, Status
from portal.assignments.service.acts import lock_attempt, lock_for_act
from portal.assignments.service.drafts import ConcurrentUpdate, Draft, get_my_response, read_draft
from portal.assignments.service.queries import get_my_assignment
from portal.core import clock, decimal_json
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Stale
from portal.core.viewer import Viewer
from portal.forms.evaluation import completion, risk_flags
from portal.forms.evaluation.evaluate import evaluate
from portal.forms.evaluation.results import submitted_results
from portal.safety.service import notices
from portal.safety.service.alerts import raise_alert


def submit(viewer: Viewer, assignment_id: str, *, response_version: int, **feedback: Any) -> dict[str, Any]:
    """Submit the response as it is at `response_version`.

    Raises Invalid with a pointer to each block that is not complete, Stale where the response has changed since.
    """
    draft = read_draft(viewer, assignment_id)
    draft.require_state(Act.SUBMIT)
    draft.require_version(response_version)
    evaluation = evaluate(draft.form, draft.response)
    complete = completion.require_complete(draft.form, draft.response, evaluation.visibility)
    shared = completion.shared_part(complete)
    scores = submitted_results(draft.form, complete, shared, evaluation)
    response_id = draft.row["response_id"]
    try:
        return _submit(
            viewer,
            draft,
            {
                "draft": draft.vault.seal(Attempt.draft, response_id, decimal_json.dumps(draft.response.as_json())),
                "submission": draft.vault.seal(Attempt.submission, response_id, decimal_json.dumps(shared.as_json())),
                "feedback": draft.vault.seal(Attempt.feedback, response_id, orjson.dumps(feedback)),
                "scores": draft.vault.seal(Attempt.scores, response_id, decimal_json.dumps(scores)) if scores else None,
                "private_count": len(complete.answers) - len(shared.answers),
            },
            risk_flags.with_labels(draft.form, risk_flags.risky_answers(draft.form, complete, evaluation.visibility)),
        )
    except ConcurrentUpdate:
        raise Stale(get_my_response(viewer, assignment_id)) from None


@transactional
def _submit(
    viewer: Viewer, draft: Draft, sealed: Mapping[str, Any], risky: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    assignment = lock_for_act(viewer, Act.SUBMIT, draft.row["assignment_id"])
    attempt = lock_attempt(assignment)
    if attempt.version != draft.version or attempt.id != draft.row["response_id"]:
        raise ConcurrentUpdate
    now = clock.now()
    for name, value in sealed.items():
        setattr(attempt, name, value)
    attempt.version += 1
    attempt.submitted_at = assignment.submitted_at = assignment.last_act_at = now
    assignment.move(Status.SUBMITTED)
    db.session.flush()
    record(
        viewer,
        facts.SUBMITTED,
        assignment,
        attempt=attempt.attempt,
        answered=assignment.answered,
        total=assignment.total,
    )
    if attempt.scores is not None:
        record(viewer, facts.SCORED, assignment, attempt=attempt.attempt)
    shown_notices = _raise_alert(viewer, assignment, risky) if risky else []
    return {**get_my_assignment(viewer, assignment.id), "notices": shown_notices}


def _raise_alert(viewer: Viewer, assignment: Assignment, risky: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Raise an alert for what is being submitted; returns the notices the client reads."""
    notified = raise_alert(
        viewer,
        client_id=assignment.client_id,
        care_id=assignment.care_id,
        assignment_id=assignment.id,
        attempt=assignment.attempt,
        items=risky,
    )
    return notices.notices_for_submitted(viewer, risky, notified=notified)


@transactional
def recall(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Recall what was submitted and go on with it; from the next request on the therapist cannot read it."""
    assignment = lock_for_act(viewer, Act.RECALL, assignment_id)
    attempt = lock_attempt(assignment)
    attempt.submission, attempt.feedback, attempt.scores, attempt.submitted_at = None, None, None, None
    attempt.version += 1
    assignment.submitted_at, assignment.last_act_at = None, clock.now()
    assignment.move(Status.IN_PROGRESS)
    db.session.flush()
    record(viewer, facts.RECALLED, assignment, attempt=attempt.attempt)
    return get_my_assignment(viewer, assignment_id)
