"""Components that are one of several schemas, told apart by the value of one member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

COMPONENT = "x-component"
"""Metadata of a field whose schema is the component of this name."""


@dataclass(frozen=True, slots=True)
class Union:
    """A component that is one of `schemas`, keyed by the value of the member `discriminator` in each."""

    description: str
    discriminator: str
    schemas: Mapping[str, Schema]

    def as_schema(self, references: Mapping[str, str]) -> dict[str, Any]:
        """The component, given the reference to each of its schemas."""
        return {
            "description": self.description,
            "oneOf": [{"$ref": reference} for reference in references.values()],
            "discriminator": {"propertyName": self.discriminator, "mapping": dict(references)},
        }


def refer_to_components(schema: Any) -> Any:
    """`schema` with a reference wherever a field names its component; it may still be null where the field may be."""
    if isinstance(schema, list):
        return [refer_to_components(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if COMPONENT not in schema:
        return {name: refer_to_components(each) for name, each in schema.items()}
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{schema[COMPONENT]}"}
    types = schema.get("type", "object")
    if "null" in types or schema.get("nullable"):
        reference = {"anyOf": [reference, {"type": "null"}]}
    return reference | {name: schema[name] for name in ("description", "example") if name in schema}
