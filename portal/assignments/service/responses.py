"""Answers: saved as they are written, sent in, taken back.

A draft is sealed whole and read by its client alone. What is sent in is a second sealed document that holds only
what is shown and shared, so no path of the staff ever opens a private answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import aliased

from portal.assignments import facts, policy
from portal.assignments.models import FROM, Act, Assignment, Attempt, Status, require_state
from portal.assignments.service.assigning import lock_for_act
from portal.assignments.service.care_counts import ACTIVITY_LAG, touch_activity
from portal.assignments.service.queries import get_my_assignment, is_scheduled
from portal.caseload.models import Client
from portal.core import access, clock, decimal_json
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.crypto import DataKey, Vault, unwrap_vault
from portal.core.db.engines import db
from portal.core.db.statements import execute, is_one_of
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.db.transactions import transactional
from portal.core.errors import Stale
from portal.core.viewer import Viewer
from portal.forms.answering import responses
from portal.forms.definition.document import Form
from portal.forms.evaluation import completion, risk_flags
from portal.forms.evaluation.evaluate import Evaluation, evaluate
from portal.forms.evaluation.results import results, strip_bands, submitted_results
from portal.library.service.versions import form_of_version
from portal.safety.service import notices
from portal.safety.service.alerts import raise_alert


@dataclass(frozen=True, slots=True)
class Draft:
    """A client's own response with what is needed to go on with it."""

    row: Mapping[str, Any]
    vault: Vault
    form: Form
    response: responses.Response

    @property
    def saved(self) -> responses.Response:
        """What has been saved so far: a value the form begins with has not, and may call for somebody yet."""
        begun = self.row["draft"] is not None or self.row["earlier_draft"] is not None
        return self.response if begun else responses.Response()

    @property
    def version(self) -> int:
        return int(self.row["version"])

    def shown(self) -> dict[str, Any]:
        return as_shown(self.row, self.form, self.response)


def as_shown(
    row: Mapping[str, Any], form: Form, response: responses.Response, worked: Evaluation | None = None
) -> dict[str, Any]:
    """A response with where its attempt stands, and what it comes to so far, without a word on how much that is."""
    return {
        "id": row["response_id"],
        "assignment_id": row["assignment_id"],
        "client_id": row["client_id"],
        "version_id": row["version_id"],
        "attempt": row["attempt"],
        "status": row["status"],
        "progress": {"answered": row["answered"], "total": row["total"]},
        **response.as_json(),
        "scores": strip_bands(results(form, response, worked)),
        "saved_at": row["saved_at"],
        "submitted_at": row["submitted_at"],
        "notices": [],
        "version": row["version"],
    }


def read_draft(viewer: Viewer, assignment_id: str) -> Draft:
    """The current attempt; one that was returned begins with the answers of the attempt before."""
    row = access.get_visible(viewer, _current_attempt, assignment_id)
    sealed = unwrap_vault(row["practice_id"], row["client_id"], row["keyring_version"], row["wrapped"])
    form = form_of_version(row["practice_id"], row["version_id"])
    if row["draft"] is not None:
        content = decimal_json.loads(sealed.open(Attempt.draft, row["response_id"], row["draft"]))
    elif row["earlier_draft"] is not None:
        content = decimal_json.loads(sealed.open(Attempt.draft, row["earlier_id"], row["earlier_draft"]))
    else:
        return Draft(row, sealed, form, responses.initial_response(form))
    return Draft(row, sealed, form, responses.Response.from_json(content))


def _current_attempt(viewer: Viewer) -> AnySelect:
    earlier = aliased(Attempt)
    return (
        policy.visible_to(viewer)
        .join(
            Attempt,
            (Attempt.practice_id == Assignment.practice_id)
            & (Attempt.assignment_id == Assignment.id)
            & (Attempt.attempt == Assignment.attempt),
        )
        .outerjoin(
            earlier,
            (earlier.practice_id == Assignment.practice_id)
            & (earlier.assignment_id == Assignment.id)
            & (earlier.attempt == Assignment.attempt - 1)
            & Attempt.draft.is_(None),
        )
        .join(Client, (Client.practice_id == Assignment.practice_id) & (Client.id == Assignment.client_id))
        .join(DataKey, (DataKey.practice_id == Assignment.practice_id) & (DataKey.subject_id == Assignment.client_id))
        .where(Assignment.id == THING)
        .with_only_columns(
            Assignment.practice_id,
            Assignment.id.label("assignment_id"),
            Assignment.client_id,
            Assignment.care_id,
            Assignment.version_id,
            Assignment.status,
            Assignment.answered,
            Assignment.total,
            Assignment.attempt,
            is_scheduled().label("scheduled"),
            Client.archived_at.is_not(None).label("frozen"),
            Assignment.last_act_at,
            Attempt.id.label("response_id"),
            Attempt.version,
            Attempt.draft,
            Attempt.saved_at,
            Attempt.submitted_at,
            earlier.id.label("earlier_id"),
            earlier.draft.label("earlier_draft"),
            DataKey.keyring_version,
            DataKey.wrapped,
        )
    )


def get_response(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """One's own answers, as they stand."""
    return read_draft(viewer, assignment_id).shown()


def _require_version(draft: Draft, expected: int) -> None:
    if draft.version != expected:
        raise Stale(draft.shown())


# Saving ----------------------------------------------------------------------------------------------------------


class _Overtaken(Exception):
    """Somebody else's act came between reading and writing."""


def save(viewer: Viewer, assignment_id: str, expected: int, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Save what changed. Everything is prepared before the transaction, which then takes two short statements.

    Raises Stale with the current response, Invalid with pointers into the patch, Conflict where the state forbids it.
    """
    draft = read_draft(viewer, assignment_id)
    require_state(Act.SAVE, draft.row["status"], frozen=draft.row["frozen"], scheduled=draft.row["scheduled"])
    _require_version(draft, expected)
    merged = responses.apply_patch(draft.form, draft.response, patch)
    worked = evaluate(draft.form, merged)
    count = completion.progress(draft.form, merged, worked.visibility)
    risky = risk_flags.with_labels(
        draft.form, risk_flags.newly_risky_answers(draft.form, draft.saved, merged, patch, worked.visibility)
    )
    told = notices.notices_for_saved(viewer, risky) if risky else []
    now = clock.now()
    values = {
        "practice": draft.row["practice_id"],
        "assignment": draft.row["assignment_id"],
        "response": draft.row["response_id"],
        "attempt": draft.row["attempt"],
        "expected": expected,
        "sealed": draft.vault.seal(Attempt.draft, draft.row["response_id"], decimal_json.dumps(merged.as_json())),
        "now": now,
        "done": count.answered,
        "of": count.total,
    }
    try:
        _store(viewer, draft, values)
    except _Overtaken:
        current = read_draft(viewer, assignment_id)
        require_state(Act.SAVE, current.row["status"], frozen=current.row["frozen"], scheduled=current.row["scheduled"])
        raise Stale(current.shown()) from None
    saved = {"status": Status.IN_PROGRESS, "answered": count.answered, "total": count.total, "saved_at": now}
    return {**as_shown({**draft.row, **saved, "version": expected + 1}, draft.form, merged, worked), "notices": told}


@transactional
def _store(viewer: Viewer, draft: Draft, values: Mapping[str, Any]) -> None:
    if not execute(_count_progress, values) or not execute(_save_draft, values):
        raise _Overtaken
    if draft.row["status"] != Status.IN_PROGRESS:
        row = draft.row
        record(viewer, facts.STARTED, _Concerned(row["assignment_id"], row["client_id"], row["care_id"]))
    elif draft.row["last_act_at"] is None or values["now"] - draft.row["last_act_at"] >= ACTIVITY_LAG:
        touch_activity(viewer.practice_id, draft.row["care_id"])


@dataclass(frozen=True, slots=True)
class _Concerned:
    """What a fact is about, where no row was loaded."""

    id: str
    client_id: str
    care_id: str


def _count_progress() -> Any:
    frozen = (
        select(Client.id)
        .where(
            Client.practice_id == Assignment.practice_id,
            Client.id == Assignment.client_id,
            Client.archived_at.is_not(None),
        )
        .exists()
    )
    now = bindparam("now", type_=Instant())
    return (
        update(Assignment)
        .where(
            Assignment.practice_id == bindparam("practice", type_=Id()),
            Assignment.id == bindparam("assignment", type_=Id()),
            Assignment.attempt == bindparam("attempt"),
            is_one_of(Assignment.status, FROM[Act.SAVE]),
            ~frozen,
        )
        .values(
            status=Status.IN_PROGRESS,
            status_before=None,
            answered=bindparam("done"),
            total=bindparam("of"),
            seen_at=func.coalesce(Assignment.seen_at, now),
            started_at=func.coalesce(Assignment.started_at, now),
            last_act_at=now,
        )
    )


def _save_draft() -> Any:
    return (
        update(Attempt)
        .where(
            Attempt.practice_id == bindparam("practice", type_=Id()),
            Attempt.id == bindparam("response", type_=Id()),
            Attempt.version == bindparam("expected"),
        )
        .values(draft=bindparam("sealed"), version=Attempt.version + 1, saved_at=bindparam("now", type_=Instant()))
    )


# Sending in and taking back ----------------------------------------------------------------------------------------


def submit(viewer: Viewer, assignment_id: str, *, response_version: int, **feedback: Any) -> dict[str, Any]:
    """Send the response in, as it stands at `response_version`.

    Raises Invalid with a pointer to each block that is not complete, Stale where the response has moved on.
    """
    draft = read_draft(viewer, assignment_id)
    require_state(Act.SUBMIT, draft.row["status"], frozen=draft.row["frozen"], scheduled=draft.row["scheduled"])
    _require_version(draft, response_version)
    worked = evaluate(draft.form, draft.response)
    whole = completion.require_complete(draft.form, draft.response, worked.visibility)
    part = completion.shared_part(whole)
    scores = submitted_results(draft.form, whole, part, worked)
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
            risk_flags.with_labels(draft.form, risk_flags.risky_answers(draft.form, whole, worked.visibility)),
        )
    except _Overtaken:
        raise Stale(get_response(viewer, assignment_id)) from None


@transactional
def _submit(
    viewer: Viewer, draft: Draft, sealed: Mapping[str, Any], risky: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    assignment = lock_for_act(viewer, Act.SUBMIT, draft.row["assignment_id"])
    response = locked_attempt(assignment)
    if response.version != draft.version or response.id != draft.row["response_id"]:
        raise _Overtaken
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
    told = _alert(viewer, assignment, risky) if risky else []
    return {**get_my_assignment(viewer, assignment.id), "notices": told}


def _alert(viewer: Viewer, assignment: Assignment, risky: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Raise an alert with what is being sent in; what the client is told about it."""
    told = raise_alert(
        viewer,
        client_id=assignment.client_id,
        care_id=assignment.care_id,
        assignment_id=assignment.id,
        attempt=assignment.attempt,
        items=risky,
    )
    return notices.notices_for_submitted(viewer, risky, told=told)


def locked_attempt(assignment: Assignment) -> Attempt:
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


@transactional
def recall(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Take back what was sent in and go on with it; the therapist's sight of it ends on the next request."""
    assignment = lock_for_act(viewer, Act.RECALL, assignment_id)
    response = locked_attempt(assignment)
    response.submission, response.feedback, response.scores, response.submitted_at = None, None, None, None
    response.version += 1
    assignment.submitted_at, assignment.last_act_at = None, clock.now()
    assignment.move(Status.IN_PROGRESS)
    db.session.flush()
    record(viewer, facts.RECALLED, assignment, attempt=response.attempt)
    return get_my_assignment(viewer, assignment_id)
