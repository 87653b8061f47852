"""The wire shapes of comments."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import EnumString, Identifier, Instant, ListQuerySchema, StrictBoolean, Text, WireSchema


class AssignmentCommentSchema(WireSchema):
    """A word on an attempt, or on one question in it."""

    id = Identifier(required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    block = Text(255, required=True, allow_none=True, metadata={"example": None})
    author_id = Identifier(required=True)
    author_kind = EnumString(("staff", "client"), required=True)
    body = Text(5000, required=True, metadata={"example": "Thank you for trying this."})
    created_at = Instant(required=True)
    read_at = Instant(required=True, allow_none=True)


class AddCommentSchema(WireSchema):
    """A word to say."""

    body = Text(5000, least=1, required=True, metadata={"example": "Thank you for trying this."})
    block = Text(255, least=1, metadata={"description": "The question it is about; else the whole attempt."})


class CommentQuerySchema(ListQuerySchema):
    """How to list comments."""

    read = StrictBoolean()
    sort = EnumString(("created_at", "-created_at"))
