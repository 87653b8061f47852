"""The wire shapes of practices, people, sessions and invitations."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

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

CAPABILITIES = ("owner", "therapist")
SCOPES = (
    "clients:read",
    "clients:write",
    "assignments:read",
    "assignments:write",
    "responses:read",
    "resources:read",
    "resources:write",
    "events:read",
    "exports:create",
)
SLUG = validate.Regexp(
    r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z", error="Use small letters, digits and dashes, 40 at most."
)
COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z", error="Use the two capital letters of the country, for example DE.")
PASSWORD = {"format": "password", "example": "four words nobody guesses"}


def password_field() -> Text:
    return Text(1024, least=1, required=True, load_only=True, metadata=PASSWORD)


def capabilities_field() -> fields.List[Any]:
    return fields.List(
        EnumString(CAPABILITIES, metadata={"example": "therapist"}),
        required=True,
        validate=validate.Length(1, 2, error="Say at least one: owner, therapist."),
    )


def days_field() -> fields.Integer:
    return fields.Integer(
        strict=True,
        load_default=90,
        validate=validate.Range(1, 365, error="Use a number of days from 1 to 365."),
        metadata={"description": "How long the token lasts.", "example": 90},
    )


class PracticeSchema(WireSchema):
    """A practice and its settings."""

    id = Identifier(required=True)
    slug = Line(40, required=True, metadata={"example": "linden"})
    name = Line(120, required=True, metadata={"example": "Linden Practice"})
    country = Line(2, required=True, metadata={"example": "DE"})
    time_zone = TimeZone(required=True)
    quiet_days = fields.Integer(
        required=True,
        metadata={"example": 14, "description": "Days without an act after which a client counts as gone quiet."},
    )
    cover_id = Identifier(
        required=True, allow_none=True, metadata={"description": "Who stands in when an alert waits too long."}
    )
    alert_wait_hours = fields.Integer(
        required=True, metadata={"example": 24, "description": "How long an alert waits until it is passed on."}
    )
    clients_see_bands = StrictBoolean(
        required=True, metadata={"description": "Whether clients read how much a score is, in a word."}
    )
    version = fields.Integer(required=True)
    created_at = Instant(required=True)


class ChangePracticeSchema(WireSchema):
    """What of a practice can change."""

    name = Line(120, metadata={"example": "Linden Practice"})
    country = fields.String(validate=COUNTRY, metadata={"example": "DE"})
    time_zone = TimeZone()
    quiet_days = fields.Integer(strict=True, validate=validate.Range(1, 365), metadata={"example": 14})
    cover_id = Identifier(allow_none=True, metadata={"description": "A therapist of the practice; null for nobody."})
    alert_wait_hours = fields.Integer(
        strict=True,
        validate=validate.Range(1, 168, error="Use a number of hours from 1 to 168."),
        metadata={"example": 24},
    )
    clients_see_bands = StrictBoolean()


class NewPracticeSchema(WireSchema):
    """The practice to set up."""

    slug = fields.String(required=True, validate=SLUG, metadata={"example": "linden"})
    name = Line(120, required=True, metadata={"example": "Linden Practice"})
    country = fields.String(required=True, validate=COUNTRY, metadata={"example": "DE"})
    time_zone = TimeZone(required=True)


class NewOwnerSchema(WireSchema):
    """The first person of a practice."""

    name = Line(120, required=True, metadata={"example": "Ada Linden"})
    email = MailAddress(required=True)
    password = password_field()
    therapist = StrictBoolean(load_default=True, metadata={"description": "Whether the owner also sees clients."})


class SetUpPracticeSchema(WireSchema):
    """Setting a practice up with the one-time link."""

    token = Text(200, required=True, load_only=True, metadata={"example": "portal_set_..."})
    practice = fields.Nested(NewPracticeSchema(), required=True)
    person = fields.Nested(NewOwnerSchema(), required=True)


class SetUpFormSchema(WireSchema):
    """The same from the page's form, which is flat."""

    token = Text(200, required=True)
    practice_name = Line(120, required=True)
    slug = fields.String(required=True, validate=SLUG)
    country = fields.String(required=True, validate=COUNTRY)
    time_zone = TimeZone(required=True)
    name = Line(120, required=True)
    email = MailAddress(required=True)
    password = password_field()
    therapist = StrictBoolean(load_default=False)


class PracticeSummarySchema(WireSchema):
    """Which practice."""

    id = Identifier(required=True)
    slug = Line(40, required=True, metadata={"example": "linden"})
    name = Line(120, required=True, metadata={"example": "Linden Practice"})


class PersonSchema(WireSchema):
    """Oneself."""

    id = Identifier(required=True)
    kind = EnumString(("staff", "client"), required=True)
    name = Line(120, required=True, metadata={"example": "Ada Linden"})
    email = MailAddress(required=True)
    capabilities = fields.List(EnumString(CAPABILITIES), required=True)
    time_zone = TimeZone(required=True)
    practice = fields.Nested(PracticeSummarySchema(), required=True)
    version = fields.Integer(required=True)


class ChangeMeSchema(WireSchema):
    """What people can change about themselves."""

    name = Line(120, metadata={"example": "Ada Linden"})
    time_zone = TimeZone()


class SetUpResultSchema(WireSchema):
    """The new practice and its owner."""

    practice = fields.Nested(PracticeSchema(), required=True)
    person = fields.Nested(PersonSchema(), required=True)


class SignInSchema(WireSchema):
    """Signing in."""

    practice = Line(40, metadata={"example": "linden", "description": "Needed where the portal serves several."})
    email = MailAddress(required=True)
    password = password_field()


class NewSessionSchema(WireSchema):
    """A token; it is shown this once."""

    token = fields.String(required=True, metadata={"example": "portal_ses_..."})
    expires_at = Instant(required=True)
    person = fields.Nested(PersonSchema(), required=True)


class SessionSchema(WireSchema):
    """A session of one's own that has not ended."""

    id = Identifier(required=True)
    created_at = Instant(required=True)
    last_used_at = Instant(required=True)
    expires_at = Instant(required=True)


class SessionQuerySchema(ListQuerySchema):
    """How to list sessions."""

    sort = EnumString(("created_at", "-created_at"))


class IntegrationSchema(WireSchema):
    """Another system that was let in. What it sees: its scopes, within the caseloads whose therapists opted in."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Clinic record system"})
    scopes = fields.List(EnumString(SCOPES), required=True, metadata={"example": ["assignments:read", "events:read"]})
    expires_at = Instant(required=True, allow_none=True, metadata={"description": "When its latest token ends."})
    last_used_at = Instant(
        required=True, allow_none=True, metadata={"description": "To the minute; null while it has not been used."}
    )
    created_at = Instant(required=True)
    revoked_at = Instant(required=True, allow_none=True)


class IntegrationTokenSchema(IntegrationSchema):
    """An integration with a new token; it is shown this once."""

    token = fields.String(required=True, metadata={"example": "portal_int_..."})


class CreateIntegrationSchema(WireSchema):
    """Another system to let in."""

    name = Line(120, required=True, metadata={"example": "Clinic record system"})
    scopes = fields.List(
        EnumString(SCOPES, metadata={"example": "assignments:read"}),
        required=True,
        validate=validate.Length(1, len(SCOPES), error="Say at least one scope, and each once."),
    )
    expires_in_days = days_field()


class RotateTokenSchema(WireSchema):
    """How to change a token."""

    expires_in_days = days_field()
    overlap_minutes = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(0, 1440, error="Use a number of minutes from 0 to 1440."),
        metadata={"description": "How long the earlier token still works; 0 ends it at once.", "example": 30},
    )


class IntegrationQuerySchema(ListQuerySchema):
    """How to list integrations."""

    revoked = StrictBoolean(metadata={"description": "Only those that were shut out, or only the others."})
    sort = EnumString(("created_at", "-created_at"))


class ChangePasswordSchema(WireSchema):
    """A new password."""

    current_password = password_field()
    new_password = password_field()


class RequestPasswordResetSchema(WireSchema):
    """Whose password was forgotten."""

    practice = Line(40, metadata={"example": "linden"})
    email = MailAddress(required=True)


class CompletePasswordResetSchema(WireSchema):
    """A new password with a mailed secret."""

    token = Text(200, required=True, load_only=True, metadata={"example": "portal_rst_..."})
    password = password_field()


class InviteStaffMemberSchema(WireSchema):
    """Whom to invite to the staff."""

    name = Line(120, required=True, metadata={"example": "Noor Haddad"})
    email = MailAddress(required=True)
    capabilities = capabilities_field()


class InvitationSchema(WireSchema):
    """An open invitation. `code` and `link` are shown in this answer only."""

    id = Identifier(required=True)
    person_id = Identifier(required=True)
    delivery = EnumString(("mail", "in_person"), required=True)
    code = fields.String(
        required=True,
        allow_none=True,
        metadata={"example": "7KQ2-M4XD", "description": "Say it to the client in person; the mail does not hold it."},
    )
    link = fields.String(
        required=True, allow_none=True, metadata={"example": None, "description": "Only for delivery in_person."}
    )
    created_at = Instant(required=True)


class AcceptInvitationSchema(WireSchema):
    """Accepting an invitation."""

    token = Text(200, required=True, load_only=True, metadata={"example": "portal_inv_..."})
    code = Text(20, load_only=True, metadata={"example": "7KQ2-M4XD"})
    password = password_field()
    time_zone = TimeZone()


class StaffMemberSchema(WireSchema):
    """A member of the staff."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Noor Haddad"})
    email = MailAddress(required=True)
    capabilities = fields.List(EnumString(CAPABILITIES), required=True)
    status = EnumString(("invited", "active", "deactivated"), required=True)
    version = fields.Integer(required=True)
    created_at = Instant(required=True)


class ChangeStaffMemberSchema(WireSchema):
    """What an owner can change of a member of the staff."""

    capabilities = capabilities_field()


class StaffQuerySchema(ListQuerySchema):
    """How to list the staff."""

    active = StrictBoolean(metadata={"description": "Only those who can sign in, or only those who cannot."})
    sort = EnumString(("created_at", "-created_at"))
