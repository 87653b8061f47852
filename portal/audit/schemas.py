"""The wire shapes of the trail."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import Identifier, Instant, Line, ListQuerySchema, WireSchema, Word


class OpenedBySchema(WireSchema):
    """Who opened it."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Noor Haddad"})


class AccessSchema(WireSchema):
    """One opening of one's answers."""

    id = Identifier(required=True)
    occurred_at = Instant(required=True)
    opened_by = fields.Nested(OpenedBySchema(), required=True)
    assignment_id = Identifier(required=True)
    title = Line(200, required=True, metadata={"example": "Trigger log"})
    attempt = fields.Integer(required=True, metadata={"example": 1})


class AccessQuerySchema(ListQuerySchema):
    """How to list openings."""

    sort = Word(("occurred_at", "-occurred_at"))
