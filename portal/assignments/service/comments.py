"""Comments of therapist and client on an attempt or on one answer; marking one as read is an act of its own."""

from __future__ import annotations

from typing import Any

from portal.assignments import facts, policy
from portal.assignments.models import Assignment, Comment
from portal.assignments.service.queries import require_visible
from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Fault, Invalid, NotVisible
from portal.core.ids import new_id
from portal.core.listing import Listing, ListRequest, Page, condition
from portal.core.viewer import Viewer
from portal.library.service.versions import form_of_version

COMMENTS = Listing(
    base=lambda viewer: policy.comments_visible_to(viewer).where(Comment.assignment_id == THING),
    columns=(
        Comment.id,
        Comment.client_id,
        Comment.attempt,
        Comment.block,
        Comment.author_id,
        Comment.author_kind,
        Comment.body,
        Comment.created_at,
        Comment.read_at,
    ),
    filters={"read": condition(lambda: Comment.read_at.is_not(None))},
    sorts={"created_at": Comment.created_at},
    default_sort="created_at",
    identity=Comment.id,
    raw=False,
)


def list_comments(viewer: Viewer, assignment_id: str, request: ListRequest) -> Page:
    """The comments on an assignment, the oldest first."""
    client_id = require_visible(viewer, assignment_id)
    sealed = vault(viewer.practice_id, client_id)
    page = COMMENTS.page(viewer, request, thing_id=assignment_id)
    return page.map(lambda row: {**row, "body": sealed.open_text(Comment.body, row["id"], row["body"])})


@transactional
def comment(viewer: Viewer, assignment_id: str, *, body: str, block: str | None = None) -> dict[str, Any]:
    """Comment on the current attempt, or on one question in it."""
    assignment = access.get_for_update(viewer, Assignment, policy.visible_to, assignment_id)
    if block is not None and block not in form_of_version(viewer.practice_id, assignment.version_id).blocks:
        raise Invalid(Fault("unknown_block", "This form has no block with this id.").at("#/block", block))
    return write_comment(viewer, assignment, body=body, block=block)


def write_comment(viewer: Viewer, assignment: Assignment, *, body: str, block: str | None = None) -> dict[str, Any]:
    """Add a comment to a locked assignment, inside the open transaction."""
    comment_id = new_id()
    row = Comment(
        practice_id=viewer.practice_id,
        id=comment_id,
        assignment_id=assignment.id,
        client_id=assignment.client_id,
        attempt=assignment.attempt,
        block=block,
        author_id=viewer.id,
        author_kind=viewer.kind,
        body=vault(viewer.practice_id, assignment.client_id).seal(Comment.body, comment_id, body),
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(viewer, facts.COMMENTED, row, care_id=assignment.care_id, assignment=assignment.id)
    return _detail(row, body)


def _detail(row: Comment, body: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "attempt": row.attempt,
        "block": row.block,
        "author_id": row.author_id,
        "author_kind": row.author_kind,
        "body": body,
        "created_at": row.created_at,
        "read_at": row.read_at,
    }


@transactional
def mark_comment_as_read(viewer: Viewer, assignment_id: str, comment_id: str) -> dict[str, Any]:
    """Mark a comment of the other side as read."""
    row = access.get_for_update(viewer, Comment, policy.comments_visible_to, comment_id)
    if row.assignment_id != assignment_id:
        raise NotVisible
    if row.author_kind == viewer.kind:
        msg = "You wrote this comment. Only the other side can mark it as read."
        raise Conflict(msg, state="own", allowed=[])
    row.read_at = row.read_at or clock.now()
    db.session.flush()
    body = vault(viewer.practice_id, row.client_id).open(Comment.body, row.id, row.body).decode()
    return _detail(row, body)
