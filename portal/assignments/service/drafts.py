"""A client's draft: their response to the current attempt, as they read and save it.

A draft is encrypted as a whole and only its client reads it. What is submitted is a second document
(`submissions.py`), so no code of the staff ever opens a private answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import aliased

from portal.assignments import facts, policy
from portal.assignments.models import FROM, Act, Assignment, Attempt, Status, require_state
from portal.assignments.service.care_counts import ACTIVITY_LAG, touch_activity
from portal.assignments.service.conditions import is_scheduled
from portal.caseload.models import Client
from portal.core import access, clock, decimal_json
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.crypto import DataKey, Vault, unwrap_vault
from portal.core.db.statements import execute, is_one_of
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.db.transactions import transactional
from portal.core.errors import Stale
from portal.core.viewer import Viewer
from portal.forms.answering import responses
from portal.forms.definition.document import Form
from portal.forms.evaluation import completion, risk_flags
from portal.forms.evaluation.evaluate import Evaluation, evaluate
from portal.forms.evaluation.results import results, strip_bands
from portal.library.service.versions import form_of_version
from portal.safety.service import notices


@dataclass(frozen=True, slots=True)
class Draft:
    """A client's response to the current attempt, with the row, the key and the form that go with it."""

    row: Mapping[str, Any]
    vault: Vault
    form: Form
    response: responses.Response

    @property
    def saved(self) -> responses.Response:
        """The response as last saved: without initial values, which may still raise a risk when they are saved."""
        is_saved = self.row["draft"] is not None or self.row["earlier_draft"] is not None
        return self.response if is_saved else responses.Response()

    @property
    def version(self) -> int:
        return int(self.row["version"])

    def require_state(self, act: Act) -> None:
        """Raise Conflict where the state of the assignment does not allow `act`."""
        require_state(act, self.row["status"], frozen=self.row["frozen"], scheduled=self.row["scheduled"])

    def require_version(self, expected: int) -> None:
        """Raise Stale, with the response as it is now, where it is at another version."""
        if self.version != expected:
            raise Stale(self.detail())

    def detail(self) -> dict[str, Any]:
        return response_detail(self.row, self.form, self.response)


def response_detail(
    row: Mapping[str, Any], form: Form, response: responses.Response, evaluation: Evaluation | None = None
) -> dict[str, Any]:
    """A response with the state of its attempt and its scores so far, without their bands."""
    return {
        "id": row["response_id"],
        "assignment_id": row["assignment_id"],
        "client_id": row["client_id"],
        "version_id": row["version_id"],
        "attempt": row["attempt"],
        "status": row["status"],
        "progress": {"answered": row["answered"], "total": row["total"]},
        **response.as_json(),
        "scores": strip_bands(results(form, response, evaluation)),
        "saved_at": row["saved_at"],
        "submitted_at": row["submitted_at"],
        "notices": [],
        "version": row["version"],
    }


def read_draft(viewer: Viewer, assignment_id: str) -> Draft:
    """The draft of the current attempt; after a return it begins with the answers of the attempt before."""
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


_EARLIER = aliased(Attempt)
_COLUMNS = (
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
    _EARLIER.id.label("earlier_id"),
    _EARLIER.draft.label("earlier_draft"),
    DataKey.keyring_version,
    DataKey.wrapped,
)


def _current_attempt(viewer: Viewer) -> AnySelect:
    """A visible assignment with its current attempt, and the attempt before while this one has no draft."""
    return (
        policy.visible_to(viewer)
        .join(
            Attempt,
            (Attempt.practice_id == Assignment.practice_id)
            & (Attempt.assignment_id == Assignment.id)
            & (Attempt.attempt == Assignment.attempt),
        )
        .outerjoin(
            _EARLIER,
            (_EARLIER.practice_id == Assignment.practice_id)
            & (_EARLIER.assignment_id == Assignment.id)
            & (_EARLIER.attempt == Assignment.attempt - 1)
            & Attempt.draft.is_(None),
        )
        .join(Client, (Client.practice_id == Assignment.practice_id) & (Client.id == Assignment.client_id))
        .join(DataKey, (DataKey.practice_id == Assignment.practice_id) & (DataKey.subject_id == Assignment.client_id))
        .where(Assignment.id == THING)
        .with_only_columns(*_COLUMNS)
    )


def get_my_response(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """The viewer's own answers, as they stand."""
    return read_draft(viewer, assignment_id).detail()


class ConcurrentUpdate(Exception):
    """Another request changed the assignment or the response between reading and writing."""


def save(viewer: Viewer, assignment_id: str, expected: int, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Save a patch. Everything is prepared before the transaction, which then takes two short statements.

    Raises Stale with the current response, Invalid with pointers into the patch, Conflict where the state forbids it.
    """
    draft = read_draft(viewer, assignment_id)
    draft.require_state(Act.SAVE)
    draft.require_version(expected)
    merged = responses.apply_patch(draft.form, draft.response, patch)
    evaluation = evaluate(draft.form, merged)
    count = completion.progress(draft.form, merged, evaluation.visibility)
    risky = risk_flags.with_labels(
        draft.form, risk_flags.newly_risky_answers(draft.form, draft.saved, merged, patch, evaluation.visibility)
    )
    shown_notices = notices.notices_for_saved(viewer, risky) if risky else []
    now = clock.now()
    try:
        _store(viewer, draft, {**_update_values(draft, merged, count), "now": now})
    except ConcurrentUpdate:
        current = read_draft(viewer, assignment_id)
        current.require_state(Act.SAVE)
        raise Stale(current.detail()) from None
    saved = {"status": Status.IN_PROGRESS, "answered": count.answered, "total": count.total, "saved_at": now}
    return {
        **response_detail({**draft.row, **saved, "version": expected + 1}, draft.form, merged, evaluation),
        "notices": shown_notices,
    }


def _update_values(draft: Draft, merged: responses.Response, count: completion.Progress) -> dict[str, Any]:
    """The values of the two statements that save a draft."""
    row = draft.row
    return {
        "practice": row["practice_id"],
        "assignment": row["assignment_id"],
        "response": row["response_id"],
        "attempt": row["attempt"],
        "expected": draft.version,
        "sealed": draft.vault.seal(Attempt.draft, row["response_id"], decimal_json.dumps(merged.as_json())),
        "answered": count.answered,
        "total": count.total,
    }


@transactional
def _store(viewer: Viewer, draft: Draft, values: Mapping[str, Any]) -> None:
    if not execute(_count_progress, values) or not execute(_save_draft, values):
        raise ConcurrentUpdate
    if draft.row["status"] != Status.IN_PROGRESS:
        row = draft.row
        record(viewer, facts.STARTED, _EventSubject(row["assignment_id"], row["client_id"], row["care_id"]))
    elif draft.row["last_act_at"] is None or values["now"] - draft.row["last_act_at"] >= ACTIVITY_LAG:
        touch_activity(viewer.practice_id, draft.row["care_id"])


@dataclass(frozen=True, slots=True)
class _EventSubject:
    """The subject of a fact whose row was not loaded."""

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
            answered=bindparam("answered"),
            total=bindparam("total"),
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
