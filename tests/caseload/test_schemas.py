"""The wire shapes of clients, care and notes: closed, strict, and null where there is nothing to say."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from portal.caseload import schemas
from portal.core.wire import WireSchema

ALL = [
    cls
    for _, cls in inspect.getmembers(schemas, inspect.isclass)
    if issubclass(cls, WireSchema) and cls.__module__ == schemas.__name__
]


def faults(schema: Schema, sent: dict[str, Any]) -> dict[str, Any]:
    try:
        schema.load(sent)
    except ValidationError as error:
        return {"": error.messages} if isinstance(error.messages, list) else dict(error.messages)
    return {}


@pytest.mark.parametrize("schema", ALL, ids=lambda cls: cls.__name__)
def test_a_member_nobody_knows_is_refused(schema: type[WireSchema]) -> None:
    assert "therapist_notes" in faults(schema(), {"therapist_notes": 1})


@pytest.mark.parametrize("schema", [schemas.ChangeClientSchema, schemas.CreateClientSchema])
@pytest.mark.parametrize("member", ["id", "practice_id", "in_care", "archived_at", "version", "created_at", "status"])
def test_what_is_not_the_callers_to_set_is_refused(schema: type[WireSchema], member: str) -> None:
    assert member in faults(schema(), {member: "x"})


def test_the_address_of_a_client_cannot_be_changed_past_its_proof() -> None:
    assert "email" in faults(schemas.ChangeClientSchema(), {"email": "new@x.example"})


def test_an_invitation_goes_by_mail_unless_it_is_handed_over() -> None:
    sent = {"name": "Robin", "email": "robin@x.example"}
    assert schemas.CreateClientSchema().load(sent)["delivery"] == "mail"
    assert schemas.InviteClientAgainSchema().load({})["delivery"] == "mail"
    assert set(faults(schemas.InviteClientAgainSchema(), {"delivery": "pigeon"})) == {"delivery"}


@pytest.mark.parametrize("name", ["", " ", "x" * 121, None, 7, "\x00", "a\ud800b"])
def test_a_name_is_a_line_that_says_something(name: Any) -> None:
    assert "name" in faults(schemas.CreateClientSchema(), {"name": name, "email": "robin@x.example"})


def test_blanks_around_a_name_are_dropped() -> None:
    assert schemas.ChangeClientSchema().load({"name": "  Robin \n Aster "}) == {"name": "Robin Aster"}


@pytest.mark.parametrize("body", ["", "x" * 20_001, None, 7])
def test_a_note_says_something_of_bounded_length(body: Any) -> None:
    assert set(faults(schemas.AddNoteSchema(), {"body": body})) == {"body"}


def test_the_lines_of_a_note_are_kept() -> None:
    assert schemas.AddNoteSchema().load({"body": "one\n\n  two"})["body"] == "one\n\n  two"


@pytest.mark.parametrize("therapist_id", ["", "x", "0" * 36, None, "01980C5E-7D2A-7C3B-9F10-0A1B2C3D4E5F"])
def test_a_therapist_is_named_by_an_id(therapist_id: Any) -> None:
    assert set(faults(schemas.ChooseTherapistSchema(), {"therapist_id": therapist_id})) == {"therapist_id"}


@pytest.mark.parametrize(
    "query", [{"archived": "yes"}, {"activated": "1"}, {"q": ""}, {"q": "x" * 81}, {"sort": "email"}]
)
def test_a_list_is_asked_for_in_its_own_words(query: dict[str, str]) -> None:
    assert set(faults(schemas.ClientQuerySchema(), query)) == set(query)


def test_every_member_of_a_client_is_always_there() -> None:
    assert all(field.required for field in schemas.ClientSchema().dump_fields.values())
