"""The requests and responses of clients, their care and private notes."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import VERSION
from portal.accounts.schemas.invitation import DELIVERIES, InvitationSchema
from portal.accounts.schemas.person import STAFF_STATUSES
from portal.core.wire import (
    EnumString,
    Identifier,
    Instant,
    Line,
    ListQuerySchema,
    MailAddress,
    SortOrder,
    StrictBoolean,
    Text,
    TimeZone,
    WireSchema,
)

CLIENT_STATUSES = {
    "invited": "Has not accepted the invitation yet.",
    "active": "Can sign in and work on assignments.",
    "archived": "Therapy is paused or over; open assignments are frozen.",
}
NAME_METADATA = {"description": "The client's full name.", "example": "Robin Aster"}
ZONE_METADATA = {"description": "IANA time zone; it decides when an assignment opens and when it is due."}
DELIVERY_METADATA = {"description": "How the invitation reaches the client.", "example": "mail"}
NOTE_METADATA = {"description": "Plain text, up to 20,000 characters.", "example": "Seemed more at ease today."}


class ClientSchema(WireSchema):
    """A client. An owner who does not care for them sees the name only; everything else is null."""

    id = Identifier(required=True, metadata={"description": "The client's id."})
    name = Line(120, required=True, metadata=NAME_METADATA)
    email = MailAddress(
        required=True,
        allow_none=True,
        metadata={"description": "The address the client signs in with.", "example": "robin@clients.example"},
    )
    time_zone = TimeZone(required=True, allow_none=True, metadata=ZONE_METADATA)
    status = EnumString(
        CLIENT_STATUSES,
        required=True,
        allow_none=True,
        metadata={"description": "Whether the client can work on assignments.", "example": "active"},
    )
    in_care = StrictBoolean(required=True, metadata={"description": "Whether the caller cares for this client."})
    archived_at = Instant(
        required=True, allow_none=True, metadata={"description": "Null unless archived.", "example": None}
    )
    created_at = Instant(required=True, metadata={"description": "When the client was first invited."})
    version = fields.Integer(required=True, metadata=VERSION)


class CreatedClientSchema(ClientSchema):
    """A new client and the invitation to pass on."""

    invitation = fields.Nested(
        InvitationSchema(), required=True, metadata={"description": "The invitation, with its code or link."}
    )


class CreateClientSchema(WireSchema):
    """The client to invite."""

    name = Line(120, required=True, metadata=NAME_METADATA)
    email = MailAddress(
        required=True,
        metadata={
            "description": "Where the invitation goes; later used to sign in.",
            "example": "robin@clients.example",
        },
    )
    time_zone = TimeZone(metadata={"description": "IANA time zone. The default is the practice's."})
    delivery = EnumString(DELIVERIES, load_default="mail", metadata=DELIVERY_METADATA)


class InviteClientAgainSchema(WireSchema):
    """How the new invitation reaches the client."""

    delivery = EnumString(DELIVERIES, load_default="mail", metadata=DELIVERY_METADATA)


class ChangeClientSchema(WireSchema):
    """What a therapist can change about a client; what is left out stays as it is."""

    name = Line(120, metadata=NAME_METADATA)
    time_zone = TimeZone(metadata=ZONE_METADATA)


class ClientQuerySchema(ListQuerySchema):
    """Parameters of the list of clients."""

    archived = StrictBoolean(metadata={"description": "true: only archived clients; false: only the others."})
    activated = StrictBoolean(
        metadata={"description": "true: only clients who accepted their invitation; false: only those who have not."}
    )
    q = Line(
        80,
        metadata={
            "description": "Part of a name, in any case. Names are encrypted, so this searches at most 2,000 clients.",
            "example": "aster",
        },
    )
    sort = SortOrder("created_at", "name")


class TherapistSchema(WireSchema):
    """A therapist in a care team."""

    id = Identifier(required=True, metadata={"description": "The therapist's id."})
    name = Line(120, required=True, metadata={"description": "The therapist's full name.", "example": "Noor Haddad"})
    status = EnumString(
        STAFF_STATUSES, required=True, metadata={"description": "Whether they can sign in.", "example": "active"}
    )


class CareLinkSchema(WireSchema):
    """A care link: one therapist cares for one client. Assignments belong to the link they were given through."""

    id = Identifier(required=True, metadata={"description": "The care link's id."})
    therapist = fields.Nested(TherapistSchema(), required=True, metadata={"description": "Who cares for the client."})
    started_at = Instant(required=True, metadata={"description": "When care began."})
    ended_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When care ended; null while it lasts.", "example": None},
    )


class CareQuerySchema(ListQuerySchema):
    """Parameters of the list of care links."""

    sort = SortOrder("started_at")


class ChooseTherapistSchema(WireSchema):
    """The therapist this is about."""

    therapist_id = Identifier(
        required=True, metadata={"description": "An active therapist of the practice; see `GET /staff`."}
    )


class HandOverResultSchema(WireSchema):
    """How many clients were handed over."""

    moved = fields.Integer(
        required=True, metadata={"description": "Clients who now have the other therapist.", "example": 12}
    )


class CaseloadOptInSchema(WireSchema):
    """Whether an integration may see the caller's caseload."""

    integration_id = Identifier(required=True, metadata={"description": "The integration's id."})
    opted_in_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When the therapist opted in; null if the integration may not see the caseload."},
    )


class NoteSchema(WireSchema):
    """A private note, which only its author can read."""

    id = Identifier(required=True, metadata={"description": "The note's id."})
    body = Text(20_000, required=True, metadata=NOTE_METADATA)
    created_at = Instant(required=True, metadata={"description": "When it was written."})


class AddNoteSchema(WireSchema):
    """The note to keep."""

    body = Text(20_000, least=1, required=True, metadata=NOTE_METADATA)


class NoteQuerySchema(ListQuerySchema):
    """Parameters of the list of notes."""

    sort = SortOrder("created_at")
