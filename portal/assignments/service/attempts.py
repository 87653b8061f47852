"""Attempts: their times for whoever sees the assignment, their answers for those who may read them.

`open_attempt` is the one door to what a client has sent in.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import bindparam

from portal.assignments import facts, policy
from portal.assignments.models import Assignment, Attempt
from portal.assignments.service.responses import as_shown, read_draft
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


def list_attempts(viewer: Viewer, assignment_id: str, asked: ListRequest) -> Page:
    """The attempts at an assignment: times and versions, never a word."""
    access.get_visible(viewer, _assignment, assignment_id)
    return ATTEMPTS.page(viewer, asked, thing_id=assignment_id)


def _assignment(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Assignment.id == THING).with_only_columns(Assignment.id)


@transactional
def open_attempt(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """The answers of an attempt that was sent in: the one door to them.

    Leaves `response.opened` in the transaction that decrypts; where that cannot be written, nothing is read.
    """
    response = _readable(viewer, assignment_id, number)
    assignment = db.session.get_one(Assignment, (viewer.practice_id, response.assignment_id))
    record(
        viewer,
        facts.RESPONSE_OPENED,
        response,
        care_id=assignment.care_id,
        attempt=response.attempt,
        assignment=assignment.id,
    )
    sealed = vault(viewer.practice_id, response.client_id)
    content = decimal_json.loads(sealed.open(Attempt.submission, response.id, response.submission or b""))
    feedback = orjson.loads(sealed.open(Attempt.feedback, response.id, response.feedback or b""))
    form = form_of_version(viewer.practice_id, assignment.version_id)
    return {
        **_attempt(response, assignment),
        **responses.Response.from_json(content).as_json(),
        "scores": scores_of(sealed, response.id, response.scores),
        "private_count": response.private_count,
        "feedback": feedback,
        "document": form.document,
    }


def _readable(viewer: Viewer, assignment_id: str, number: int) -> Attempt:
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


def scores_of(sealed: Vault, response_id: str, scores: bytes | None) -> list[dict[str, Any]]:
    """What an attempt came to when it was sent in."""
    return [] if scores is None else list(decimal_json.loads(sealed.open(Attempt.scores, response_id, scores)))


def _attempt(response: Attempt, assignment: Assignment) -> dict[str, Any]:
    return {
        "id": response.id,
        "assignment_id": assignment.id,
        "client_id": assignment.client_id,
        "version_id": assignment.version_id,
        "attempt": response.attempt,
        "saved_at": response.saved_at,
        "submitted_at": response.submitted_at,
        "reviewed_at": response.reviewed_at,
        "returned_at": response.returned_at,
        "version": response.version,
    }


def get_my_attempt(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """One of one's own attempts, whole; reading one's own leaves no trace."""
    draft = read_draft(viewer, assignment_id)
    if number == draft.row["attempt"]:
        return {**draft.shown(), "document": None if draft.row["scheduled"] else draft.form.for_clients}
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
    return {**as_shown(earlier, draft.form, response), "document": draft.form.for_clients}


def _own_attempt(viewer: Viewer) -> AnySelect:
    return (
        policy.submissions_visible_to(viewer)
        .where(Attempt.assignment_id == THING, Attempt.attempt == bindparam("number"), Attempt.draft.is_not(None))
        .with_only_columns(Attempt.id, Attempt.draft, Attempt.version, Attempt.saved_at, Attempt.submitted_at)
    )
