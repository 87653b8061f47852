"""Comments on an attempt."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.person import PERSON_KINDS
from portal.assignments.schemas.assignment import ATTEMPT
from portal.core.wire import (
    EnumString,
    Identifier,
    Instant,
    ListQuerySchema,
    SortOrder,
    StrictBoolean,
    Text,
    WireSchema,
)

BODY = {"description": "Plain text, up to 5,000 characters.", "example": "Thank you for trying this."}


class AssignmentCommentSchema(WireSchema):
    """A comment on an attempt, or on one question in it."""

    id = Identifier(required=True, metadata={"description": "The comment's id."})
    attempt = fields.Integer(required=True, metadata=ATTEMPT)
    block = Text(
        255,
        required=True,
        allow_none=True,
        metadata={"description": "The question it is about; null for the whole attempt.", "example": None},
    )
    author_id = Identifier(required=True, metadata={"description": "The person who wrote it."})
    author_kind = EnumString(
        PERSON_KINDS,
        required=True,
        metadata={"description": "Whether a therapist or the client wrote it.", "example": "staff"},
    )
    body = Text(5000, required=True, metadata=BODY)
    created_at = Instant(required=True, metadata={"description": "When it was written."})
    read_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When the other side marked it as read; null before.", "example": None},
    )


class AddCommentSchema(WireSchema):
    """The comment to add to the current attempt."""

    body = Text(5000, least=1, required=True, metadata=BODY)
    block = Text(
        255,
        least=1,
        metadata={
            "description": "The id of the question it is about. Leave it out for the whole attempt.",
            "example": "note",
        },
    )


class CommentQuerySchema(ListQuerySchema):
    """Parameters of the list of comments."""

    read = StrictBoolean(metadata={"description": "true: only comments marked as read; false: only unread ones."})
    sort = SortOrder("created_at")
