"""Closed lists of words as schemas of their own: a generated client then has one type for each, not one per use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schemas = dict[str, Any]
KEPT = ("description", "default")
SAY_LITTLE = {"kind", "status", "type"}


@dataclass(frozen=True, slots=True)
class Use:
    """Where a list of words is used: as `member` of `schema`."""

    schema: str
    member: str
    declared: dict[str, Any]


def name_the_words(schemas: Schemas) -> None:
    """Replace every closed list of words in `schemas` by a reference to one that is named after its members.

    Where members of one name take different words, or the name alone says little, the schema comes first.
    """
    lists: dict[tuple[str, ...], list[Use]] = {}
    for use in _uses(schemas):
        words = tuple(word for word in use.declared["enum"] if word is not None)
        lists.setdefault(words, []).append(use)
    members = [{use.member for use in uses} for uses in lists.values()]
    for words, uses in lists.items():
        member = min((use.member for use in uses), key=len)
        name = _in_camels(member)
        if member in SAY_LITTLE or name in schemas or sum(member in each for each in members) > 1:
            name = _owner([use.schema for use in uses]) + name
        schemas[name] = {"type": "string", "enum": [*words], "description": _sentence(uses)}
        for use in uses:
            _refer(use.declared, name)


def _uses(schemas: Schemas) -> Iterator[Use]:
    for name, schema in schemas.items():
        for member, declared in schema.get("properties", {}).items():
            if "enum" in declared:
                yield Use(name, member, declared)
            elif "enum" in declared.get("items", {}):
                yield Use(name, _one_of(member), declared["items"])


def _one_of(members: str) -> str:
    return members.removesuffix("ies") + "y" if members.endswith("ies") else members.removesuffix("s")


def _owner(schemas: list[str]) -> str:
    """The schema most of the others are variants of: Assignment of AssignmentItem and MyAssignment."""
    return min(schemas, key=lambda one: (-sum(one in other for other in schemas), len(one), one))


def _sentence(uses: list[Use]) -> str:
    return f"What {' or '.join(sorted({f'`{use.member}`' for use in uses}))} can be."


def _in_camels(member: str) -> str:
    return "".join(word.capitalize() for word in member.split("_"))


def _refer(declared: dict[str, Any], name: str) -> None:
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
    if None in declared["enum"]:
        reference = {"anyOf": [reference, {"type": "null"}]}
    kept = {word: declared[word] for word in KEPT if word in declared}
    declared.clear()
    declared |= {**reference, **kept}
