"""The wire shapes of clients, care and notes."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas import InvitationSchema
from portal.core.wire import (
    EnumString,
    Identifier,
    Instant,
    Line,
    ListQuerySchema,
    MailAddress,
    StrictBoolean,
    Text,
    TimeZone,
    WireSchema,
)

DELIVERIES = ("mail", "in_person")


class ClientSchema(WireSchema):
    """A client. To an owner outside their care: the name alone, everything else null."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Robin Aster"})
    email = MailAddress(required=True, allow_none=True)
    time_zone = TimeZone(required=True, allow_none=True)
    status = EnumString(("invited", "active", "archived"), required=True, allow_none=True)
    in_care = StrictBoolean(required=True, metadata={"description": "Whether the client is in the viewer's own care."})
    archived_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)
    version = fields.Integer(required=True)


class CreatedClientSchema(ClientSchema):
    """A new client with the invitation."""

    invitation = fields.Nested(InvitationSchema(), required=True)


class CreateClientSchema(WireSchema):
    """A client to take on."""

    name = Line(120, required=True, metadata={"example": "Robin Aster"})
    email = MailAddress(required=True)
    time_zone = TimeZone(metadata={"description": "The practice's unless said."})
    delivery = EnumString(
        DELIVERIES,
        load_default="mail",
        metadata={"description": "By mail with a code you say in person, or as a link you hand over."},
    )


class InviteClientAgainSchema(WireSchema):
    """How to invite again."""

    delivery = EnumString(DELIVERIES, load_default="mail")


class ChangeClientSchema(WireSchema):
    """What a therapist can change of a client."""

    name = Line(120, metadata={"example": "Robin Aster"})
    time_zone = TimeZone()


class ClientQuerySchema(ListQuerySchema):
    """How to list clients."""

    archived = StrictBoolean()
    activated = StrictBoolean(metadata={"description": "Whether the client has accepted the invitation."})
    q = Line(80, metadata={"description": "Part of a name; up to 2,000 visible clients.", "example": "aster"})
    sort = EnumString(("created_at", "-created_at", "name", "-name"))


class TherapistSchema(WireSchema):
    """A therapist in a care team."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Noor Haddad"})
    status = EnumString(("invited", "active", "deactivated"), required=True)


class CareLinkSchema(WireSchema):
    """A therapist's care for a client."""

    id = Identifier(required=True)
    therapist = fields.Nested(TherapistSchema(), required=True)
    started_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)


class CareQuerySchema(ListQuerySchema):
    """How to list a care team."""

    sort = EnumString(("started_at", "-started_at"))


class ChooseTherapistSchema(WireSchema):
    """Which therapist."""

    therapist_id = Identifier(required=True)


class HandOverResultSchema(WireSchema):
    """How much was handed over."""

    moved = fields.Integer(required=True, metadata={"example": 12})


class CaseloadOptInSchema(WireSchema):
    """Whether an integration sees one's caseload."""

    integration_id = Identifier(required=True)
    opted_in_at = Instant(required=True, allow_none=True, metadata={"description": "Null: it does not."})


class NoteSchema(WireSchema):
    """A private note; only its author reads it."""

    id = Identifier(required=True)
    body = Text(20_000, required=True, metadata={"example": "Seemed more at ease today."})
    created_at = Instant(required=True)


class AddNoteSchema(WireSchema):
    """A note to keep."""

    body = Text(20_000, least=1, required=True, metadata={"example": "Seemed more at ease today."})


class NoteQuerySchema(ListQuerySchema):
    """How to list notes."""

    sort = EnumString(("created_at", "-created_at"))
