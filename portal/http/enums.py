"""Closed lists of values as components, so that a generated client has one type for each list, not one for each use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schemas = dict[str, Any]
DESCRIPTIONS = "x-enum-descriptions"
KEPT_AT_USE = ("description", "default")
GENERIC_NAMES = {"kind", "status", "type"}


@dataclass(frozen=True, slots=True)
class Use:
    """A `property` of the component `schema` that takes the values `declared` lists."""

    schema: str
    property: str
    declared: dict[str, Any]


def extract_enums(schemas: Schemas) -> None:
    """Replace every list of several values in `schemas` by a reference to a component named after its properties.

    The name begins with the schema where the property's name alone is ambiguous or too general. A field describes its
    values in the metadata "x-enum-descriptions", a mapping from value to sentence; one use of a list is enough.
    """
    lists: dict[tuple[str, ...], list[Use]] = {}
    for use in _uses(schemas):
        values = tuple(value for value in use.declared["enum"] if value is not None)
        if len(values) > 1:
            lists.setdefault(values, []).append(use)
    properties = [{use.property for use in uses} for uses in lists.values()]
    for values, uses in lists.items():
        shortest = min((use.property for use in uses), key=len)
        name = _pascal_case(shortest)
        if shortest in GENERIC_NAMES or name in schemas or sum(shortest in each for each in properties) > 1:
            name = _base_schema([use.schema for use in uses]) + name
        schemas[name] = {"type": "string", "enum": [*values], "description": _description(uses)}
        describe_values(schemas[name], {k: v for use in uses for k, v in use.declared.get(DESCRIPTIONS, {}).items()})
        for use in uses:
            _refer(use.declared, name)


def describe_values(component: dict[str, Any], sentences: Mapping[str, str]) -> None:
    """Write what the values mean where people read it and, in the order of `enum`, where generators look."""
    if sentences:
        lines = [f"- `{value}`: {sentences[value]}" for value in component["enum"] if value in sentences]
        component["description"] = "\n".join([component["description"], "", *lines])
        component[DESCRIPTIONS] = [sentences.get(value, "") for value in component["enum"]]


def _uses(schemas: Schemas) -> Iterator[Use]:
    for name, schema in schemas.items():
        for member, declared in schema.get("properties", {}).items():
            if "enum" in declared:
                yield Use(name, member, declared)
            elif "enum" in declared.get("items", {}):
                yield Use(name, _singular(member), declared["items"])


def _singular(word: str) -> str:
    return word.removesuffix("ies") + "y" if word.endswith("ies") else word.removesuffix("s")


def _base_schema(names: list[str]) -> str:
    """The schema most of the others are variants of: Assignment of AssignmentItem and MyAssignment."""
    return min(names, key=lambda name: (-sum(name in other for other in names), len(name), name))


def _description(uses: list[Use]) -> str:
    return f"The values of {' and '.join(sorted({f'`{use.property}`' for use in uses}))}."


def _pascal_case(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def _refer(declared: dict[str, Any], name: str) -> None:
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
    if None in declared["enum"]:
        reference = {"anyOf": [reference, {"type": "null"}]}
    kept = {word: declared[word] for word in KEPT_AT_USE if word in declared}
    declared.clear()
    declared |= {**reference, **kept}
