"""Practices, their settings and how they are set up."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import (
    OWNER_EMAIL_METADATA,
    OWNER_NAME_METADATA,
    PRACTICE_NAME_METADATA,
    SLUG_METADATA,
    VERSION,
    new_password_field,
)
from portal.accounts.schemas.person import PersonSchema
from portal.core.wire import (
    Identifier,
    Instant,
    Line,
    MailAddress,
    Pattern,
    Range,
    StrictBoolean,
    Text,
    TimeZone,
    WireSchema,
)

SLUG = Pattern(
    "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$",
    "not_a_slug",
    "Use lower-case letters, digits and hyphens, 40 at most, with a letter or digit at both ends.",
)


COUNTRY = Pattern("^[A-Z]{2}$", "not_a_country", "Use the two capital letters of the country, for example DE.")


COUNTRY_METADATA = {
    "description": "Two capital letters (ISO 3166-1). It decides which crisis numbers the card starts with.",
    "example": "DE",
}


PRACTICE_ZONE_METADATA = {"description": "IANA time zone; the default for new clients and staff."}


QUIET_DAYS_METADATA = {
    "description": "Days without any activity after which a client with open assignments counts as quiet.",
    "example": 14,
}


ALERT_WAIT_METADATA = {
    "description": "Hours an alert may wait before it escalates to the practice's cover.",
    "example": 24,
}


BANDS_METADATA = {
    "description": 'Whether clients also see the band of a score in words, for example "moderate".',
    "example": False,
}


COVER_METADATA = {
    "description": "The therapist who takes over alerts that waited too long; null if nobody does.",
}


class PracticeSchema(WireSchema):
    """A practice and its settings."""

    id = Identifier(required=True, metadata={"description": "The practice's id."})
    slug = Line(40, required=True, metadata=SLUG_METADATA)
    name = Line(120, required=True, metadata=PRACTICE_NAME_METADATA)
    country = Line(2, required=True, metadata=COUNTRY_METADATA)
    time_zone = TimeZone(required=True, metadata=PRACTICE_ZONE_METADATA)
    quiet_days = fields.Integer(required=True, metadata=QUIET_DAYS_METADATA)
    cover_id = Identifier(required=True, allow_none=True, metadata=COVER_METADATA)
    alert_wait_hours = fields.Integer(required=True, metadata=ALERT_WAIT_METADATA)
    clients_see_bands = StrictBoolean(required=True, metadata=BANDS_METADATA)
    version = fields.Integer(required=True, metadata=VERSION)
    created_at = Instant(required=True, metadata={"description": "When the practice was set up."})


class ChangePracticeSchema(WireSchema):
    """The settings to change; what is left out stays as it is."""

    name = Line(120, metadata=PRACTICE_NAME_METADATA)
    country = fields.String(validate=COUNTRY, metadata=COUNTRY_METADATA)
    time_zone = TimeZone(metadata=PRACTICE_ZONE_METADATA)
    quiet_days = fields.Integer(strict=True, validate=Range(1, 365), metadata=QUIET_DAYS_METADATA)
    cover_id = Identifier(
        allow_none=True,
        metadata={"description": "A therapist of the practice who takes over late alerts; null for nobody."},
    )
    alert_wait_hours = fields.Integer(strict=True, validate=Range(1, 168), metadata=ALERT_WAIT_METADATA)
    clients_see_bands = StrictBoolean(metadata=BANDS_METADATA)


class NewPracticeSchema(WireSchema):
    """The practice to set up."""

    slug = fields.String(required=True, validate=SLUG, metadata=SLUG_METADATA)
    name = Line(120, required=True, metadata=PRACTICE_NAME_METADATA)
    country = fields.String(required=True, validate=COUNTRY, metadata=COUNTRY_METADATA)
    time_zone = TimeZone(required=True, metadata=PRACTICE_ZONE_METADATA)


class NewOwnerSchema(WireSchema):
    """The first person of a practice, who becomes its owner."""

    name = Line(120, required=True, metadata=OWNER_NAME_METADATA)
    email = MailAddress(required=True, metadata=OWNER_EMAIL_METADATA)
    password = new_password_field()
    therapist = StrictBoolean(load_default=True, metadata={"description": "Whether the owner also cares for clients."})


class SetUpPracticeSchema(WireSchema):
    """A practice and its first owner, with the one-time link that allows it."""

    token = Text(
        200,
        required=True,
        load_only=True,
        metadata={
            "description": "The part of the set-up link after the #. `portal set-up-link` prints the link.",
            "example": "portal_set_...",
        },
    )
    practice = fields.Nested(NewPracticeSchema(), required=True, metadata={"description": "The practice to set up."})
    person = fields.Nested(NewOwnerSchema(), required=True, metadata={"description": "Its first owner."})


class SetUpFormSchema(WireSchema):
    """The same from the page's form, which is flat."""

    token = Text(200, required=True)
    practice_name = Line(120, required=True)
    slug = fields.String(required=True, validate=SLUG)
    country = fields.String(required=True, validate=COUNTRY)
    time_zone = TimeZone(required=True)
    name = Line(120, required=True)
    email = MailAddress(required=True)
    password = new_password_field()
    therapist = StrictBoolean(load_default=False)


class SetUpResultSchema(WireSchema):
    """The new practice and its owner."""

    practice = fields.Nested(PracticeSchema(), required=True, metadata={"description": "The new practice."})
    person = fields.Nested(PersonSchema(), required=True, metadata={"description": "Its owner, who can now sign in."})
