"""The page docs/forms.md, generated from the block types by `make forms`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import fields

from portal.core.wire import EnumString
from portal.forms.definition.scores import ScoreSchema
from portal.forms.kinds import KINDS
from portal.forms.kinds.base import Kind
from portal.forms.kinds.schemas import BlockSchema

PAGE = Path(__file__).parents[2] / "docs" / "forms.md"
INTRODUCTION = """\
# Block types of a form

An exercise or a measure is a document: `{"schema": "portal.exercise/1", "blocks": [...]}`. Each block has a `type`;
this page shows for each type what else a block may have, what answers it, and what it is in FHIR R4. It is generated
from the code by `make forms`; a type lives in one file of `portal/forms/kinds/`.
"""
COMMON = "Members of every block"


def page() -> str:
    """The whole page."""
    listed = ", ".join(f"[{name}](#{name})" for name in KINDS)
    common = BlockSchema()
    parts = [
        INTRODUCTION,
        f"The types: {listed}.\n",
        f"## {COMMON}\n",
        _table(common.fields),
        *(_section(kind, frozenset(common.fields)) for kind in KINDS.values()),
        "## Scores\n\nA document may declare `scores`, each over its blocks or over scores before it.\n",
        _table(ScoreSchema().fields),
    ]
    return "\n".join(parts)


def _section(kind: Kind, common: frozenset[str]) -> str:
    lines = [f"## {kind.name}\n", f"{kind.description}\n"]
    own = {
        name: field
        for name, field in kind.schema.fields.items()
        if name not in common or field.required != BlockSchema().fields[name].required
    }
    if own:
        lines.append(_table(own))
    lines.append(_item(kind))
    lines.append(f"A block:\n\n```json\n{_json(kind.example)}\n```\n")
    if kind.accepts_answer:
        lines.append(f"The value of an answer:\n\n```json\n{_json(kind.example_answer)}\n```\n")
        lines.append(f"Its JSON Schema:\n\n```json\n{_json(kind.answer_schema)}\n```\n")
    else:
        lines.append("It takes no answer.\n")
    return "\n".join(lines)


def _item(kind: Kind) -> str:
    types = " or ".join(f"`{name}`" for name in kind.item_types)
    control = f", with the item control `{kind.item_controls[0]}`" if kind.item_controls else ""
    repeats = ", with `repeats`" if kind.has_rows or kind.always_multiple else ""
    return f"In FHIR: an item of type {types}{control}{repeats}.\n"


def _table(members: Mapping[str, fields.Field[Any]]) -> str:
    rows = [f"| `{name}` | {_type(field)} | {_description(name, field)} |" for name, field in members.items()]
    return "\n".join(["| member | value | what it says |", "|---|---|---|", *rows, ""])


def _description(name: str, field: fields.Field[Any]) -> str:
    description = str(field.metadata["description"]).replace("|", "\\|")
    nested = "".join(_nested(name, field))
    return f"{description} **Required.**{nested}" if field.required else f"{description}{nested}"


def _nested(name: str, field: fields.Field[Any]) -> Iterator[str]:
    """The members of an object, or of each object in a list, after the description of the member that holds them."""
    inner = field.inner if isinstance(field, fields.List) else field
    if isinstance(inner, fields.Nested):
        for member, one in inner.schema.fields.items():
            yield f"<br>`{name}.{member}`: {_description(f'{name}.{member}', one)}"


def _type(field: fields.Field[Any]) -> str:
    if isinstance(field, fields.List):
        return f"list of {_type(field.inner)}"
    if isinstance(field, EnumString):
        return " or ".join(f"`{word}`" for word in field.words)
    named = {
        fields.Nested: "object",
        fields.Dict: "object",
        fields.Boolean: "boolean",
        fields.Integer: "whole number",
        fields.String: "text",
        fields.Raw: "any",
    }
    return next((name for cls, name in named.items() if isinstance(field, cls)), "number")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
