"""The OpenAPI 3.1 document: what routes declare, and all that follows from it.

Every way an operation can end, its headers, its examples and most of its words are derived: from the door before
it, from whether it takes a body, a query, an id or a version. Only what `refuses` names is said at the route.
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api as SmorestApi
from marshmallow import Schema

from portal.core import errors, wire
from portal.http.areas import Area, anyone
from portal.http.examples import example_of
from portal.http.idempotency import IDEMPOTENCY_KEY, REPLAYED
from portal.http.openapi import ALSO, REFUSES, STALE, IdConverter, schema_name
from portal.http.problems import KINDS, OF_ERROR, Kind
from portal.http.refusals import (
    HEADERS,
    HEADERS_OF,
    IF_NONE_MATCH,
    PROBLEM,
    PROBLEMS,
    example_of_kind,
    name_of,
    problem_schema,
)
from portal.http.serializer import to_json
from portal.http.vocabulary import name_the_words
from portal.http.wording import body_of, in_words, of_parameter

Operation = dict[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")
SLUGS = {error.__name__: slug for error, slug in OF_ERROR.items()}
SCOPES_MISSING = SLUGS[errors.Forbidden.__name__]


class Api(SmorestApi):
    """flask-smorest without its own errors: they are derived here and shaped in `portal.http.problems`."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            if status >= http.HTTPStatus.BAD_REQUEST:
                self.spec.components.response(status.name, {"description": status.phrase}, lazy=True)
        for schema in PROBLEMS.values():
            self.spec.components.schema(schema_name(schema), schema=schema)

    def _register_error_handlers(self) -> None:
        """Errors are shaped in `portal.http.problems`."""


def describe(app: Flask) -> Api:
    """Prepare the API description; blueprints are registered on what is returned."""
    app.config.update(
        API_TITLE="The portal",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {
                "description": "Therapists assign readings and exercises, clients work on them, therapists see how it "
                "goes. A token from `POST /api/v1/sessions` goes into `Authorization: Bearer`. Clients call what "
                "begins with `/api/v1/me`, therapists and owners the rest; the other side answers 404. Errors are "
                "problem+json (RFC 9457), each with a page of its own behind `type`.",
            },
            "servers": [{"url": "/", "description": "This install."}],
            "security": [{"bearer": []}],
        },
    )
    app.url_map.converters["id"] = IdConverter
    plugin = MarshmallowPlugin(schema_name_resolver=schema_name)
    api = Api(app, spec_kwargs={"marshmallow_plugin": plugin})
    api.register_converter(IdConverter, lambda _: {"type": "string", "format": "uuid", "example": wire.EXAMPLE_ID})
    api.register_field(wire.Json, "object", None)
    plugin.converter.add_attribute_function(_of_any_members)  # type: ignore[union-attr]  # -- there since the line above
    api.spec.components.security_scheme(
        "bearer",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of a person (`POST /api/v1/sessions`) or of an integration (`POST "
            "/api/v1/integrations`), RFC 6750. An operation that names a scope lets in integrations that have it.",
        },
    )
    return api


def _of_any_members(_converter: Any, field: Any, ret: Operation, **_: Any) -> Operation:
    """A document is an object with members of its own: without these words, generators make it an empty one."""
    return {"additionalProperties": True} if isinstance(field, wire.Json) and ret.get("type") != "array" else {}


def document(api: Api, app: Flask) -> bytes:
    """The whole description as JSON."""
    spec: dict[str, Any] = api.spec.to_dict()
    areas = dict(_areas(app))
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                _complete(item[method], item, method, areas[path, method], spec)
    spec["components"]["schemas"].pop("PaginationMetadata", None)
    name_the_words(spec["components"]["schemas"])
    _complete_schemas(spec, api.spec.plugins)
    _complete_examples(spec)
    spec["components"]["responses"] = {name_of(kind): _refusal(kind) for kind in KINDS.values() if _is_used(kind, spec)}
    spec["components"]["headers"] = HEADERS
    spec["tags"] = [{"name": name, "description": text} for name, text in _tags(spec, areas)]
    return to_json(spec)


def frozen(described: bytes) -> str:
    """The description as it is kept in the repository: sorted, a line for each member, the same on every machine."""
    return orjson.dumps(orjson.loads(described), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode() + "\n"


def _areas(app: Flask) -> Iterator[tuple[tuple[str, str], Area]]:
    """Every operation with the area it stands in."""
    for rule in app.url_map.iter_rules():
        area = app.extensions["areas"].get(rule.endpoint.split(".")[0])
        if area is not None and area.prefix is not None:
            path = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
            for method in rule.methods or ():
                yield (path, method.lower()), area


def _tags(spec: Mapping[str, Any], areas: Mapping[tuple[str, str], Area]) -> Iterator[tuple[str, str]]:
    """The headings in the order of the areas, each with whom it is for."""
    doors: dict[str, list[str]] = {}
    for (path, method), area in areas.items():
        operation = spec["paths"][path].get(method)
        if operation is not None:
            whom = body_of(area.door)
            known = doors.setdefault(operation["tags"][0], [])
            known.extend([whom] if whom not in known else [])
    for name in sorted(doors):
        yield name, "For " + "; for ".join(sorted(doors[name])) + "."


# One operation ---------------------------------------------------------------------------------------------------


def _complete(operation: Operation, item: Operation, method: str, area: Area, spec: dict[str, Any]) -> None:
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    declared, stale, also = operation.pop(REFUSES, []), operation.pop(STALE, None), operation.pop(ALSO, {})
    kept = {status: each for status, each in operation["responses"].items() if status < "400" or "content" in each}
    succeeded = next(each for status, each in kept.items() if status.startswith("2"))
    if also:
        succeeded["content"].update(also)
    if method == "get" and "ETag" in succeeded.get("headers", {}):
        kept["304"] = {
            "description": "The caller has it already: If-None-Match named this very representation.",
            "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
        }
        operation.setdefault("parameters", []).append(dict(IF_NONE_MATCH))
    slugs = {slug for slug, holds in _derived(operation, parameters, method, area).items() if holds}
    slugs |= {SLUGS[name] for name in declared}
    if stale is not None:
        slugs.add(SLUGS[errors.Stale.__name__])
    for status, kinds in _by_status(slugs).items():
        kept.setdefault(str(status), _refusals(kinds, stale or _shape_of(succeeded), spec))
    if any(parameter["name"] == IDEMPOTENCY_KEY["name"] for parameter in parameters):
        succeeded.setdefault("headers", {})[REPLAYED] = {"$ref": f"#/components/headers/{REPLAYED}"}
    for each in kept.values():
        if "$ref" not in each:
            each.setdefault("headers", {})["X-Request-Id"] = {"$ref": "#/components/headers/X-Request-Id"}
    operation["responses"] = dict(sorted(kept.items()))
    operation["description"] = in_words(operation, parameters, area.door)
    for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
        parameter.setdefault("description", of_parameter(parameter))


def _derived(operation: Operation, parameters: list[Operation], method: str, area: Area) -> dict[str, bool]:
    """Which kinds of problem follow from what is declared."""
    takes = {parameter["in"] for parameter in parameters}
    names = {parameter["name"] for parameter in parameters}
    names_version, names_key = "If-Match" in names, IDEMPOTENCY_KEY["name"] in names
    takes_body = "requestBody" in operation
    needs = operation.get("security")
    return {
        "malformed": takes_body or names_version or "query" in takes or method == "post",
        "unauthenticated": needs != [],
        SCOPES_MISSING: any(scopes for one in needs or () for scopes in one.values()),
        "not-found": "path" in takes or area.door is not anyone,
        "stale": names_version,
        "too-large": takes_body,
        "unsupported-media-type": takes_body,
        "conflict": names_key,
        "invalid": takes_body or names_key,
        "precondition-required": names_version,
        "internal": True,
        "unavailable": True,
    }


def _by_status(slugs: set[str]) -> dict[int, list[Kind]]:
    found: dict[int, list[Kind]] = {}
    for slug, kind in KINDS.items():
        if slug in slugs:
            found.setdefault(kind.status, []).append(kind)
    return found


def _shape_of(response: Operation) -> str | None:
    """What the schema of an answer is called, if it has one."""
    for media in response.get("content", {}).values():
        if "$ref" in media.get("schema", {}):
            return str(media["schema"]["$ref"].rsplit("/", 1)[1])
    return None


def _refusals(kinds: list[Kind], shape: str | None, spec: dict[str, Any]) -> Operation:
    """The answer for one status, by reference where it is the same everywhere."""
    if kinds[0].slug == SLUGS[errors.Stale.__name__] and shape is not None:
        return _stale(kinds[0], shape, spec)
    if len(kinds) == 1:
        return {"$ref": f"#/components/responses/{name_of(kinds[0])}"}
    both = _refusal(kinds[0])
    both["description"] = " ".join(kind.meaning for kind in kinds)
    examples = {kind.slug: {"summary": kind.title, "value": example_of_kind(kind)} for kind in kinds}
    both["content"] = {PROBLEM: {"schema": problem_schema(kinds[0]), "examples": examples}}
    return both


def _refusal(kind: Kind) -> Operation:
    return {
        "description": kind.meaning,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"}
            for name in (*HEADERS_OF.get(kind.status, ()), "X-Request-Id")
        },
        "content": {PROBLEM: {"schema": problem_schema(kind), "example": example_of_kind(kind)}},
    }


def _stale(kind: Kind, shape: str, spec: dict[str, Any]) -> Operation:
    """412: `current` is what stands now, in the shape this route answers with."""
    schemas, name = spec["components"]["schemas"], f"Stale{shape}"
    plain = schemas[problem_schema(kind)["$ref"].rsplit("/", 1)[1]]
    current = {"$ref": f"#/components/schemas/{shape}"}
    schemas[name] = {
        **plain,
        "description": f"It has changed since: `current` is the {shape} that stands now.",
        "properties": {**plain["properties"], "current": current},
        "required": sorted({*plain["required"], "current"}),
    }
    answered = _refusal(kind)
    example = {**example_of_kind(kind), "current": example_of(current, spec)}
    answered["content"] = {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}}
    return answered


def _is_used(kind: Kind, spec: Mapping[str, Any]) -> bool:
    reference = {"$ref": f"#/components/responses/{name_of(kind)}"}
    operations = (item[method] for item in spec["paths"].values() for method in METHODS if method in item)
    return any(reference in operation["responses"].values() for operation in operations)


# Schemas and examples --------------------------------------------------------------------------------------------


def _complete_schemas(spec: dict[str, Any], plugins: list[Any]) -> None:
    """Every schema says what it is, in the words of its class, and shows one."""
    plugin = next(plugin for plugin in plugins if isinstance(plugin, MarshmallowPlugin))
    assert plugin.converter is not None
    said = {name: key[0].__doc__ for key, name in plugin.converter.refs.items()}
    for name, schema in spec["components"]["schemas"].items():
        for member in schema.get("properties", {}).values():
            _say_default(member)
        words = said.get(name)
        if words and words != Schema.__doc__:
            schema.setdefault("description", " ".join(words.split()))
        schema.setdefault("examples", [example_of(schema, spec)])


def _say_default(member: Operation) -> None:
    """What a member is unless it is sent, in words: as a keyword, generators take it for one that is always there."""
    default = member.pop("default", None)
    if default is not None:
        words = f"`{to_json(default).decode().strip(chr(34))}` unless said."
        member["description"] = f"{member['description']} {words}" if "description" in member else words


def _complete_examples(spec: dict[str, Any]) -> None:
    for item in spec["paths"].values():
        for operation in (item[method] for method in METHODS if method in item):
            for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
                parameter.setdefault("example", example_of(parameter["schema"], spec))
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                _add_example(body, spec)


def _add_example(body: Operation, spec: Mapping[str, Any]) -> None:
    for media in body.get("content", {}).values():
        if "schema" in media and "example" not in media and "examples" not in media:
            media["example"] = example_of(media["schema"], spec)
