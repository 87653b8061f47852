"""Words between therapist and client, on an attempt or on one answer in it. "Read" is an act, never a GET."""

from __future__ import annotations

from typing import Any

from portal.assignments import facts, policy
from portal.assignments.models import Assignment, Comment
from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
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


def list_comments(viewer: Viewer, assignment_id: str, asked: ListRequest) -> Page:
    """What was said about an assignment, in order."""
    there = access.get_visible(viewer, _commented_assignment, assignment_id)
    opened = vault(viewer.practice_id, there["client_id"])
    page = COMMENTS.page(viewer, asked, thing_id=assignment_id)
    return page.map(lambda row: {**row, "body": opened.open_text(Comment.body, row["id"], row["body"])})


def _commented_assignment(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Assignment.id == THING).with_only_columns(Assignment.client_id)


@transactional
def comment(viewer: Viewer, assignment_id: str, *, body: str, block: str | None = None) -> dict[str, Any]:
    """Say something about the current attempt, or about one question in it."""
    assignment = access.get_for_update(viewer, Assignment, policy.visible_to, assignment_id)
    if block is not None and block not in form_of_version(viewer.practice_id, assignment.version_id).blocks:
        raise Invalid(Fault("invalid", "This form has no block with this id.").at("#/block", block))
    return write(viewer, assignment, body=body, block=block)


def write(viewer: Viewer, assignment: Assignment, *, body: str, block: str | None = None) -> dict[str, Any]:
    """A comment on a locked assignment, inside the open transaction."""
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
    return _shown(row, body)


def _shown(row: Comment, body: str) -> dict[str, Any]:
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
def mark_read(viewer: Viewer, assignment_id: str, comment_id: str) -> dict[str, Any]:
    """Say that one has read what the other side wrote."""
    row = access.get_for_update(viewer, Comment, policy.comments_visible_to, comment_id)
    if row.assignment_id != assignment_id:
        raise NotVisible
    if row.author_kind == viewer.kind:
        msg = "Only the other side marks a comment as read."
        raise Conflict(msg, state="own", allowed=[])
    row.read_at = row.read_at or clock.now()
    db.session.flush()
    body = vault(viewer.practice_id, row.client_id).open(Comment.body, row.id, row.body).decode()
    return _shown(row, body)
