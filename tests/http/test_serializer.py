"""A compiled list is the same JSON as marshmallow's own dump, on the driver values of both engines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields

from portal.accounts.schemas.session import SessionSchema
from portal.accounts.service import sessions
from portal.assignments.schemas.assignment import AssignmentItemSchema, MyAssignmentItemSchema
from portal.assignments.schemas.response import AttemptItemSchema
from portal.assignments.service import attempts, queries
from portal.core import clock, wire
from portal.core.listing import Listing, ListRequest, Page
from portal.http.serializer import serialize_page, to_json
from portal.library.schemas.resource import ResourceItemSchema
from portal.library.schemas.version import VersionItemSchema
from portal.library.service import resources, versions
from tests.cast import Cast

Driver = Callable[[Any], Any]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INSTANTS = st.integers(0, 2**37).map(lambda second: datetime.fromtimestamp(second, UTC))
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


class InnerSchema(wire.WireSchema):
    """Something nested."""

    id = wire.Identifier(required=True)
    name = wire.Line(120, required=True)
    at = wire.Instant(required=True, allow_none=True)


class WholeSchema(wire.WireSchema):
    """One field of every kind a list can hold."""

    id = wire.Identifier(required=True)
    text = wire.Text(100, required=True, allow_none=True)
    line = wire.Line(100, required=True)
    word = wire.EnumString(("a", "b"), required=True)
    at = wire.Instant(required=True, allow_none=True)
    day = wire.Day(required=True, allow_none=True)
    mail = wire.MailAddress(required=True)
    zone = wire.TimeZone(required=True)
    flag = wire.StrictBoolean(required=True)
    maybe = wire.StrictBoolean(required=True, allow_none=True)
    json = wire.Json(required=True, allow_none=True)
    whole = fields.Integer(required=True, allow_none=True)
    part = fields.Float(required=True)
    words = fields.List(wire.EnumString(("a", "b")), required=True)
    renamed = wire.Line(10, data_key="other name", attribute="source")
    inner = fields.Nested(InnerSchema(), required=True)
    none_or_inner = fields.Nested(InnerSchema(), required=True, allow_none=True)


INNER = st.fixed_dictionaries({"id": st.uuids().map(str), "name": TEXTS, "at": st.none() | INSTANTS})
ROWS = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "text": st.none() | TEXTS,
        "line": TEXTS,
        "word": st.sampled_from("ab"),
        "at": st.none() | INSTANTS,
        "day": st.none() | st.dates(date(1000, 1, 1)),
        "mail": TEXTS,
        "zone": TEXTS,
        "flag": st.booleans(),
        "maybe": st.none() | st.booleans(),
        "json": JSONS.map(lambda value: orjson.dumps(value).decode()) | st.none(),
        "whole": st.none() | st.integers(-(2**53), 2**53),
        "part": st.floats(allow_nan=False, allow_infinity=False),
        "words": st.lists(st.sampled_from("ab")),
        "source": TEXTS,
        "inner": INNER,
        "none_or_inner": st.none() | INNER,
    }
)


def _from_sqlite(value: Any) -> Any:
    """As the sqlite3 driver gives it: instants and days as text, claims as 0 and 1."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value


def _from_postgresql(value: Any) -> Any:
    """As psycopg gives it: aware datetimes in the session's zone."""
    return value.astimezone(ZoneInfo("UTC")) if isinstance(value, datetime) else value


def _flat(row: Mapping[str, Any], driver: Driver) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, value in row.items():
        if name in {"inner", "none_or_inner"}:
            inner = value or dict.fromkeys(("id", "name", "at"))
            columns |= {f"{name}.{member}": driver(inner[member]) for member in inner}
        else:
            columns[name] = driver(value)
    return columns


@pytest.mark.parametrize("driver", [_from_sqlite, _from_postgresql])
@settings(deadline=None, database=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=4))
def test_compiled_rows_are_what_a_dump_of_the_same_rows_is(driver: Driver, rows: list[dict[str, Any]]) -> None:
    schema = WholeSchema()
    flat = [_flat(row, driver) for row in rows]
    columns = tuple(sorted(flat[0]))
    quick = to_json(serialize_page(schema, Page([tuple(row[name] for name in columns) for row in flat], columns)))
    assert json.loads(quick) == json.loads(to_json(schema.dump(rows, many=True)))


Raw = tuple[str, Listing, str | None, Schema]
RAW: tuple[Raw, ...] = (
    ("therapist", queries.ASSIGNMENTS, None, AssignmentItemSchema()),
    ("client", queries.ASSIGNMENTS, None, MyAssignmentItemSchema()),
    ("therapist", resources.RESOURCES, None, ResourceItemSchema()),
    ("therapist", versions.VERSIONS, "linden.exercise", VersionItemSchema()),
    ("therapist", attempts.ATTEMPTS, "client.submitted", AttemptItemSchema()),
    ("client", sessions.SESSIONS, None, SessionSchema()),
)


@pytest.mark.parametrize("raw", RAW)
def test_what_the_engine_gives_is_shown_as_a_dump_of_its_values_would(raw: Raw, cast: Cast, context: None) -> None:
    principal, listing, thing, schema = raw
    assert listing.raw
    viewer = cast.everyone()[principal].viewer
    more: dict[str, Any] = {"idle_since": clock.now() - sessions.IDLE}
    if thing is not None:
        more["thing_id"] = cast.things[thing]
    as_driven = listing.page(viewer, ListRequest(limit=100), **more)
    as_values = replace(listing, raw=False).page(viewer, ListRequest(limit=100), **more)
    assert as_driven.rows
    assert as_driven.columns
    expected = schema.dump(as_values.as_dicts(), many=True)
    quick = to_json(serialize_page(schema, as_driven))
    assert json.loads(quick) == json.loads(to_json(expected))


@pytest.mark.parametrize(
    "field",
    [
        fields.Raw(),
        fields.Dict(),
        fields.Decimal(),
        fields.String(),
        fields.Time(),
        fields.List(wire.StrictBoolean()),
        fields.UUID(),
    ],
)
def test_a_field_that_is_not_known_is_refused_rather_than_guessed(field: fields.Field[Any]) -> None:
    schema = type("StrangeSchema", (wire.WireSchema,), {"it": field})()
    with pytest.raises(TypeError, match="not known to the serializer"):
        serialize_page(schema, Page([(1,)], ("it",)))


def test_a_kind_of_field_of_ones_own_is_not_taken_for_its_parent() -> None:
    """A subclass may convert: only the very class is known."""

    class Shouted(wire.Line):
        def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
            return str(value).upper()

    schema = type("LoudSchema", (wire.WireSchema,), {"it": Shouted(10)})()
    with pytest.raises(TypeError, match="Shouted"):
        serialize_page(schema, Page([(1,)], ("it",)))


def test_a_member_that_is_only_shown_on_request_may_be_left_out() -> None:
    schema = type(
        "Optional",
        (wire.WireSchema,),
        {"id": wire.Identifier(), "more": fields.Nested(InnerSchema(), required=False)},
    )()
    assert serialize_page(schema, Page([("x",)], ("id",))) == [{"id": "x"}]


def test_no_rows_are_an_empty_list_whatever_the_columns() -> None:
    assert serialize_page(WholeSchema(), Page([], tuple(_flat_names()))) == []


def _flat_names() -> list[str]:
    inner = ("id", "name", "at")
    names = [name for name in WholeSchema().dump_fields if name not in {"inner", "none_or_inner", "renamed"}]
    return [*names, "source", *(f"{outer}.{name}" for outer in ("inner", "none_or_inner") for name in inner)]
