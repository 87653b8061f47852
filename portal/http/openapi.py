"""Blueprints whose declarations validate, document and answer; and the OpenAPI 3.1 document made of them.

`@routes.arguments(Schema())`, `@routes.response(200, Schema())` and `@routes.lists(Schema())` are all a route
needs to say. Schemas are given as instances: a class would be instantiated on every request.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Request, Response, request
from flask_smorest import Api as SmorestApi
from flask_smorest import Blueprint as SmorestBlueprint
from flask_smorest.utils import prepare_response
from marshmallow import Schema, ValidationError, fields
from webargs import missing
from webargs.flaskparser import FlaskParser
from werkzeug.routing import BaseConverter

from portal.core import wire
from portal.core.errors import Invalid, Malformed, Stale, UnsupportedMedia
from portal.http.request import answer
from portal.http.serializer import to_json

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
KEPT_OUT = frozenset({"q", "cursor"})
MOST_QUERIES = 1_000
PROBLEM = "application/problem+json"
IF_MATCH: Mapping[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag read before; only its version part is compared.",
    "schema": {"type": "string", "example": '"3-0123456789abcdef"'},
}


class IdConverter(BaseConverter):
    """A path segment that is an id: anything else is no path of ours."""

    regex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Arguments(FlaskParser):
    """Reads bodies and query strings strictly: 415, 400 and 422 with pointers, and unknown members refused.

    The same query string is the same to a schema every time, so what the last ones came to is kept: but no word
    searched for, and no cursor, which does not come again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queries: dict[tuple[Schema, bytes], dict[str, Any]] = {}

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": None, "query": None}  # noqa: RUF012 -- as webargs declares it

    def load_json(self, req: Request, schema: Schema) -> Any:
        body = req.get_data()
        if not body and req.mimetype not in JSON_TYPES:
            return missing
        if req.mimetype not in JSON_TYPES:
            msg = "Send JSON with Content-Type: application/json."
            raise UnsupportedMedia(msg)
        try:
            sent = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            msg = f"The body is not JSON: it cannot be read from line {error.lineno}, column {error.colno} on."
            raise Malformed(msg) from error
        if not isinstance(sent, dict):
            msg = "The body is a JSON object: { ... }."
            raise Malformed(msg)
        return sent

    def read(self, schema: Schema, location: str) -> Any:
        """What came with the current request, as `schema` loads it."""
        asked = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 -- the proxy's own way to it
        if location != "query":
            return self._load(schema, location, asked)
        known = self._queries.get((schema, asked.query_string))
        if known is None:
            known = self._load(schema, location, asked)
            if not KEPT_OUT & known.keys():
                self._keep(schema, asked.query_string, known)
        return {**known}

    def _load(self, schema: Schema, location: str, asked: Request) -> dict[str, Any]:
        sent = self.load_querystring(asked, schema) if location == "query" else self.load_json(asked, schema)
        try:
            loaded: dict[str, Any] = schema.load({} if sent is missing else sent)
        except ValidationError as error:
            error.messages = {location: error.messages}
            self.handle_error(error, asked, schema)
        return loaded

    def _keep(self, schema: Schema, query: bytes, loaded: dict[str, Any]) -> None:
        if len(self._queries) >= MOST_QUERIES:
            self._queries.clear()
        self._queries[schema, query] = loaded

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        if twice := [name for name, values in req.args.lists() if len(values) > 1]:
            msg = f"{len(twice)} of the parameters came more than once. Separate several values by commas."
            raise Malformed(msg)
        return dict(req.args)

    def handle_error(self, error: Any, req: Request, schema: Schema, **_: Any) -> NoReturn:
        if "query" in error.messages:
            known = ", ".join(sorted(field.data_key or name for name, field in schema.load_fields.items()))
            faults = [fault.as_json() for fault in wire.faults_in(error.messages["query"])]
            msg = f"A parameter is not known here or cannot be read. This list takes: {known}."
            raise Malformed(msg, errors=faults)
        raise Invalid(*wire.faults_in(error.messages.get("json", error.messages)))


class FaultSchema(wire.WireSchema):
    """One thing wrong with what was sent."""

    pointer = fields.String(required=True, metadata={"example": "#/answers/0/value"})
    detail = fields.String(required=True, metadata={"example": "Answer with a whole number from 0 to 10."})
    block = fields.String(metadata={"description": "The block of a form it concerns.", "example": "before"})
    row = fields.List(wire.Identifier(), metadata={"description": "And the row of a log."})


class ProblemSchema(wire.WireSchema):
    """An error (RFC 9457)."""

    type = fields.String(required=True, metadata={"format": "uri-reference", "example": "/problems/not-found"})
    title = fields.String(required=True, metadata={"example": "Nothing here for you"})
    status = fields.Integer(required=True, metadata={"example": 404})
    detail = fields.String(required=True, metadata={"example": "Either nothing is here, or it is not for you."})
    instance = fields.String(
        required=True, metadata={"format": "uri", "example": "urn:uuid:5f0b2d5e-0d0c-4a51-8a4e-1f6f1c2f7a10"}
    )
    errors = fields.List(fields.Nested(FaultSchema()), metadata={"description": "With 400 and 422."})
    state = fields.String(metadata={"description": "With 409: where the thing stands.", "example": "submitted"})
    allowed = fields.List(
        fields.String(metadata={"example": "take_back"}),
        metadata={"description": "With 409: the acts it allows the caller now."},
    )
    current = fields.Dict(metadata={"description": "With 412: what stands now, as GET shows it.", "example": {}})
    assignment_id = wire.Identifier(
        metadata={"description": "With duplicate: the one that is there.", "format": "uuid"}
    )
    attempt = fields.Integer(metadata={"description": "With 409 on a review: the current attempt."})
    response_version = fields.Integer(metadata={"description": "With 409 on a review: its version."})


class Blueprint(SmorestBlueprint):
    """A blueprint whose routes answer in the portal's shapes. `tag` is the heading in the API description."""

    ARGUMENTS_PARSER = Arguments()

    def __init__(self, name: str, import_name: str, *, tag: str, guest: bool = False, **kwargs: Any) -> None:
        """A `guest` blueprint takes no credential."""
        super().__init__(name, import_name, **kwargs)
        self.tag, self.guest = tag, guest

    def route(self, rule: str, **options: Any) -> Any:
        options.setdefault("tags", [self.tag])
        return super().route(rule, **options)

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """Call the view with what was sent, as `schema` loads it."""
        kwargs.setdefault("error_status_code", 400 if location == "query" else 422)
        declare, read = super().arguments(schema, location=location, **kwargs), self.ARGUMENTS_PARSER.read

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def given(*args: Any, **parts: Any) -> Any:
                return view(*args, read(schema, location), **parts)

            return _documented(declare, given)

        return decorated

    def response(self, status_code: Any, schema: Any = None, *, stale: Any = None, **kwargs: Any) -> Any:
        """Answer with what the view returns, in the shape of `schema`; no content where there is none.

        With 412, `current` is in the shape of `stale`, where that is another one.
        """
        if schema is not None:
            kwargs.setdefault("headers", {"ETag": {"schema": {"type": "string"}, "description": "Version and digest."}})
        declare = super().response(status_code, schema, **kwargs)

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def answered(*args: Any, **sent: Any) -> Response:
                try:
                    result = view(*args, **sent)
                except Stale as error:
                    error.current = (stale or schema).dump(error.current)
                    raise
                if isinstance(result, Response):
                    return result
                if schema is None:
                    return Response(status=status_code)
                return answer(schema, result, status_code)

            return _documented(declare, _with_refusals(answered, guest=self.guest))

        return decorated

    def lists(self, schema: Schema) -> Any:
        """Answer with a page of `schema`."""
        declare = super().response(
            200,
            _page_schema(type(schema)),
            headers={"Link": {"schema": {"type": "string"}, "description": "The next page, rel=next."}},
        )

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def answered(*args: Any, **sent: Any) -> Response:
                return answer(schema, view(*args, **sent), 200)

            return _documented(declare, _with_refusals(answered, guest=self.guest))

        return decorated

    def changes_content(self, view: Callable[..., Any]) -> Any:
        """Document that this route needs If-Match; the route reads it with `expected_version()`."""
        return _documented(self.doc(parameters=[dict(IF_MATCH)]), view)


def _documented(declare: Callable[[Any], Any], view: Any) -> Any:
    """`view` with what flask-smorest's decorator would document, and without what its wrapper would do per request."""
    view._apidoc = declare(view)._apidoc  # noqa: SLF001 -- where flask-smorest keeps it
    return view


def _with_refusals(view: Any, *, guest: bool) -> Any:
    """Document what every route can answer instead, and where no credential is asked for."""
    doc = view.__dict__.setdefault("_apidoc", {}).setdefault("manual_doc", {})
    doc.setdefault("responses", {})["default"] = {"$ref": "#/components/responses/Problem"}
    if guest:
        doc["security"] = []
    return view


_pages: dict[type[Schema], Schema] = {}


def _page_schema(item: type[Schema]) -> Schema:
    if item not in _pages:
        name = item.__name__.removesuffix("Schema") + "PageSchema"
        members: dict[str, Any] = {
            "data": fields.List(fields.Nested(item), required=True),
            "has_more": fields.Boolean(required=True),
            "next_cursor": fields.String(required=True, allow_none=True, metadata={"example": None}),
            "total": fields.Integer(metadata={"description": "Only with include_total.", "example": 42}),
        }
        _pages[item] = type(name, (wire.WireSchema,), {**members, "__doc__": "A page of a list."})()
    return _pages[item]


class Api(SmorestApi):
    """flask-smorest with problem+json as the one shape of errors."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        response = {"description": "Why not, and what to do instead.", "schema": ProblemSchema()}
        prepare_response(response, self.spec, PROBLEM)
        self.spec.components.response("Problem", response)
        for status in http.HTTPStatus:
            if status >= http.HTTPStatus.BAD_REQUEST:
                self.spec.components.response(status.name, response, lazy=True)

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
                "description": "Therapists assign, clients work on what is assigned, therapists see how it goes.",
            },
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}],
        },
    )
    app.url_map.converters["id"] = IdConverter
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    api = Api(app, spec_kwargs={"marshmallow_plugin": plugin})
    api.register_converter(IdConverter, lambda _: {"type": "string", "format": "uuid", "example": wire.EXAMPLE_ID})
    api.register_field(wire.Json, "object", None)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    return api


def _schema_name(schema: Any) -> str:
    named = schema if isinstance(schema, type) else type(schema)
    return str(named.__name__).removesuffix("Schema")


def document(api: Api) -> bytes:
    """The whole description as JSON, with an example for every body and answer."""
    spec = api.spec.to_dict()
    for path in spec["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _add_examples(operation, spec)
    return to_json(spec)


def _add_examples(operation: dict[str, Any], spec: dict[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    for body in bodies:
        for media in body.get("content", {}).values():
            if "schema" in media and "example" not in media and "examples" not in media:
                media["example"] = example_of(media["schema"], spec)


def example_of(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> Any:  # noqa: PLR0911 -- one line per JSON kind
    """An example put together from the examples of the members."""
    if "$ref" in schema:
        return example_of(spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], spec)
    for word in ("example", "default", "const"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("allOf", "anyOf", "oneOf"):
        if word in schema:
            return example_of(schema[word][0], spec)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object" or "properties" in schema:
        return {name: example_of(inner, spec) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), spec)]
    plain = {"string": "text", "integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True}
    return plain.get(str(kind))
