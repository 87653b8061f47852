"""Integrations, their scopes and their tokens."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import (
    BoundedList,
    EnumString,
    Identifier,
    Instant,
    Line,
    ListQuerySchema,
    Range,
    SortOrder,
    StrictBoolean,
    WireSchema,
)

SCOPES = {
    "clients:read": "Read clients and care teams in the caseloads that therapists opted in.",
    "clients:write": "Change, archive and restore these clients.",
    "assignments:read": "Read their assignments, the times of attempts, and progress.",
    "assignments:write": "Create, change, withdraw and reopen assignments for them.",
    "responses:read": "Read submitted and shared answers, scores and comments. Clients see each access.",
    "resources:read": "Read the library.",
    "resources:write": "Create, change, import, publish and archive resources.",
    "events:read": "Follow the feed of what happens in the opted-in caseloads.",
    "exports:create": "Download assignments as CSV.",
}


SYSTEM_NAME_METADATA = {
    "description": "What people call the other system; clients read it in their access log.",
    "example": "Clinic record system",
}


def days_field() -> fields.Integer:
    return fields.Integer(
        strict=True,
        load_default=90,
        validate=Range(1, 365),
        metadata={"description": "Days until the new token expires.", "example": 90},
    )


class IntegrationSchema(WireSchema):
    """Another system with access. It sees what its scopes allow, in the caseloads whose therapists opted in."""

    id = Identifier(required=True, metadata={"description": "The integration's id."})
    name = Line(120, required=True, metadata=SYSTEM_NAME_METADATA)
    scopes = fields.List(
        EnumString(SCOPES),
        required=True,
        metadata={"description": "What it may do.", "example": ["assignments:read", "events:read"]},
    )
    expires_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When its newest token expires; null once it has no token."},
    )
    last_used_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Its latest request, to the minute; null before the first."},
    )
    created_at = Instant(required=True, metadata={"description": "When an owner created it."})
    revoked_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When an owner revoked it; null while it has access.", "example": None},
    )


class IntegrationTokenSchema(IntegrationSchema):
    """An integration with a new token, which is returned only once."""

    token = fields.String(
        required=True,
        metadata={"description": "Store it safely: the portal cannot show it again.", "example": "portal_int_..."},
    )


class CreateIntegrationSchema(WireSchema):
    """The other system, and what it may do."""

    name = Line(120, required=True, metadata=SYSTEM_NAME_METADATA)
    scopes = BoundedList(
        EnumString(SCOPES, metadata={"example": "assignments:read"}),
        len(SCOPES),
        least=1,
        required=True,
        metadata={
            "description": "What it may do. Name at least one scope, each once.",
            "example": ["assignments:read"],
        },
    )
    expires_in_days = days_field()


class RotateTokenSchema(WireSchema):
    """How long the new token lasts, and how long the old one still works."""

    expires_in_days = days_field()
    overlap_minutes = fields.Integer(
        strict=True,
        load_default=0,
        validate=Range(0, 1440),
        metadata={"description": "Minutes for which the old token keeps working; 0 ends it at once.", "example": 30},
    )


class IntegrationQuerySchema(ListQuerySchema):
    """Parameters of the list of integrations."""

    revoked = StrictBoolean(metadata={"description": "true: only revoked integrations; false: only those with access."})
    sort = SortOrder("created_at")
