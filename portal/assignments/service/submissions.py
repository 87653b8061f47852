"""Submissions: a response submitted, as far as it is visible and shared, and recalled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from portal.assignments import facts
from portal.assignments.models import Act, Assignment, Attempt, Status, require_state
from portal.assignments.service.acts import lock_attempt, lock_for_act
from portal.assignments.service.drafts import ConcurrentUpdate, Draft, get_my_response, read_draft, require_version
from portal.assignments.service.queries import get_my_assignment
from portal.core import clock, decimal_json
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Stale
from portal.core.viewer import Viewer
from portal.forms.answering import responses
from portal.forms.definition.document import Form
from portal.forms.definition.scores import VALUED
from portal.forms.evaluation import completion, risk_flags
from portal.forms.evaluation.evaluate import Evaluation, evaluate
from portal.forms.evaluation.results import redacted_results, results
from portal.safety.service import notices
from portal.safety.service.alerts import raise_alert


def submit(viewer: Viewer, assignment_id: str, *, response_version: int, **feedback: Any) -> dict[str, Any]:
    """Send the response in, as it stands at `response_version`.

    Raises Invalid with a pointer to each block that is not complete, Stale where the response has moved on.
    """
    draft = read_draft(viewer, assignment_id)
    require_state(Act.SUBMIT, draft.row["status"], frozen=draft.row["frozen"], scheduled=draft.row["scheduled"])
    require_version(draft, response_version)
    worked = evaluate(draft.form, draft.response)
    whole = completion.require_complete(draft.form, draft.response, worked.shown)
    part = completion.shared_part(whole)
    scores = _scored(draft.form, whole, part, worked)
    response_id = draft.row["response_id"]
    try:
        return _submit(
            viewer,
            draft,
            {
                "draft": draft.vault.seal(Attempt.draft, response_id, decimal_json.dumps(draft.response.as_json())),
                "submission": draft.vault.seal(Attempt.submission, response_id, decimal_json.dumps(part.as_json())),
                "feedback": draft.vault.seal(Attempt.feedback, response_id, orjson.dumps(feedback)),
                "scores": draft.vault.seal(Attempt.scores, response_id, decimal_json.dumps(scores)) if scores else None,
                "private_count": len(whole.answers) - len(part.answers),
            },
            risk_flags.with_labels(draft.form, risk_flags.risky_answers(draft.form, whole, worked.shown)),
        )
    except ConcurrentUpdate:
        raise Stale(get_my_response(viewer, assignment_id)) from None


def _scored(
    form: Form, whole: responses.Response, part: responses.Response, worked: Evaluation
) -> list[dict[str, Any]]:
    """What is sent in comes to; what an expression would count of private answers is not given at all."""
    private = [block for block, row in whole.answers if (block, row) not in part.answers]
    if any(form.blocks[block].type in VALUED for block in private):
        scores = results(form, part, Evaluation(worked.shown))
        return [*scores, *redacted_results(form, scores)]
    return results(form, part, evaluate(form, part, shown=worked.shown))


@transactional
def _submit(
    viewer: Viewer, draft: Draft, sealed: Mapping[str, Any], risky: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    assignment = lock_for_act(viewer, Act.SUBMIT, draft.row["assignment_id"])
    response = lock_attempt(assignment)
    if response.version != draft.version or response.id != draft.row["response_id"]:
        raise ConcurrentUpdate
    now = clock.now()
    for name, value in sealed.items():
        setattr(response, name, value)
    response.version += 1
    response.submitted_at = assignment.submitted_at = assignment.last_act_at = now
    assignment.move(Status.SUBMITTED)
    db.session.flush()
    record(
        viewer,
        facts.SUBMITTED,
        assignment,
        attempt=response.attempt,
        answered=assignment.answered,
        total=assignment.total,
    )
    if response.scores is not None:
        record(viewer, facts.SCORED, assignment, attempt=response.attempt)
    shown = _alert(viewer, assignment, risky) if risky else []
    return {**get_my_assignment(viewer, assignment.id), "notices": shown}


def _alert(viewer: Viewer, assignment: Assignment, risky: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Raise an alert with what is being sent in; what the client is told about it."""
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
    """Take back what was sent in and go on with it; the therapist's sight of it ends on the next request."""
    assignment = lock_for_act(viewer, Act.RECALL, assignment_id)
    response = lock_attempt(assignment)
    response.submission, response.feedback, response.scores, response.submitted_at = None, None, None, None
    response.version += 1
    assignment.submitted_at, assignment.last_act_at = None, clock.now()
    assignment.move(Status.IN_PROGRESS)
    db.session.flush()
    record(viewer, facts.RECALLED, assignment, attempt=response.attempt)
    return get_my_assignment(viewer, assignment_id)
