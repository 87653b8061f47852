"""Sessions, and the reset of a forgotten password."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import OWNER_EMAIL_METADATA, new_password_field, password_field
from portal.accounts.schemas.person import PersonSchema
from portal.core.wire import Identifier, Instant, Line, ListQuerySchema, MailAddress, SortOrder, Text, WireSchema


class SignInSchema(WireSchema):
    """An email address and its password."""

    practice = Line(
        40,
        metadata={
            "description": "The practice's short name. Only needed where one portal serves several practices.",
            "example": "linden",
        },
    )
    email = MailAddress(required=True, metadata=OWNER_EMAIL_METADATA)
    password = password_field("The person's password.")


class NewSessionSchema(WireSchema):
    """A new session and its token, which is returned only once."""

    token = fields.String(
        required=True,
        metadata={"description": "Send it as `Authorization: Bearer <token>`.", "example": "portal_ses_..."},
    )
    expires_at = Instant(
        required=True,
        metadata={"description": "When the session ends at the latest; it ends sooner after 30 minutes without use."},
    )
    person = fields.Nested(PersonSchema(), required=True, metadata={"description": "Who has signed in."})


class SessionSchema(WireSchema):
    """A session that has not ended."""

    id = Identifier(required=True, metadata={"description": "The session's id; not its token."})
    created_at = Instant(required=True, metadata={"description": "When the person signed in."})
    last_used_at = Instant(required=True, metadata={"description": "Its latest request, to the minute."})
    expires_at = Instant(
        required=True,
        metadata={"description": "When it ends at the latest; it ends sooner after 30 minutes without use."},
    )


class SessionQuerySchema(ListQuerySchema):
    """Parameters of the list of sessions."""

    sort = SortOrder("created_at")


class RequestPasswordResetSchema(WireSchema):
    """The account whose password was forgotten."""

    practice = Line(
        40,
        metadata={
            "description": "The practice's short name. Only needed where one portal serves several practices.",
            "example": "linden",
        },
    )
    email = MailAddress(required=True, metadata={"description": "The address the person signs in with."})


class CompletePasswordResetSchema(WireSchema):
    """A new password, with the secret from the mail."""

    token = Text(
        200,
        required=True,
        load_only=True,
        metadata={
            "description": "The part of the mailed link after the #. It works once, for an hour.",
            "example": "portal_rst_...",
        },
    )
    password = new_password_field()
