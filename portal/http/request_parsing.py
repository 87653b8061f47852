"""Request bodies and query strings, checked strictly: 400, 415 or 422 with a pointer to each fault."""

from __future__ import annotations

import json
from typing import Any

import orjson
from flask import Request
from marshmallow import Schema, ValidationError

from portal.core import decimal_json, wire
from portal.core.errors import MAX_FAULTS, Fault, Invalid, Malformed, UnsupportedMedia

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
NEVER_CACHED = frozenset({"q", "cursor"})
"""Search words are private, and a cursor does not come twice."""
MAX_CACHED_QUERIES = 1_000

_cached_queries: dict[tuple[Schema, bytes], dict[str, Any]] = {}


def parse_body(request: Request, schema: Schema) -> dict[str, Any]:
    """The JSON body of a request as `schema` loads it; an absent body counts as an empty object."""
    try:
        return dict(schema.load(_json_object(request, exact=getattr(schema, "exact", False))))
    except ValidationError as error:
        raise Invalid(*_faults(error)) from error


def parse_query(request: Request, schema: Schema) -> dict[str, Any]:
    """The query string as `schema` loads it. The same string always loads the same, so recent results are cached."""
    key = (schema, request.query_string)
    query = _cached_queries.get(key)
    if query is None:
        query = _load_query(request, schema)
        if not NEVER_CACHED & query.keys():
            if len(_cached_queries) >= MAX_CACHED_QUERIES:
                _cached_queries.clear()
            _cached_queries[key] = query
    return {**query}


def _json_object(request: Request, *, exact: bool) -> dict[str, Any]:
    body = request.get_data()
    if request.mimetype not in JSON_TYPES:
        if not body:
            return {}
        msg = "Send JSON with Content-Type: application/json."
        raise UnsupportedMedia(msg)
    try:
        value = decimal_json.loads(body) if exact else orjson.loads(body)
    except json.JSONDecodeError as error:
        msg = f"The body is not valid JSON: line {error.lineno}, column {error.colno}."
        raise Malformed(msg) from error
    except UnicodeDecodeError as error:
        msg = "The body is not valid JSON: it is not encoded in UTF-8."
        raise Malformed(msg) from error
    except (ValueError, RecursionError) as error:
        fault = Fault("outside_json_limits", "A number is outside the supported range, or the body is nested too deep.")
        raise Invalid(fault) from error
    if not isinstance(value, dict):
        msg = "The body must be a JSON object: { ... }."
        raise Malformed(msg)
    return value


def _load_query(request: Request, schema: Schema) -> dict[str, Any]:
    if repeated := [name for name, values in request.args.lists() if len(values) > 1]:
        msg = f"{len(repeated)} parameters were sent more than once. Separate several values with commas."
        raise Malformed(msg)
    try:
        return dict(schema.load(dict(request.args)))
    except ValidationError as error:
        accepted = ", ".join(sorted(field.data_key or name for name, field in schema.load_fields.items()))
        msg = f"A parameter is unknown or has an invalid value. This route accepts: {accepted}."
        raise Malformed(msg, errors=[fault.as_json() for fault in _faults(error)[:MAX_FAULTS]]) from error


def _faults(error: ValidationError) -> list[Fault]:
    return wire.faults_from(error.normalized_messages())  # type: ignore[no-untyped-call]  # -- marshmallow leaves it untyped
