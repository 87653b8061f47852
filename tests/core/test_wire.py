"""Each kind of field accepts what it describes and refuses every other JSON value with a fault."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError, fields

from portal.core import wire
from portal.core.errors import Fault

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30", "true", "a@b.c", "UTC"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KINDS: dict[str, fields.Field[Any]] = {
    "text": wire.Text(20),
    "line": wire.Line(20),
    "identifier": wire.Identifier(),
    "instant": wire.Instant(),
    "day": wire.Day(),
    "word": wire.EnumString(("a", "b")),
    "words": wire.EnumList(("a", "b")),
    "flag": wire.StrictBoolean(),
    "mail": wire.MailAddress(),
    "zone": wire.TimeZone(),
    "several": wire.BoundedList(fields.Integer(strict=True), 3, least=1),
}


@pytest.mark.parametrize("kind", KINDS)
@given(value=JSON)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_a_field_accepts_or_refuses_any_json_value(kind: str, value: Any) -> None:
    with suppress(ValidationError):
        KINDS[kind].deserialize(value)


@pytest.mark.parametrize(
    ("kind", "sent", "accepted"),
    [
        ("text", "two\nlines", "two\nlines"),
        ("line", "  one \n line ", "one line"),
        ("identifier", wire.EXAMPLE_ID, wire.EXAMPLE_ID),
        ("instant", "2026-03-02T10:30:00+01:00", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("instant", "2026-03-02T09:30:00.9Z", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("day", "2024-02-29", date(2024, 2, 29)),
        ("word", "a", "a"),
        ("words", "b,a,b", ["a", "b"]),
        ("flag", True, True),
        ("flag", "false", False),
        ("mail", " Robin@example.org ", "Robin@example.org"),
        ("zone", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_valid_value_is_accepted(kind: str, sent: Any, accepted: Any) -> None:
    assert KINDS[kind].deserialize(sent) == accepted


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("text", "x" * 21),
        ("text", "a\x00b"),
        ("text", "a\x1bb"),
        ("text", "\ud800"),
        ("text", 5),
        ("line", "   "),
        ("line", "\n"),
        ("identifier", "1"),
        ("identifier", wire.EXAMPLE_ID.upper()),
        ("instant", "2026-03-02T09:30:00"),
        ("instant", "2026-03-02"),
        ("instant", "0001-01-01T00:00:00+14:00"),
        ("instant", "9999-12-31T23:59:59-12:00"),
        ("instant", 1_772_000_000),
        ("day", "2026-02-30"),
        ("day", "20260302"),
        ("day", "2026-W10-1"),
        ("day", "2026-3-2"),
        ("day", "2026-03-02T00:00:00Z"),
        ("word", "c"),
        ("word", ["a"]),
        ("words", "a,c"),
        ("words", ""),
        ("flag", 1),
        ("flag", 0),
        ("flag", "yes"),
        ("flag", "True"),
        ("flag", []),
        ("flag", {}),
        ("mail", "robin"),
        ("mail", "robin@example"),
        ("mail", "robin@example.org, eve@example.org"),
        ("mail", "robin@example.org\nBcc: x@example.org"),
        ("zone", "Mars/Olympus"),
        ("several", []),
        ("several", [1, 2, 3, 4]),
        ("several", [1, "a"]),
        ("several", "1"),
    ],
)
def test_an_invalid_value_is_refused(kind: str, sent: Any) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].deserialize(sent)


def test_instants_and_days_are_serialized_as_documented() -> None:
    assert wire.Instant().serialize("at", {"at": datetime(2026, 3, 2, 9, 30, tzinfo=UTC)}) == "2026-03-02T09:30:00Z"
    assert wire.Day().serialize("on", {"on": date(2026, 3, 2)}) == "2026-03-02"
    assert wire.Instant().serialize("at", {"at": None}) is None
    assert wire.Instant().serialize("at", {"at": "2026-03-02T09:30:00Z"}) == "2026-03-02T09:30:00Z"


def test_a_list_that_is_too_long_is_refused_before_its_items_are_read() -> None:
    """Reading a hundred thousand wrong items takes longer than a person waits."""
    read: list[object] = []
    counting = wire.BoundedList(fields.Function(deserialize=read.append), 3)
    with pytest.raises(ValidationError):
        counting.deserialize([1, 2, 3, 4])
    assert read == []


class InnerSchema(wire.WireSchema):
    """Something inside."""

    name = wire.Line(5, required=True)


class OuterSchema(wire.WireSchema):
    """Something with a list inside."""

    things = fields.List(fields.Nested(InnerSchema()))
    odd = fields.Integer(data_key="a/b~c")


def test_every_fault_has_a_pointer_to_its_place() -> None:
    sent = {"things": [{"name": "fine"}, {"name": ""}, {"nmae": "x"}, 7], "a/b~c": "x", "more": 1}
    found = wire.faults_from(OuterSchema().validate(sent))
    assert {fault.pointer for fault in found} == {
        "#/things/1/name",
        "#/things/2/name",
        "#/things/2/nmae",
        "#/things/3",
        "#/a~1b~0c",
        "#/more",
    }
    assert all(isinstance(fault, Fault) and fault.detail.endswith(".") for fault in found)


def test_an_unknown_member_is_refused() -> None:
    with pytest.raises(ValidationError, match="not a field here"):
        InnerSchema().load({"name": "a", "role": "owner"})
