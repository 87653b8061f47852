"""How an answer compares with the members its schema in the API description declares, at every depth."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.access.table import Row, rule_of
from tests.cast import Cast
from tests.described import Spec, description, path_of


def resolved(spec: Spec, schema: Spec) -> Spec:
    """The schema behind a reference."""
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def operation_of(row: Row, app: Flask) -> Spec | None:
    """What the description says of a row's route; None for a page."""
    path = path_of(rule_of(row, app).rule)
    paths: Spec = description(app)["paths"]
    operation: Spec | None = paths.get(path, {}).get(row.method.lower())
    return operation


def misfits(row: Row, response: TestResponse, cast: Cast) -> list[str]:
    """Pointers to what an answer holds beyond its schema, or lacks of it; empty where there is nothing to compare."""
    operation = operation_of(row, cast.app)
    if operation is None or response.status_code >= 300 or response.mimetype == "text/csv":
        return []
    declared = operation["responses"].get(str(response.status_code))
    if declared is None:
        return [f"status {response.status_code} is not described"]
    if "content" not in declared:
        return [] if not response.get_data() else ["# where no content is described"]
    schema = declared["content"][response.mimetype]["schema"]
    return _misfits(description(cast.app), schema, response.get_json(), "#")


def _misfits(spec: Spec, schema: Spec, value: Any, pointer: str) -> list[str]:
    schema = resolved(spec, schema)
    if "discriminator" in schema:
        named = schema["discriminator"]
        return _misfits(spec, {"$ref": named["mapping"][value[named["propertyName"]]]}, value, pointer)
    for choice in schema.get("anyOf", schema.get("oneOf", ())):
        if value is not None and resolved(spec, choice).get("type") != "null":
            return _misfits(spec, choice, value, pointer)
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [
            fault for index, item in enumerate(value) for fault in _misfits(spec, inner, item, f"{pointer}/{index}")
        ]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    declared = schema["properties"]
    is_open = schema.get("additionalProperties") is True
    found = [] if is_open else [f"{pointer}/{name} is not declared" for name in value if name not in declared]
    found += [f"{pointer}/{name} is missing" for name in schema.get("required", ()) if name not in value]
    found += [f"{pointer}/{name} is only for requests" for name in value if declared.get(name, {}).get("writeOnly")]
    for name in set(value) & set(declared):
        found += _misfits(spec, declared[name], value[name], f"{pointer}/{name}")
    return found
