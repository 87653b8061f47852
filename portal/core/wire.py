"""The wire: the base of every schema and the few kinds of field the portal speaks in.

JSON in snake_case, instants as RFC 3339 UTC with Z, days as YYYY-MM-DD. An unknown member is an error: a typo
must never be dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from portal.core.clock import is_time_zone
from portal.core.errors import Fault
from portal.core.ids import is_id

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_YEAR, LAST_YEAR = 1900, 2199
YEARS = "(19|20|21)[0-9]{2}"
_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
"""A dot-atom of RFC 5322 at a domain of RFC 1123 with a dot in it: what every mail server takes."""

EXAMPLE_ID = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"
EXAMPLE_INSTANT = "2026-03-02T09:30:00Z"


class WireSchema(Schema):
    """What every shape of the API is made of."""

    class Meta:
        unknown = RAISE
        ordered = True

    error_messages = {"unknown": "This is not a field here. Leave it out or check its spelling."}  # noqa: RUF012 -- marshmallow's own attribute


class Text(fields.String):
    """Text of `least` to `most` characters; without control characters, which no screen shows."""

    def __init__(self, most: int, *, least: int = 0, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if _UNPRINTABLE.search(text):
            msg = "This holds a control character. Remove it."
            raise ValidationError(msg)
        return text


class Line(Text):
    """Text on one line that says something: blanks around it are dropped, and it may not be empty."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        kwargs["metadata"] = {"pattern": _LINE} | kwargs.get("metadata", {})
        super().__init__(most, least=1, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return " ".join(super()._deserialize(value, attr, data, **kwargs).split())


class Identifier(fields.String):
    """An id: a UUID in lower-case text."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"format": "uuid", "example": EXAMPLE_ID} | kwargs.get("metadata", {})
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if not is_id(text):
            msg = "This is not an id. Ids look like 01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f."
            raise ValidationError(msg)
        return text


class Instant(fields.DateTime):
    """An instant in UTC, whole seconds; a sent one must say its offset."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"pattern": f"^{YEARS}-", "example": EXAMPLE_INSTANT} | kwargs.get("metadata", {})
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return str(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        instant = super()._deserialize(value, attr, data, **kwargs)
        if instant.tzinfo is None:
            msg = "Say the offset, for example 2026-03-02T09:30:00Z."
            raise ValidationError(msg)
        _check_year(instant.year)
        return instant.astimezone(UTC).replace(microsecond=0)


class Day(fields.Date):
    """A calendar day, YYYY-MM-DD."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"pattern": f"^{YEARS}-", "example": "2026-03-09"} | kwargs.get("metadata", {})
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return str(value.isoformat())

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            msg = "Use a day as YYYY-MM-DD."
            raise ValidationError(msg)
        day = super()._deserialize(value, attr, data, **kwargs)
        _check_year(day.year)
        return day


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        msg = f"Use a year from {FIRST_YEAR} to {LAST_YEAR}."
        raise ValidationError(msg)


class EnumString(fields.String):
    """One of a closed list of words."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        self.words = tuple(str(word) for word in words)
        kwargs.setdefault("validate", validate.OneOf(self.words, error="Use one of: {choices}."))
        super().__init__(**kwargs)


class BoundedList(fields.List[Any]):
    """A list of `least` to `most` items, which are counted before any of them is read."""

    def __init__(self, item: fields.Field[Any], most: int, *, least: int = 0, **kwargs: Any) -> None:
        super().__init__(item, validate=validate.Length(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
        return list(super()._deserialize(value, attr, data, **kwargs))


class EnumList(fields.Field[list[str]]):
    """Several of a closed list of words, separated by commas, in a query string."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        self.words = tuple(str(word) for word in words)
        one = f"({'|'.join(word.replace('.', '[.]') for word in self.words)})"
        shape = {"type": "string", "pattern": f"^{one}(,{one})*$", "example": ",".join(self.words[:2])}
        kwargs["metadata"] = shape | kwargs.get("metadata", {})
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[str]:
        parts = str(value).split(",")
        if unknown := [part for part in parts if part not in self.words]:
            msg = f"{len(unknown)} of these are not known here. Use some of: {', '.join(self.words)}."
            raise ValidationError(msg)
        return sorted(set(parts))


class StrictBoolean(fields.Boolean):
    """true or false, and nothing that merely looks like it."""

    truthy = {True, "true"}  # noqa: RUF012 -- marshmallow's own attribute
    falsy = {False, "false"}  # noqa: RUF012 -- marshmallow's own attribute

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if isinstance(value, bool | str) and value in {True, False, "true", "false"}:
            return value in {True, "true"}
        msg = "Use true or false."
        raise ValidationError(msg)


class MailAddress(Line):
    """A mail address, as far as its form can tell; only a mail that arrives proves one."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"format": "email", "example": "person@example.org"} | kwargs.get("metadata", {})
        super().__init__(254, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs)
        if not _MAIL.fullmatch(address):
            msg = "This is not a mail address. Use letters a to z, an @, and a domain with a dot."
            raise ValidationError(msg)
        return address


class TimeZone(Line):
    """An IANA time zone name."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"example": "Europe/Berlin"} | kwargs.get("metadata", {})
        super().__init__(64, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not is_time_zone(name):
            msg = "This time zone is not known. Use an IANA name such as Europe/Berlin."
            raise ValidationError(msg)
        return name


class Json(fields.Field[Any]):
    """A JSON value kept as text in the database; shown as it is."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return orjson.loads(value) if isinstance(value, str) else value


class ListQuerySchema(WireSchema):
    """What every list takes."""

    limit = fields.Integer(
        validate=validate.Range(1, 100, error="Use a number from 1 to 100."),
        metadata={"description": "How many at most, 1 to 100; 20 unless said.", "example": 20},
    )
    cursor = fields.String(
        validate=validate.Length(1, 2000),
        metadata={
            "description": "The next_cursor of the page before; belongs to this list and this viewer alone.",
            "example": "b3BhcXVl",
        },
    )
    include_total = StrictBoolean(metadata={"description": "Also count all that match."})


def escape_pointer(name: str) -> str:
    """A member's name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def faults_from(messages: Mapping[str, Any] | list[Any], pointer: str = "#") -> list[Fault]:
    """Marshmallow's nested messages as JSON pointers, one Fault each."""
    if isinstance(messages, Mapping):
        found = []
        for name, inner in messages.items():
            found += faults_from(inner, pointer if name == "_schema" else f"{pointer}/{escape_pointer(str(name))}")
        return found
    return [Fault("invalid", str(message)).at(pointer) for message in messages]
