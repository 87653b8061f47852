"""Components that are one of several schemas, told apart by the value of one member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

PLAIN_TYPES = ("string", "integer", "number", "boolean", "array")
COMPONENT = "x-component"
"""Metadata of a field whose schema is the component of this name."""


@dataclass(frozen=True, slots=True)
class Union:
    """A component that is one of `schemas`, keyed by the value of the member `discriminator` in each.

    Without a discriminator it may also be one of `others`, which have no name, or a list of any of them.
    """

    description: str
    discriminator: str | None
    schemas: Mapping[str, Schema]
    others: Sequence[Mapping[str, Any]] = ()

    def as_schema(self, references: Mapping[str, str]) -> dict[str, Any]:
        """The component, given the reference to each of its schemas."""
        named = [{"$ref": reference} for reference in references.values()]
        if self.discriminator is None:
            each = [*self.others, *named]
            return {"description": self.description, "anyOf": [*each, {"type": "array", "items": {"anyOf": each}}]}
        discriminator = {"propertyName": self.discriminator, "mapping": dict(references)}
        return {"description": self.description, "oneOf": named, "discriminator": discriminator}


def refer_to_components(schemas: dict[str, Any], members: Mapping[str, str]) -> None:
    """Refer to a component where a field names it, and where a member without a shape is listed in `members`.

    The keys of `members` are names of members, or `Schema.member` where the name alone means something else elsewhere.
    """
    for name, schema in schemas.items():
        for member, declared in schema.get("properties", {}).items():
            component = members.get(f"{name}.{member}", members.get(member)) if _is_free_form(declared) else None
            _refer(declared, component)
            _refer(declared.get("items", {}), None)


def _is_free_form(declared: Mapping[str, Any]) -> bool:
    return not {"$ref", "items", "enum", "anyOf"} & declared.keys() and declared.get("type") not in PLAIN_TYPES


def _refer(declared: dict[str, Any], component: str | None) -> None:
    name = declared.get(COMPONENT, component)
    if name is None:
        return
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
    if "null" in declared.get("type", ()) or declared.get("nullable"):
        reference = {"anyOf": [reference, {"type": "null"}]}
    kept = {word: declared[word] for word in ("description", "example") if word in declared}
    declared.clear()
    declared |= reference | kept
