"""The wire shapes of the trail."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.core.wire import (
    EnumList,
    EnumString,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    StrictBoolean,
    WireSchema,
)


class OpenedBySchema(WireSchema):
    """Who opened it."""

    id = Identifier(required=True)
    kind = EnumString(("staff", "integration"), required=True)
    name = Line(120, required=True, metadata={"example": "Noor Haddad"})


OPENINGS = ("response.opened", "measures.opened", "safety.opened")


class AccessSchema(WireSchema):
    """One opening of one's answers, of what they came to, or of an alert; those two are about no one assignment."""

    id = Identifier(required=True)
    occurred_at = Instant(required=True)
    opened_by = fields.Nested(OpenedBySchema(), required=True)
    opened = EnumString(OPENINGS, required=True, metadata={"example": "response.opened"})
    assignment_id = Identifier(required=True, allow_none=True)
    title = Line(200, required=True, allow_none=True, metadata={"example": "Trigger log"})
    attempt = fields.Integer(required=True, allow_none=True, metadata={"example": 1})


class AccessQuerySchema(ListQuerySchema):
    """How to list openings."""

    sort = EnumString(("occurred_at", "-occurred_at"))


TYPES = (
    "assignment.changed",
    "assignment.commented",
    "assignment.created",
    "assignment.decline_undone",
    "assignment.declined",
    "assignment.paused",
    "assignment.planned",
    "assignment.reopened",
    "assignment.resumed",
    "assignment.returned",
    "assignment.reviewed",
    "assignment.seen",
    "assignment.started",
    "assignment.submitted",
    "assignment.recalled",
    "assignment.withdrawn",
    "care.ended",
    "care.handed_over",
    "care.merged",
    "care.started",
    "caseload.opted_in",
    "caseload.opted_out",
    "client.activated",
    "client.archived",
    "client.changed",
    "client.invited",
    "client.restored",
    "crisis_card.changed",
    "export.made",
    "integration.created",
    "integration.revoked",
    "integration.rotated",
    "invitation.revoked",
    "password.changed",
    "person.time_zone_changed",
    "practice.changed",
    "practice.set_up",
    "resource.archived",
    "resource.changed",
    "resource.created",
    "resource.published",
    "resource.restored",
    "measure.scored",
    "measures.opened",
    "resource.imported",
    "response.opened",
    "safety.acknowledged",
    "safety.escalated",
    "safety.flagged",
    "safety.opened",
    "session.ended",
    "session.started",
    "staff.activated",
    "staff.changed",
    "staff.deactivated",
    "staff.invited",
)
"""Every fact there is."""


class EventSchema(WireSchema):
    """A fact: what happened to what, by ids and counts; never content."""

    position = fields.Integer(
        required=True, metadata={"description": "Its place in the practice's sequence, without gaps.", "example": 1042}
    )
    id = Identifier(required=True)
    type = EnumString(TYPES, required=True)
    timestamp = Instant(required=True)
    actor_kind = EnumString(("staff", "client", "integration", "system"), required=True)
    actor_id = Identifier(required=True, allow_none=True)
    subject_id = Identifier(required=True, metadata={"description": "What it happened to; `type` says what that is."})
    client_id = Identifier(required=True, allow_none=True)
    details = Json(required=True, metadata={"example": {"attempt": 1}})


class FeedSchema(WireSchema):
    """Facts in the order of their positions, and where to go on."""

    data = fields.List(fields.Nested(EventSchema()), required=True)
    has_more = StrictBoolean(required=True)
    next_after = fields.Integer(
        required=True, metadata={"description": "Send it as `after` next time, now or later.", "example": 1042}
    )


class FeedQuerySchema(WireSchema):
    """Where to go on, and what to follow."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 2**62, error="Use a position, 0 or more."),
        metadata={"description": "The position read last; 0 begins at the beginning.", "example": 1041},
    )
    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, 500, error="Use a number from 1 to 500."),
        metadata={"description": "How many at most, 1 to 500; 100 unless said.", "example": 100},
    )
    type = EnumList(TYPES)
    client_id = Identifier()
