"""Every schema of the application answers in the portal's own words, and says what its members mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from marshmallow import ValidationError, fields

import portal.app
from portal.accounts import passwords
from portal.core.errors import Fault, Invalid
from portal.core.wire import ENUM_DESCRIPTIONS, EnumList, EnumString, WireSchema

WRONG: tuple[Any, ...] = (
    None, True, 7, -1, 1e30, 2.5, "", " ", "x", "x" * 3_000_000, "a\x00b", [], ["x"], [None], [[]], [{}] * 3_000, {},
    {"a": 1}, {"unknown": {}}, "0", "2026-02-30", "0001-01-01T00:00:00Z",
)  # fmt: skip
PAGES = re.compile("(Page|Problem|Fault|Health|SetUpForm|AcknowledgedBy)Schema$")
"""Declared beside the plumbing of HTTP, or the flat form of a page."""


def _schemas(root: type[WireSchema] = WireSchema) -> Iterator[type[WireSchema]]:
    for schema in root.__subclasses__():
        if schema.__module__.startswith("portal.") and not schema.__module__.startswith("portal.forms."):
            yield schema
        yield from _schemas(schema)


def _of_the_application() -> list[type[WireSchema]]:
    assert portal.app.__name__ == "portal.app", "the schemas are declared with the routes"
    return sorted(set(_schemas()), key=lambda schema: schema.__name__)


SCHEMAS = _of_the_application()


def _leaves(messages: Any) -> Iterator[Any]:
    if isinstance(messages, dict):
        for inner in messages.values():
            yield from _leaves(inner)
    elif isinstance(messages, list):
        for inner in messages:
            yield from _leaves(inner)
    else:
        yield messages


def test_what_a_caller_reads_is_never_a_sentence_of_marshmallow() -> None:
    foreign, refused = [], 0
    for schema in SCHEMAS:
        loaded = schema()
        sent: list[Any] = [{}, {"unknown": 1}, [], None, 7]
        sent += [{field.data_key or name: value} for name, field in loaded.load_fields.items() for value in WRONG]
        for body in sent:
            try:
                loaded.load(body)
            except ValidationError as error:
                for leaf in _leaves(error.messages):
                    refused += 1
                    if not isinstance(leaf, Fault) or leaf.code == "invalid" or not leaf.detail.endswith("."):
                        foreign.append((schema.__name__, str(body)[:60], str(leaf)[:100]))
    assert foreign == []
    assert refused > 5_000


def _is_described(field: fields.Field[Any]) -> bool:
    return str(field.metadata.get("description", "")).endswith(".")


def _enums(field: fields.Field[Any]) -> Iterator[EnumString | EnumList]:
    inner: Any = field
    while inner is not None:
        if isinstance(inner, EnumString | EnumList):
            yield inner
        inner = getattr(inner, "inner", None)


def test_every_member_and_every_value_of_a_closed_list_is_described() -> None:
    silent = []
    for schema in SCHEMAS:
        for name, field in schema().fields.items():
            if not PAGES.search(schema.__name__):
                silent += [] if _is_described(field) else [f"{schema.__name__}.{name}"]
                meanings = [(enum, enum.metadata.get(ENUM_DESCRIPTIONS, {})) for enum in _enums(field)]
                silent += [
                    f"{schema.__name__}.{name}: {word}"
                    for enum, said in meanings
                    for word in enum.words
                    if not said.get(word, "").endswith(".")
                ]
    assert silent == []


def test_a_pattern_is_read_by_javascript_as_by_python_and_fits_its_example() -> None:
    wrong, seen = [], 0
    for schema in SCHEMAS:
        for name, field in schema().fields.items():
            patterns = [validator.regex.pattern for validator in field.validators if hasattr(validator, "regex")]
            patterns += [field.metadata["pattern"]] if "pattern" in field.metadata else []
            for pattern in patterns:
                seen += 1
                foreign = re.search(r"\\[AZ]|\(\?(P|#|>|[aiLmsux]+[:)])", pattern)
                example = field.metadata.get("example")
                fits = example is None or re.search(pattern, str(example)) is not None
                if foreign or not fits or not pattern.startswith("^"):
                    wrong.append((schema.__name__, name, pattern, example))
    assert wrong == []
    assert seen > 100


def test_the_length_of_a_new_password_is_the_one_that_is_held() -> None:
    lengths = {
        (field.metadata["minLength"], field.metadata["maxLength"])
        for schema in SCHEMAS
        for field in schema().fields.values()
        if "minLength" in field.metadata
    }
    ((shortest, longest),) = lengths
    words = "quartz heron ladder monday tulip anvil river comet "
    for length in (shortest, longest):
        passwords.check((words * 4)[:length])
    for length in (shortest - 1, longest + 1):
        with pytest.raises(Invalid):
            passwords.check((words * 4)[:length])


def test_a_list_that_was_refused_leaves_no_trace_in_the_next_answer() -> None:
    """The messages of a field are shared by every request."""
    for schema in SCHEMAS:
        for field in schema().fields.values():
            before = {key: list(value) for key, value in field.error_messages.items()}
            for value in (None, 7, [None, None]):
                with suppress(ValidationError):
                    field.deserialize(value)
            assert {key: list(value) for key, value in field.error_messages.items()} == before
