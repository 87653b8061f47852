"""The OpenAPI 3.1 document of the API, written from what the routes declare.

How an operation can fail, its headers and its examples follow from its declaration and from the door of its area.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

import portal
from portal.core import wire
from portal.core.facts import Fact
from portal.http.areas import Area
from portal.http.blueprint import Blueprint, Declaration, Operation, schema_name
from portal.http.enums import extract_enums
from portal.http.events import describe_event_types
from portal.http.examples import example_of
from portal.http.header_descriptions import HEADERS, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, header_references
from portal.http.idempotency import REPLAYED_HEADER
from portal.http.problem_responses import ProblemMembers, ProblemResponses, component_name
from portal.http.problems import KIND_OF_ERROR, KINDS
from portal.http.responses import FHIR_JSON, JSON
from portal.http.serializer import to_json
from portal.http.unions import Union, refer_to_components

INTRODUCTION = """\
Therapists assign readings and exercises, clients work on them, and therapists see how they get on.

Send the token from `POST /api/v1/sessions` as `Authorization: Bearer <token>`. Clients use the paths under
`/api/v1/me`; owners and therapists use the others. To the other side these paths answer 404. Errors are problem+json
(RFC 9457) whose `type` leads to a page that explains them. The [guide](/api/guide) walks through the main tasks."""
SECURITY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "RFC 6750. The token of a person comes from `POST /api/v1/sessions`, that of an integration from "
    "`POST /api/v1/integrations`. Integrations may call the operations that name a scope their token has.",
}
REQUIRED_SCOPE = "x-required-scope"
"""OpenAPI lets only OAuth 2 and OpenID Connect list scopes under `security`."""
METHODS = ("get", "put", "post", "patch", "delete")
PATH_PARAMETER = re.compile(r"<(?:(?P<converter>\w+)(?:\(min=(?P<min>\d+),max=(?P<max>\d+)\))?:)?(?P<name>\w+)>")
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DomainParts:
    """What the domains contribute beside their routes.

    `unions` are components by name, `free_form` the members that hold them (see `refer_to_components`), `field_types`
    the JSON types of fields that apispec does not know, `names` those of components whose class shares its name.
    """

    facts: Sequence[Fact] = ()
    unions: Mapping[str, Union] = field(default_factory=dict)
    free_form: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[type[Schema], str] = field(default_factory=dict)
    field_types: Mapping[type[fields.Field[Any]], str] = field(default_factory=dict)
    problem_members: ProblemMembers = ()


def describe(areas: Sequence[Area], base_url: str, parts: DomainParts) -> bytes:
    """The whole description as JSON."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: schema_name(schema, parts.names))
    document = APISpec(
        title="The portal",
        version=portal.__version__,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={
            "description": INTRODUCTION,
            "contact": {"name": "The operator of this installation"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        servers=[{"url": base_url or "/", "description": "This installation."}],
        security=[{"bearer": []}],
    )
    converter = plugin.converter
    assert isinstance(converter, OpenAPIConverter)
    converter.field_mapping[wire.Json] = ("object", None)
    converter.field_mapping |= {field: (json_type, None) for field, json_type in parts.field_types.items()}
    for function in (_allow_any_members, _write_javascript_pattern):
        converter.add_attribute_function(function)  # type: ignore[no-untyped-call]  # -- apispec leaves it untyped
    document.components.security_scheme("bearer", SECURITY_SCHEME)
    problems = ProblemResponses(parts.problem_members)
    for kind in KINDS.values():
        document.components.response(component_name(kind), problems.component(kind), lazy=True)
    for area, operation in _operations(areas):
        path = PATH_PARAMETER.sub(r"{\g<name>}", (area.prefix or "") + operation.rule)
        document.path(path=path, operations={operation.method.lower(): _describe(operation, area, problems)})
    unions = {name: _union_schema(union, converter) for name, union in parts.unions.items()}
    spec: Spec = document.to_dict()
    _complete_components(spec, unions, {name: key[0] for key, name in converter.refs.items()}, parts)
    _complete_examples(spec)
    spec["components"]["headers"] = HEADERS
    spec["tags"] = _tags(areas)
    return to_json(spec)


def frozen(description: bytes) -> str:
    """The description as the repository keeps it: sorted, one member per line, the same on every machine."""
    spec = orjson.loads(description)
    spec["servers"] = [{"url": "/", "description": "This installation."}]
    return orjson.dumps(spec, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode() + "\n"


def _operations(areas: Sequence[Area]) -> Iterator[tuple[Area, Operation]]:
    for area in areas:
        for blueprint in area.blueprints:
            if isinstance(blueprint, Blueprint):
                yield from ((area, operation) for operation in blueprint.operations)


def _tags(areas: Sequence[Area]) -> list[dict[str, str]]:
    """The tags, each with the audience of its operations."""
    audiences: dict[str, list[str]] = {}
    for area, operation in _operations(areas):
        known = audiences.setdefault(operation.tag, [])
        known.extend([area.audience] if area.audience not in known else [])
    return [{"name": name, "description": " ".join(sentences)} for name, sentences in sorted(audiences.items())]


# One operation ---------------------------------------------------------------------------------------------------


def _describe(operation: Operation, area: Area, problems: ProblemResponses) -> dict[str, Any]:
    declaration = operation.declaration
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _description(operation, area),
        "tags": [operation.tag],
        "parameters": [*_parameters(operation)],
        "responses": dict(sorted(_responses(operation, area, problems).items())),
    }
    if declaration.body is not None:
        required = any(field.required for field in declaration.body.load_fields.values())
        described["requestBody"] = {"required": required, "content": {JSON: {"schema": declaration.body}}}
    elif declaration.file_example is not None:
        media = {"schema": {"type": "object", "additionalProperties": True}, "example": declaration.file_example}
        described["requestBody"] = {"required": True, "content": {JSON: media}}
    if operation.is_public:
        described["security"] = []
    if declaration.scope is not None:
        described[REQUIRED_SCOPE] = declaration.scope
    return described


def _description(operation: Operation, area: Area) -> str:
    sentences = [operation.description, area.audience]
    if operation.declaration.scope is not None:
        sentences.append(f"An integration needs the scope `{operation.declaration.scope}`.")
    return " ".join(sentence for sentence in sentences if sentence)


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    declaration = operation.declaration
    for part in PATH_PARAMETER.finditer(operation.rule):
        yield _path_parameter(**part.groupdict())
    if declaration.query is not None:
        yield {"in": "query", "schema": declaration.query}
    if declaration.takes_version:
        yield dict(IF_MATCH)
    if declaration.key != "refused":
        yield {**IDEMPOTENCY_KEY, "required": declaration.key == "required"}
    if operation.method == "GET" and declaration.has_etag:
        yield dict(IF_NONE_MATCH)


def _path_parameter(name: str, converter: str, **bounds: str | None) -> dict[str, Any]:
    if converter == "id":
        schema: dict[str, Any] = {"type": "string", "format": "uuid", "example": wire.EXAMPLE_ID}
        description = f"The id of the {name.removesuffix('_id').replace('_', ' ')}."
    else:
        schema = {"type": "integer", "minimum": int(bounds["min"] or 0), "maximum": int(bounds["max"] or 0)}
        description = f"The {name.replace('_', ' ')}, counted from {schema['minimum']}."
    return {"in": "path", "name": name, "required": True, "description": description, "schema": schema}


def _responses(operation: Operation, area: Area, problems: ProblemResponses) -> dict[str, Any]:
    declaration = operation.declaration
    responses = problems.of_operation(operation, _possible_problems(operation, area))
    responses[str(declaration.status)] = _success(declaration)
    if operation.method == "GET" and declaration.has_etag:
        description = "Not modified: If-None-Match names the current representation."
        responses["304"] = {"description": description, "headers": header_references("ETag", "X-Request-Id")}
    for status, schema in declaration.other_results.items():
        media = {JSON: {"schema": schema}}
        headers = header_references("X-Request-Id")
        responses[str(status)] = {"description": PHRASES[status], "content": media, "headers": headers}
    return responses


PHRASES = {200: "Success.", 201: "Created.", 202: "Accepted.", 204: "Done; there is no content.", 503: "Not ready."}


def _success(declaration: Declaration) -> dict[str, Any]:
    headers: list[str] = []
    content: dict[str, Any] = {}
    if declaration.has_etag:
        headers.append("ETag")
    if declaration.is_page:
        headers.append("Link")
    if declaration.key != "refused":
        headers.append(REPLAYED_HEADER)
    if declaration.result is not None:
        schema = _page_schema(type(declaration.result)) if declaration.is_page else declaration.result
        content[JSON] = {"schema": schema}
    if declaration.fhir_type is not None:
        content[FHIR_JSON] = {"schema": _fhir_schema(declaration.fhir_type)}
    if declaration.file_type is not None:
        content[declaration.file_type] = {"schema": {"type": "string"}}
    response = {
        "description": PHRASES[declaration.status],
        "headers": header_references(*headers, "X-Request-Id"),
    }
    return response | ({"content": content} if content else {})


def _possible_problems(operation: Operation, area: Area) -> set[str]:
    """The kinds of problem that an operation can answer with, by what it declares."""
    declaration = operation.declaration
    slugs = {"internal", "unavailable"} | {KIND_OF_ERROR[error] for error in declaration.errors}
    if not operation.is_public:
        slugs.add("unauthenticated")
    if not operation.is_public or "<" in operation.rule:
        slugs.add("not-found")
    if declaration.scope is not None:
        slugs.add("forbidden")
    if declaration.query is not None or operation.method == "POST":
        slugs.add("malformed")
    if declaration.body is not None or declaration.file_example is not None:
        slugs |= {"malformed", "too-large", "unsupported-media-type", "invalid"}
    if declaration.takes_version:
        slugs |= {"malformed", "stale", "precondition-required"}
    if declaration.stale is not None:
        slugs.add("stale")
    if declaration.key != "refused":
        slugs |= {"conflict", "invalid"}
    return slugs


_page_schemas: dict[type[Schema], Schema] = {}


def _page_schema(item: type[Schema]) -> Schema:
    if item not in _page_schemas:
        members: dict[str, Any] = {
            "data": fields.List(
                fields.Nested(item), required=True, metadata={"description": "The rows of this page, in order."}
            ),
            "has_more": fields.Boolean(required=True, metadata={"description": "Whether another page follows."}),
            "next_cursor": fields.String(
                required=True,
                allow_none=True,
                metadata={"description": "What to send as `cursor` for the next page.", "example": None},
            ),
            "total": fields.Integer(
                metadata={"description": "How many rows match; only with `include_total`.", "example": 42}
            ),
        }
        name = item.__name__.removesuffix("Schema") + "PageSchema"
        _page_schemas[item] = type(name, (wire.WireSchema,), {**members, "__doc__": "A page of a list."})()
    return _page_schemas[item]


def _fhir_schema(resource_type: str) -> dict[str, Any]:
    members = {"resourceType": {"type": "string", "enum": [resource_type]}}
    return {"type": "object", "properties": members, "required": ["resourceType"], "additionalProperties": True}


# Components and examples -----------------------------------------------------------------------------------------


def _allow_any_members(_converter: Any, field: Any, ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that a free-form object has members: without it, generators write a type for an empty object."""
    return {"additionalProperties": True} if isinstance(field, wire.Json) and ret.get("type") != "array" else {}


def _write_javascript_pattern(_converter: Any, _field: Any, ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Write a Python pattern as JavaScript has it: marshmallow matches from the start, and `$` is the very end."""
    pattern = ret.get("pattern")
    if pattern is None:
        return {}
    body = pattern.removesuffix(r"\Z").removeprefix("^")
    end = "$" if pattern.endswith(r"\Z") else ""
    return {"pattern": f"^{body}{end}" if pattern.startswith("^") else f"^(?:{body}){end}"}


def _union_schema(union: Union, converter: OpenAPIConverter) -> dict[str, Any]:
    resolve: Callable[[Schema], dict[str, str]] = converter.resolve_nested_schema
    return union.as_schema({value: resolve(schema)["$ref"] for value, schema in union.schemas.items()})


def _complete_components(
    spec: Spec, unions: Mapping[str, Any], classes: Mapping[str, type[Schema]], parts: DomainParts
) -> None:
    """Add the unions and the enums; give every component its docstring and an example, its class's `example` if any."""
    schemas = spec["components"]["schemas"]
    refer_to_components(schemas, parts.free_form)
    schemas |= unions
    extract_enums(schemas)
    describe_event_types(schemas, parts.facts)
    for name, schema in schemas.items():
        for member in schema.get("properties", {}).values():
            _describe_default(member)
        declared = classes.get(name, Schema)
        if declared.__doc__ and declared.__doc__ != Schema.__doc__:
            schema.setdefault("description", " ".join(declared.__doc__.split()))
        if (example := getattr(declared, "example", None)) is not None:
            schema["examples"] = [example]
    for schema in schemas.values():
        schema.setdefault("examples", [example_of(schema, spec)])


def _describe_default(member: dict[str, Any]) -> None:
    """Move a default into the description: as a keyword, generators take it for a member that is always present."""
    default = member.pop("default", None)
    if default is not None:
        sentence = f"Default: `{to_json(default).decode().strip(chr(34))}`."
        member["description"] = f"{member['description']} {sentence}" if "description" in member else sentence


def _complete_examples(spec: Spec) -> None:
    for item in spec["paths"].values():
        for operation in (item[method] for method in METHODS if method in item):
            for parameter in operation["parameters"]:
                _add_parameter_example(parameter, spec)
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                _add_example(body, spec)


def _add_parameter_example(parameter: dict[str, Any], spec: Spec) -> None:
    """Show an example; only of a required parameter where tools that send requests fill it in by themselves."""
    schema = parameter["schema"]
    example = parameter.pop("example", None) or example_of(schema, spec)
    schema.pop("example", None)
    if parameter.get("required"):
        parameter["example"] = example
    else:
        schema["examples"] = [example]


def _add_example(body: dict[str, Any], spec: Spec) -> None:
    for media in body.get("content", {}).values():
        if "example" not in media and "examples" not in media:
            media["example"] = example_of(media["schema"], spec)
