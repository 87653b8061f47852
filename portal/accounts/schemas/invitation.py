"""Invitations of staff and clients."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import STAFF_NAME_METADATA, capabilities_field, new_password_field
from portal.core.wire import EnumString, Identifier, Instant, Line, MailAddress, Text, TimeZone, WireSchema

DELIVERIES = {
    "mail": "The link is mailed; clients also need a code that you tell them in person.",
    "in_person": "Nothing is mailed. The response holds a link, which you hand over yourself.",
}


class InviteStaffMemberSchema(WireSchema):
    """The person to invite, and what they may do."""

    name = Line(120, required=True, metadata=STAFF_NAME_METADATA)
    email = MailAddress(
        required=True,
        metadata={"description": "Where the invitation goes; later used to sign in.", "example": "noor@linden.example"},
    )
    capabilities = capabilities_field()


class InvitationSchema(WireSchema):
    """An open invitation. `code` and `link` are returned only once."""

    id = Identifier(required=True, metadata={"description": "The invitation's id."})
    person_id = Identifier(required=True, metadata={"description": "The person who is invited."})
    delivery = EnumString(
        DELIVERIES, required=True, metadata={"description": "How the link reaches the person.", "example": "mail"}
    )
    code = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Tell it to the client in person: the mail does not contain it. Null where none is needed.",
            "example": "7KQ2-M4XD",
        },
    )
    link = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The link to hand over; null when it is mailed.", "example": None},
    )
    created_at = Instant(required=True, metadata={"description": "When it was created. It is valid for 14 days."})


class AcceptInvitationSchema(WireSchema):
    """The secret of the invitation, and the password to sign in with."""

    token = Text(
        200,
        required=True,
        load_only=True,
        metadata={"description": "The part of the link after the #.", "example": "portal_inv_..."},
    )
    code = Text(
        20,
        load_only=True,
        metadata={
            "description": "The code that was told in person. Only needed for clients invited by mail.",
            "example": "7KQ2-M4XD",
        },
    )
    password = new_password_field()
    time_zone = TimeZone(
        metadata={"description": "IANA time zone. The default is the one the invitation was created with."}
    )
