"""List serializers generated from marshmallow schemas: plain code over driver tuples, 25 times a dump's speed.

The schema stays the one public shape. A field class that is not listed here is refused, so that a conversion
can never be forgotten; a test holds `compiled(rows) == schema.dump(rows)` on both engines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import orjson
from marshmallow import Schema, fields

from portal.core import wire
from portal.core.decimal_json import encode_decimal

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
Rows = Sequence[tuple[Any, ...]]
Dump = Callable[[Rows], list[dict[str, Any]]]

AS_IT_IS = (
    wire.Text,
    wire.Line,
    wire.Identifier,
    wire.EnumString,
    wire.Instant,
    wire.Day,
    wire.MailAddress,
    wire.TimeZone,
)
NUMBERS = (fields.Integer, fields.Float)
FREE = (fields.String, fields.Raw, fields.Dict)
_compiled: dict[tuple[type[Schema], tuple[str, ...]], Dump] = {}


def compiled(schema: Schema, columns: tuple[str, ...]) -> Dump:
    """The function that turns tuples in the order of `columns` into what `schema` would dump.

    A nested schema takes the columns named `<field>__<its field>`; one that is not required may be absent.
    Raises TypeError for a field it does not know.
    """
    key = (type(schema), columns)
    if key not in _compiled:
        body = _object(schema, {name: index for index, name in enumerate(columns)}, "")
        scope: dict[str, Any] = {"fragment": orjson.Fragment}
        exec(f"def dump(rows):\n    return [{body} for r in rows]", scope)  # noqa: S102 -- made from our own schemas
        _compiled[key] = scope["dump"]
    return _compiled[key]


def _object(schema: Schema, position: dict[str, int], prefix: str) -> str:
    members = []
    for name, field in schema.dump_fields.items():
        shown, column = field.data_key or name, prefix + (field.attribute or name)
        if isinstance(field, fields.Nested) and not field.required and f"{column}__id" not in position:
            continue
        if isinstance(field, fields.Nested):
            members.append(f"{shown!r}: {_nested(field, position, column)}")
        else:
            members.append(f"{shown!r}: {_value(field, f'r[{position[column]}]')}")
    return "{" + ", ".join(members) + "}"


def _nested(field: fields.Nested, position: dict[str, int], column: str) -> str:
    inner = _object(field.schema, position, column + "__")
    if not field.allow_none:
        return inner
    return f"(None if r[{position[column + '__id']}] is None else {inner})"


def _value(field: fields.Field[Any], source: str) -> str:
    if isinstance(field, wire.StrictBoolean):
        return f"(None if {source} is None else bool({source}))" if field.allow_none else f"bool({source})"
    if isinstance(field, wire.Json):
        return f"(fragment({source}) if type({source}) is str else {source})"
    if type(field) in AS_IT_IS or type(field) in NUMBERS:
        return source
    if isinstance(field, fields.List) and type(field.inner) in AS_IT_IS:
        return source
    msg = f"{type(field).__name__} is not known to the list serializer: teach it there, with a test."
    raise TypeError(msg)


# One object ----------------------------------------------------------------------------------------------------

Show = Callable[[dict[str, Any]], dict[str, Any]]
_shows: dict[type[Schema], Show] = {}


def shown_as(schema: Schema) -> Show:
    """The function that turns a dictionary into what `schema` would dump; members not required may be absent.

    Raises TypeError for a field it does not know.
    """
    found = _shows.get(type(schema))
    if found is None:
        lines, scope = [], {"fragment": orjson.Fragment}
        for name, field in schema.dump_fields.items():
            key, inner = field.attribute or name, f"show_{name}"
            scope[inner] = _inner(field)
            line = f"shown[{field.data_key or name!r}] = {_member(field, f'one[{key!r}]', inner)}"
            lines.append(line if field.required else f"if {key!r} in one: {line}")
        body = "\n    ".join(["def show(one):", "shown = {}", *lines, "return shown"])
        exec(body, scope)  # noqa: S102 -- made from our own schemas
        found = _shows[type(schema)] = cast("Show", scope["show"])
    return found


def _inner(field: fields.Field[Any]) -> Any:
    """What turns the objects inside a field, if any."""
    one = field.inner if isinstance(field, fields.List) else field
    return shown_as(one.schema) if isinstance(one, fields.Nested) else None


def _member(field: fields.Field[Any], source: str, inner: str) -> str:
    if isinstance(field, fields.Nested):
        shown = f"{inner}({source})"
    elif isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
        shown = f"[{inner}(each) for each in {source}]"
    elif type(field) in FREE or (isinstance(field, fields.List) and type(field.inner) in (*AS_IT_IS, *FREE)):
        return source
    else:
        return _value(field, source)
    return f"(None if {source} is None else {shown})" if field.allow_none else shown


def to_json(value: Any) -> bytes:
    return orjson.dumps(value, default=encode_decimal, option=OPTIONS)
