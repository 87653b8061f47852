"""docs/forms.md says what the block types say, and every example holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, fields

from portal.forms.definition.document import SCHEMA, parse
from portal.forms.definition.scores import ScoreSchema
from portal.forms.fhir import questionnaire
from portal.forms.fhir.importing import import_questionnaire
from portal.forms.kinds import KINDS, kind_of_item
from tests.forms.page import PAGE, page

SCORED = {"id": "total", "label": "Total", "method": "sum", "items": ["rated"]}
RATED = {"id": "rated", "type": "scale", "label": "How much?", "min": 0, "max": 10}


def test_the_page_is_as_the_block_types_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make forms`, look at it and commit it"


def _members(schema: Schema, place: str) -> Iterator[tuple[str, fields.Field[Any]]]:
    for name, field in schema.fields.items():
        yield f"{place}.{name}", field
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            yield from _members(inner.schema, f"{place}.{name}")


def test_every_member_of_every_block_type_is_described() -> None:
    schemas = {**{name: kind.schema for name, kind in KINDS.items()}, "scores": ScoreSchema()}
    lacking = [
        name
        for place, schema in schemas.items()
        for name, field in _members(schema, place)
        if len(str(field.metadata.get("description", "")).split()) < 3
    ]
    assert lacking == []


@pytest.mark.parametrize("name", KINDS)
def test_an_author_can_paste_the_example_of_every_type(name: str) -> None:
    kind = KINDS[name]
    document = {"schema": SCHEMA, "blocks": [RATED, dict(kind.example)], "scores": [SCORED]}
    block = parse(document).blocks[kind.example["id"]]
    assert block.type == name
    if kind.accepts_answer:
        assert kind.answer_error(block.spec, kind.example_answer) is None
    written = questionnaire.write(document)
    assert kind_of_item(written["item"][1]) is kind
    back = import_questionnaire(written).document
    assert (back.pop("fhir"), back) == ({}, document)


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from _patterns(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from _patterns(inner)


def test_a_pattern_of_an_answer_means_the_same_in_javascript() -> None:
    for kind in KINDS.values():
        for pattern in _patterns(kind.answer_schema):
            assert pattern.startswith("^"), kind.name
            assert pattern.endswith("$"), kind.name
            assert not re.search(r"\\[AZz]|\(\?[^:=!]", pattern), kind.name
            assert re.fullmatch(pattern, str(kind.example_answer)), kind.name
