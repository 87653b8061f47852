"""Attempts: their times for everybody who sees the assignment, their answers for those who may read them.

`open_attempt` is the only way to what a client has submitted.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import bindparam

from portal.assignments import facts, policy
from portal.assignments.models import Assignment, Attempt
from portal.assignments.service.drafts import read_draft, response_detail
from portal.assignments.service.queries import require_visible
from portal.core import access, decimal_json
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.crypto import Vault, vault
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.errors import NotVisible
from portal.core.listing import Listing, ListRequest, Page, equals
from portal.core.viewer import Viewer
from portal.forms.answering import responses
from portal.forms.evaluation import completion
from portal.library.service.versions import form_of_version

ATTEMPTS = Listing(
    base=lambda viewer: policy.attempts_visible_to(viewer).where(Attempt.assignment_id == THING),
    columns=(
        Attempt.id,
        Attempt.attempt,
        Attempt.submission.is_not(None).label("readable"),
        Attempt.saved_at,
        Attempt.submitted_at,
        Attempt.reviewed_at,
        Attempt.returned_at,
        Attempt.version,
    ),
    filters={"attempt": equals(Attempt.attempt)},
    sorts={"attempt": Attempt.attempt},
    default_sort="-attempt",
    identity=Attempt.id,
)


def list_attempts(viewer: Viewer, assignment_id: str, request: ListRequest) -> Page:
    """The attempts at an assignment: times and versions, no answers."""
    require_visible(viewer, assignment_id)
    return ATTEMPTS.page(viewer, request, thing_id=assignment_id)


def _assignment(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Assignment.id == THING).with_only_columns(Assignment.id)


@transactional
def open_attempt(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """The answers of a submitted attempt; the only way to them.

    Records `response.opened` in the transaction that decrypts: what cannot be recorded is not read.
    """
    attempt = _get_readable(viewer, assignment_id, number)
    assignment = db.session.get_one(Assignment, (viewer.practice_id, attempt.assignment_id))
    record(
        viewer,
        facts.RESPONSE_OPENED,
        attempt,
        care_id=assignment.care_id,
        attempt=attempt.attempt,
        assignment=assignment.id,
    )
    sealed = vault(viewer.practice_id, attempt.client_id)
    content = decimal_json.loads(sealed.open(Attempt.submission, attempt.id, attempt.submission or b""))
    feedback = orjson.loads(sealed.open(Attempt.feedback, attempt.id, attempt.feedback or b""))
    form = form_of_version(viewer.practice_id, assignment.version_id)
    return {
        **_times(attempt, assignment),
        **responses.Response.from_json(content).as_json(),
        "scores": scores_of(sealed, attempt.id, attempt.scores),
        "private_count": attempt.private_count,
        "feedback": feedback,
        "document": form.document,
    }


def _get_readable(viewer: Viewer, assignment_id: str, number: int) -> Attempt:
    """The attempt, where the viewer may read its answers now. Raises NotVisible."""
    found = db.session.scalars(
        policy.submissions_visible_to(viewer).where(
            Attempt.assignment_id == THING, Attempt.attempt == bindparam("number")
        ),
        access.binds(viewer, thing_id=assignment_id, number=number),
    ).first()
    if found is None:
        raise NotVisible
    return found


def scores_of(sealed: Vault, attempt_id: str, scores: bytes | None) -> list[dict[str, Any]]:
    """The scores of an attempt as it was submitted."""
    return [] if scores is None else list(decimal_json.loads(sealed.open(Attempt.scores, attempt_id, scores)))


def _times(attempt: Attempt, assignment: Assignment) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "assignment_id": assignment.id,
        "client_id": assignment.client_id,
        "version_id": assignment.version_id,
        "attempt": attempt.attempt,
        "saved_at": attempt.saved_at,
        "submitted_at": attempt.submitted_at,
        "reviewed_at": attempt.reviewed_at,
        "returned_at": attempt.returned_at,
        "version": attempt.version,
    }


def get_my_attempt(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """One of the viewer's own attempts, with its private answers; reading it records nothing."""
    draft = read_draft(viewer, assignment_id)
    if number == draft.row["attempt"]:
        return {**draft.detail(), "document": None if draft.row["scheduled"] else draft.form.for_clients}
    rows = access.fetch_visible(viewer, _own_attempt, thing_id=assignment_id, number=number)
    if not rows:
        raise NotVisible
    row = rows[0]
    content = decimal_json.loads(draft.vault.open(Attempt.draft, row["id"], row["draft"]))
    response = responses.Response.from_json(content)
    count = completion.progress(draft.form, response)
    earlier = {
        **draft.row,
        **row,
        "response_id": row["id"],
        "attempt": number,
        "status": "returned",
        "answered": count.answered,
        "total": count.total,
    }
    return {**response_detail(earlier, draft.form, response), "document": draft.form.for_clients}


def _own_attempt(viewer: Viewer) -> AnySelect:
    return (
        policy.submissions_visible_to(viewer)
        .where(Attempt.assignment_id == THING, Attempt.attempt == bindparam("number"), Attempt.draft.is_not(None))
        .with_only_columns(Attempt.id, Attempt.draft, Attempt.version, Attempt.saved_at, Attempt.submitted_at)
    )
