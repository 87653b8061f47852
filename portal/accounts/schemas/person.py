"""The person who is signed in, and members of the staff."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import (
    CAPABILITIES,
    OWNER_EMAIL_METADATA,
    OWNER_NAME_METADATA,
    PRACTICE_NAME_METADATA,
    SLUG_METADATA,
    STAFF_NAME_METADATA,
    VERSION,
    capabilities_field,
    new_password_field,
    password_field,
)
from portal.core.wire import (
    EnumString,
    Identifier,
    Instant,
    Line,
    ListQuerySchema,
    MailAddress,
    SortOrder,
    StrictBoolean,
    TimeZone,
    WireSchema,
)

PERSON_KINDS = {
    "staff": "Works at the practice, as an owner, a therapist or both.",
    "client": "Is in therapy and works on assignments.",
}


STAFF_STATUSES = {
    "invited": "Has not accepted the invitation yet and cannot sign in.",
    "active": "Can sign in.",
    "deactivated": "Can no longer sign in.",
}


OWN_ZONE_METADATA = {"description": "IANA time zone; it decides when the person's days begin and end."}


STAFF_EMAIL_METADATA = {"description": "Used to sign in; also where mails go.", "example": "noor@linden.example"}


class PracticeSummarySchema(WireSchema):
    """The practice a person belongs to."""

    id = Identifier(required=True, metadata={"description": "The practice's id."})
    slug = Line(40, required=True, metadata=SLUG_METADATA)
    name = Line(120, required=True, metadata=PRACTICE_NAME_METADATA)


class PersonSchema(WireSchema):
    """The person who is signed in."""

    id = Identifier(required=True, metadata={"description": "The person's id."})
    kind = EnumString(
        PERSON_KINDS,
        required=True,
        metadata={
            "description": "Which side of the API is theirs: clients use /me, staff the rest.",
            "example": "staff",
        },
    )
    name = Line(120, required=True, metadata=OWNER_NAME_METADATA)
    email = MailAddress(required=True, metadata=OWNER_EMAIL_METADATA)
    capabilities = fields.List(
        EnumString(CAPABILITIES),
        required=True,
        metadata={"description": "What this person may do; empty for clients.", "example": ["owner", "therapist"]},
    )
    time_zone = TimeZone(required=True, metadata=OWN_ZONE_METADATA)
    practice = fields.Nested(
        PracticeSummarySchema(), required=True, metadata={"description": "The practice they belong to."}
    )
    version = fields.Integer(required=True, metadata=VERSION)


class ChangeMeSchema(WireSchema):
    """What people can change about themselves; what is left out stays as it is."""

    name = Line(120, metadata=OWNER_NAME_METADATA)
    time_zone = TimeZone(metadata=OWN_ZONE_METADATA)


class ChangePasswordSchema(WireSchema):
    """The current password and the new one."""

    current_password = password_field("The password in use now.")
    new_password = new_password_field()


class StaffMemberSchema(WireSchema):
    """A member of the staff."""

    id = Identifier(required=True, metadata={"description": "The person's id."})
    name = Line(120, required=True, metadata=STAFF_NAME_METADATA)
    email = MailAddress(required=True, metadata=STAFF_EMAIL_METADATA)
    capabilities = fields.List(
        EnumString(CAPABILITIES),
        required=True,
        metadata={"description": "What this person may do.", "example": ["therapist"]},
    )
    status = EnumString(
        STAFF_STATUSES, required=True, metadata={"description": "Whether they can sign in.", "example": "active"}
    )
    version = fields.Integer(required=True, metadata=VERSION)
    created_at = Instant(required=True, metadata={"description": "When they were invited or set up."})


class ChangeStaffMemberSchema(WireSchema):
    """What an owner can change about a member of the staff."""

    capabilities = capabilities_field()


class StaffQuerySchema(ListQuerySchema):
    """Parameters of the list of staff."""

    active = StrictBoolean(metadata={"description": "true: only people who can sign in; false: only those who cannot."})
    sort = SortOrder("created_at")
