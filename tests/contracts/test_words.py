"""Every operation, parameter, member and value of the description says what it means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.described import Spec, description

pytestmark = pytest.mark.engines("sqlite")

DEFAULT = "Default: "
"""How a description begins that was made up from the declaration alone."""


@pytest.fixture
def spec(app: Flask) -> Spec:
    return description(app)


def _says_something(described: Spec) -> bool:
    words = described.get("description", "").strip()
    return len(words) > 8 and not words.startswith(DEFAULT)


def _members(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for name, schema in spec["components"]["schemas"].items():
        for member, declared in schema.get("properties", {}).items():
            yield f"{name}.{member}", declared


def test_every_member_of_every_schema_is_described(spec: Spec) -> None:
    assert [name for name, declared in _members(spec) if not _says_something(declared)] == []


def test_every_value_of_every_enum_is_described(spec: Spec) -> None:
    missing = []
    for name, schema in spec["components"]["schemas"].items():
        values = schema.get("enum", ())
        sentences = schema.get("x-enum-descriptions", [""] * len(values))
        assert len(sentences) == len(values), name
        missing += [f"{name}: {value}" for value, said in zip(values, sentences, strict=True) if not said]
        assert all(f"`{value}`" in schema["description"] for value in values if len(values) > 1), name
    assert missing == []


def test_every_parameter_and_operation_is_described(spec: Spec) -> None:
    missing = []
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if not _says_something(operation):
                missing.append(f"{method} {path}")
            parameters = [each["name"] for each in operation["parameters"] if not _says_something(each)]
            missing += [f"{method} {path} {name}" for name in parameters]
    assert missing == []


def test_every_event_type_says_when_it_is_recorded(spec: Spec) -> None:
    types = spec["components"]["schemas"]["FeedEventType"]
    assert len(types["enum"]) > 50
    assert all(types["x-enum-descriptions"])
