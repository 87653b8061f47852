"""The wire shapes of accounts: closed, strict, and never a secret in an answer."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from portal.accounts.schemas import integration, invitation, person, practice, session
from portal.accounts.schemas.invitation import AcceptInvitationSchema, InvitationSchema
from portal.accounts.schemas.person import (
    ChangeMeSchema,
    ChangePasswordSchema,
    ChangeStaffMemberSchema,
    PersonSchema,
    StaffMemberSchema,
)
from portal.accounts.schemas.practice import (
    ChangePracticeSchema,
    NewOwnerSchema,
    NewPracticeSchema,
    PracticeSchema,
    SetUpFormSchema,
)
from portal.accounts.schemas.session import (
    CompletePasswordResetSchema,
    RequestPasswordResetSchema,
    SessionSchema,
    SignInSchema,
)
from portal.core.wire import WireSchema

ALL = [
    cls
    for module in (integration, invitation, person, practice, session)
    for _, cls in inspect.getmembers(module, inspect.isclass)
    if issubclass(cls, WireSchema) and cls.__module__ == module.__name__
]
SHOWN_ONCE = {
    ("IntegrationTokenSchema", "token"),
    ("NewSessionSchema", "token"),
    ("InvitationSchema", "code"),
    ("InvitationSchema", "link"),
}


def faults(schema: Schema, sent: dict[str, Any]) -> dict[str, Any]:
    try:
        schema.load(sent)
    except ValidationError as error:
        return {"": error.messages} if isinstance(error.messages, list) else dict(error.messages)
    return {}


@pytest.mark.parametrize("schema", ALL, ids=lambda cls: cls.__name__)
def test_a_member_nobody_knows_is_refused(schema: type[WireSchema]) -> None:
    assert "not_a_member" in faults(schema(), {"not_a_member": 1})


@pytest.mark.parametrize("schema", ALL, ids=lambda cls: cls.__name__)
def test_no_answer_holds_a_password_a_hash_or_an_index(schema: type[WireSchema]) -> None:
    for name in schema().dump_fields:
        assert not any(word in name for word in ("password", "hash", "mail_index", "secret"))
        if name in {"token", "code", "link"}:
            assert (schema.__name__, name) in SHOWN_ONCE | {("SetUpFormSchema", "token")}


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        (SignInSchema(), {"email": "a@b.example", "password": "x"}),
        (CompletePasswordResetSchema(), {"token": "t", "password": "x"}),
        (AcceptInvitationSchema(), {"token": "t", "password": "x", "code": "7KQ2-M4XD"}),
        (ChangePasswordSchema(), {"current_password": "x", "new_password": "y"}),
        (RequestPasswordResetSchema(), {"email": "a@b.example"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Schema) else "",
)
def test_what_is_sent_in_is_read_and_never_shown_again(schema: Schema, sent: dict[str, Any]) -> None:
    loaded = schema.load(sent)
    assert loaded == sent
    assert set(schema.dump(loaded)) <= {"email", "practice", "time_zone"}


@pytest.mark.parametrize("slug", ["linden", "a", "a-b", "l1nden", "a" * 40])
def test_a_short_name_is_small_letters_digits_and_dashes(slug: str) -> None:
    assert "slug" not in faults(NewPracticeSchema(), {"slug": slug})


@pytest.mark.parametrize("slug", ["", "Linden", "-a", "a-", "a b", "a_b", "ä", "a" * 41, "a\n", 7, None])
def test_another_short_name_is_refused(slug: Any) -> None:
    assert "slug" in faults(NewPracticeSchema(), {"slug": slug})


@pytest.mark.parametrize("country", ["de", "DEU", "D", "", "Ä1", "DE\n", None, 49])
def test_a_country_is_two_capital_letters(country: Any) -> None:
    assert "country" in faults(ChangePracticeSchema(), {"country": country})
    assert faults(ChangePracticeSchema(), {"country": "DE"}) == {}


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@b",
        "@b.example",
        "a b@c.example",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "a@b.example\nBcc: x@y.example",
        None,
        1,
    ],
)
def test_what_is_no_mail_address_is_refused(email: Any) -> None:
    assert "email" in faults(SignInSchema(), {"email": email, "password": "x"})


@pytest.mark.parametrize("days", [0, 366, -1, "14", 14.5, True, None])
def test_quiet_days_are_a_whole_number_up_to_a_year(days: Any) -> None:
    assert "quiet_days" in faults(ChangePracticeSchema(), {"quiet_days": days})


def test_null_is_not_the_same_as_left_out() -> None:
    assert faults(ChangeMeSchema(), {}) == {}
    assert set(faults(ChangeMeSchema(), {"name": None, "time_zone": None})) == {"name", "time_zone"}


@pytest.mark.parametrize("capabilities", [[], ["client"], ["owner", "therapist", "owner"], "owner", None, [None]])
def test_capabilities_are_one_or_both_of_those_known(capabilities: Any) -> None:
    assert "capabilities" in faults(ChangeStaffMemberSchema(), {"capabilities": capabilities})


def test_a_password_of_any_length_is_read_up_to_a_bound() -> None:
    bound = faults(SignInSchema(), {"email": "a@b.example", "password": "x" * 1025})
    assert set(bound) == {"password"}
    assert faults(SignInSchema(), {"email": "a@b.example", "password": "x" * 1024}) == {}


def test_blanks_inside_and_around_a_password_are_part_of_it() -> None:
    password = "  four words  with blanks "
    assert SignInSchema().load({"email": "a@b.example", "password": password})["password"] == password


def test_an_owner_sees_clients_unless_they_say_otherwise_but_a_form_says_what_is_ticked() -> None:
    sent = {"name": "Ada", "email": "a@b.example", "password": "x"}
    assert NewOwnerSchema().load(sent)["therapist"] is True
    form = {"token": "t", "practice_name": "P", "slug": "p", "country": "DE", "time_zone": "Europe/Berlin", **sent}
    assert SetUpFormSchema().load(form)["therapist"] is False


def test_every_field_of_an_answer_is_always_there() -> None:
    for schema in (
        PersonSchema,
        StaffMemberSchema,
        PracticeSchema,
        InvitationSchema,
        SessionSchema,
    ):
        assert all(field.required for field in schema().dump_fields.values() if isinstance(field, fields.Field))
