"""Fields, and sentences about fields, that several schemas of accounts share."""

from __future__ import annotations

from portal.core.wire import BoundedList, EnumString, Text

CAPABILITIES = {
    "owner": "Manages the practice: settings, staff, integrations, hand-overs.",
    "therapist": "Cares for clients and assigns readings and exercises to them.",
}


VERSION = {"description": "Grows by 1 with each change; it is the first part of the ETag.", "example": 3}


SLUG_METADATA = {
    "description": "The practice's short name: lower-case letters, digits and hyphens. People may need it to sign in.",
    "example": "linden",
}


PRACTICE_NAME_METADATA = {"description": "The name that people see in mails and pages.", "example": "Linden Practice"}


STAFF_NAME_METADATA = {"description": "The full name, as colleagues and clients read it.", "example": "Noor Haddad"}


OWNER_NAME_METADATA = {"description": "The full name, as colleagues and clients read it.", "example": "Ada Linden"}


OWNER_EMAIL_METADATA = {"description": "Used to sign in; also where mails go.", "example": "ada@linden.example"}


def password_field(description: str) -> Text:
    """A password that exists; it is compared, so its rules are not repeated."""
    metadata = {"format": "password", "description": description, "example": "four words nobody guesses"}
    return Text(1024, least=1, required=True, load_only=True, metadata=metadata)


def new_password_field() -> Text:
    """A password that is being chosen; `portal.accounts.passwords` holds the whole rule."""
    metadata = {
        "format": "password",
        "minLength": 15,
        "maxLength": 128,
        "description": "15 to 128 characters that are hard to guess; four or five unrelated words do well.",
        "example": "four words nobody guesses",
    }
    return Text(1024, least=1, required=True, load_only=True, metadata=metadata)


def capabilities_field() -> BoundedList:
    return BoundedList(
        EnumString(CAPABILITIES, metadata={"example": "therapist"}),
        len(CAPABILITIES),
        least=1,
        required=True,
        metadata={"description": "What this person may do. Name at least one.", "example": ["therapist"]},
    )
