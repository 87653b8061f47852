"""The base of every schema, and the kinds of field and validator the API is made of.

JSON in snake_case, instants as RFC 3339 UTC with Z, days as YYYY-MM-DD. An unknown member is an error, because a typo
must never be dropped in silence. Every error is a `Fault` with a code: no sentence of marshmallow reaches a caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NoReturn

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from portal.core.clock import is_time_zone
from portal.core.errors import Fault
from portal.core.ids import is_id

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_YEAR, LAST_YEAR = 1900, 2199
YEARS = "(19|20|21)[0-9]{2}"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
"""A dot-atom of RFC 5322 at a domain of RFC 1123 with a dot in it, which every mail server accepts."""

EXAMPLE_ID = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"
EXAMPLE_INSTANT = "2026-03-02T09:30:00Z"
ENUM_DESCRIPTIONS = "x-enum-descriptions"
"""In a field's metadata: what each of its values means, as {value: sentence}."""

MESSAGES: Mapping[type[fields.Field[Any]], Mapping[str, Fault]] = {
    fields.Field: {
        "required": Fault("required", "This field is required."),
        "null": Fault("not_nullable", "This cannot be null. Send a value, or leave it out if it is optional."),
        "validator_failed": Fault("not_allowed", "This value is not allowed here."),
    },
    fields.String: {
        "invalid": Fault("not_a_string", "Send a text in quotation marks."),
        "invalid_utf8": Fault("not_utf8", "Send the text as UTF-8."),
    },
    fields.Number: {
        "invalid": Fault("not_a_number", "Send a number."),
        "too_large": Fault("number_out_of_range", "This number is too large. Send a smaller one."),
    },
    fields.Integer: {"invalid": Fault("not_an_integer", "Send a whole number.")},
    fields.Float: {"special": Fault("number_out_of_range", "Send a finite number.")},
    fields.Boolean: {"invalid": Fault("not_a_boolean", "Send true or false.")},
    fields.DateTime: {
        "invalid": Fault("not_an_instant", "Send an instant with its offset, for example 2026-03-02T09:30:00Z."),
        "format": Fault("not_an_instant", "Send an instant with its offset, for example 2026-03-02T09:30:00Z."),
    },
    fields.Date: {
        "invalid": Fault("not_a_day", "Send a day of the calendar as YYYY-MM-DD."),
        "format": Fault("not_a_day", "Send a day of the calendar as YYYY-MM-DD."),
    },
    fields.List: {"invalid": Fault("not_a_list", "Send a list: [ ... ].")},
    fields.Nested: {"type": Fault("not_an_object", "Send an object: { ... }.")},
    fields.Mapping: {"invalid": Fault("not_an_object", "Send an object: { ... }.")},
}
"""What replaces the messages of marshmallow's fields, by their keys."""


def refuse(code: str, detail: str, **params: Any) -> NoReturn:
    """Raise the error of a field or a validator: one fault, which `faults_from` places."""
    raise ValidationError([Fault(code, detail, **params)])


class WireSchema(Schema):
    """The base of every request and response of the API."""

    class Meta:
        unknown = RAISE
        ordered = True

    error_messages: dict[str, Any] = {  # noqa: RUF012 -- marshmallow's own attribute
        "unknown": Fault("unknown_field", "This is not a field here. Check its spelling, or leave it out."),
        "type": Fault("not_an_object", "Send an object: { ... }."),
    }

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give a field, and the fields inside a list, the portal's messages."""
        inner: fields.Field[Any] | None = field_obj
        while inner is not None:
            for kind in reversed(type(inner).__mro__):
                inner.error_messages |= {key: [fault] for key, fault in MESSAGES.get(kind, {}).items()}
            inner = getattr(inner, "inner", None)


# Validators ------------------------------------------------------------------------------------------------------


class Length(validate.Length):
    """The number of characters of a text, or of items of a list."""

    def __call__(self, value: Any) -> Any:
        shortest, longest = self.min or 0, self.max
        if len(value) < shortest:
            self._refuse_short(shortest, is_text=isinstance(value, str))
        if longest is not None and len(value) > longest:
            if isinstance(value, str):
                refuse("too_long", "Use {max} characters at most.", max=longest)
            refuse("too_many_items", "Send {max} items at most.", max=longest)
        return value

    @staticmethod
    def _refuse_short(shortest: int, *, is_text: bool) -> NoReturn:
        if is_text and shortest == 1:
            refuse("empty", "This cannot be empty.")
        if is_text:
            refuse("too_short", "Use {min} characters or more.", min=shortest)
        refuse("too_few_items", "Too few items. The list needs {min} or more.", min=shortest)


class Range(validate.Range):
    """A number within bounds, both included."""

    def __call__(self, value: Any) -> Any:
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            if self.max is None:
                refuse("out_of_range", "Use a number of {min} or more.", min=self.min)
            if self.min is None:
                refuse("out_of_range", "Use a number of {max} or less.", max=self.max)
            refuse("out_of_range", "Use a number from {min} to {max}.", min=self.min, max=self.max)
        return value


class OneOf(validate.OneOf):
    """One of a closed list of values."""

    def __call__(self, value: Any) -> Any:
        if value not in self.choices:
            refuse("not_a_choice", "Use one of: {choices}.", choices=", ".join(map(str, self.choices)))
        return value


class Equal(validate.Equal):
    """One value and no other."""

    def __call__(self, value: Any) -> Any:
        if value != self.comparable:
            refuse("not_a_choice", 'Use "{expected}".', expected=self.comparable)
        return value


class Pattern(validate.Regexp):
    """A text that matches as a whole; `regex` runs from ^ to $ and is read by JavaScript (flag u) as by Python."""

    def __init__(self, regex: str, code: str, detail: str) -> None:
        super().__init__(regex)
        self.code, self.detail = code, detail

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            refuse(self.code, self.detail)
        return value


# Fields ----------------------------------------------------------------------------------------------------------


class Text(fields.String):
    """Text of `least` to `most` characters, without control characters other than tabs and line ends."""

    def __init__(self, most: int, *, least: int = 0, **kwargs: Any) -> None:
        kwargs["metadata"] = {"pattern": _TEXT} | kwargs.get("metadata", {})
        super().__init__(validate=Length(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if _CONTROL.search(text):
            refuse("control_character", "This contains a control character. Remove it.")
        return text


class Line(Text):
    """One line of text that is not blank; spaces around it are removed and runs of spaces become one."""

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
            refuse("not_an_id", "This is not an id. Ids look like {example}.", example=EXAMPLE_ID)
        return text


class Instant(fields.DateTime):
    """An instant in UTC, whole seconds; a caller sends it with its offset."""

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
            refuse("offset_missing", "Add the offset, for example {example}.", example=EXAMPLE_INSTANT)
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
            malformed = self.make_error("invalid")
            raise malformed
        day = super()._deserialize(value, attr, data, **kwargs)
        _check_year(day.year)
        return day


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        refuse("year_out_of_range", "Use a year from {min} to {max}.", min=FIRST_YEAR, max=LAST_YEAR)


class EnumString(fields.String):
    """One of a closed list of values; a mapping also says in a sentence what each of them means."""

    def __init__(self, words: Iterable[str] | Mapping[str, str], **kwargs: Any) -> None:
        self.words = tuple(str(word) for word in words)
        kwargs["metadata"] = _meanings(words) | kwargs.get("metadata", {})
        kwargs.setdefault("validate", OneOf(self.words))
        super().__init__(**kwargs)


class EnumList(fields.Field[list[str]]):
    """Several of a closed list of values, separated by commas, in a query string."""

    def __init__(self, words: Iterable[str] | Mapping[str, str], **kwargs: Any) -> None:
        self.words = tuple(str(word) for word in words)
        one = f"({'|'.join(word.replace('.', '[.]') for word in self.words)})"
        shape = {"type": "string", "pattern": f"^{one}(,{one})*$", "example": ",".join(self.words[:2])}
        kwargs["metadata"] = shape | _meanings(words) | kwargs.get("metadata", {})
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[str]:
        parts = set(str(value).split(","))
        if not parts <= set(self.words):
            refuse(
                "not_a_choice",
                "Use one or more of these, separated by commas: {choices}.",
                choices=", ".join(self.words),
            )
        return sorted(parts)


def _meanings(words: Iterable[str] | Mapping[str, str]) -> dict[str, Any]:
    return {ENUM_DESCRIPTIONS: {str(word): words[word] for word in words}} if isinstance(words, Mapping) else {}


class SortOrder(EnumString):
    """The member a list is sorted by, in the query string; a leading `-` turns the order around."""

    def __init__(self, *members: str) -> None:
        orders = {}
        for member in members:
            orders[member] = f"By `{member}`, ascending."
            orders[f"-{member}"] = f"By `{member}`, descending."
        super().__init__(
            orders, metadata={"description": "The order of the list. A leading `-` sorts in descending order."}
        )


class BoundedList(fields.List[Any]):
    """A list of `least` to `most` items, which are counted before any of them is read."""

    def __init__(self, item: fields.Field[Any], most: int, *, least: int = 0, **kwargs: Any) -> None:
        super().__init__(item, validate=Length(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
        return list(super()._deserialize(value, attr, data, **kwargs))


class StrictBoolean(fields.Boolean):
    """true or false, and nothing that merely looks like it."""

    truthy = {True, "true"}  # noqa: RUF012 -- marshmallow's own attribute
    falsy = {False, "false"}  # noqa: RUF012 -- marshmallow's own attribute

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if isinstance(value, bool | str) and value in {True, False, "true", "false"}:
            return value in {True, "true"}
        neither = self.make_error("invalid")
        raise neither


class MailAddress(Line):
    """An email address in a valid form; only a mail that arrives proves that it exists."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"format": "email", "example": "person@example.org"} | kwargs.get("metadata", {})
        super().__init__(254, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs)
        if not _MAIL.fullmatch(address):
            refuse("not_an_email_address", "Send an email address, for example person@example.org.")
        return address


class TimeZone(Line):
    """The name of an IANA time zone."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"example": "Europe/Berlin"} | kwargs.get("metadata", {})
        super().__init__(64, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not is_time_zone(name):
            refuse("unknown_time_zone", "This time zone is unknown. Use an IANA name such as Europe/Berlin.")
        return name


class Json(fields.Field[Any]):
    """A JSON value that is stored as text."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return orjson.loads(value) if isinstance(value, str) else value


class ListQuerySchema(WireSchema):
    """The query parameters that every list accepts."""

    limit = fields.Integer(
        validate=Range(1, 100),
        metadata={
            "description": "The largest number of items to return, from 1 to 100. The default is 20.",
            "example": 20,
        },
    )
    cursor = fields.String(
        validate=Length(1, 2000),
        metadata={
            "description": "The `next_cursor` of the page before. It is valid for this list, these filters and this "
            "caller only.",
            "example": "b3BhcXVl",
        },
    )
    include_total = StrictBoolean(
        metadata={"description": "Also return `total`, the number of all items that match. It costs a second query."}
    )


def escape_pointer(name: str) -> str:
    """A member's name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def faults_from(messages: Mapping[str, Any] | list[Any], pointer: str = "#") -> list[Fault]:
    """The faults inside marshmallow's nested messages, each with a JSON pointer to its place."""
    if isinstance(messages, Mapping):
        found = []
        for name, inner in messages.items():
            found += faults_from(inner, pointer if name == "_schema" else f"{pointer}/{escape_pointer(str(name))}")
        return found
    return [(each if isinstance(each, Fault) else Fault("invalid", str(each))).at(pointer) for each in messages]
