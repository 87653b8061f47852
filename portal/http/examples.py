"""Examples for the API description, composed from those of the members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def example_of(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> Any:  # noqa: C901, PLR0911 -- one line per JSON type
    """A value of `schema`."""
    for word in ("example", "default"):
        if word in schema:
            return schema[word]
    if "$ref" in schema:
        return example_of(spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], spec)
    for word in ("examples", "enum"):
        if word in schema:
            return schema[word][0]
    for word in ("allOf", "anyOf", "oneOf"):
        if word in schema:
            return example_of(schema[word][0], spec)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind == "object" or "properties" in schema:
        return {name: example_of(inner, spec) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), spec)]
    plain = {"string": "text", "integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True}
    return plain.get(str(kind))
