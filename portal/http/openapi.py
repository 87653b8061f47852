"""Blueprints whose declarations validate, document and answer.

`@routes.arguments(Schema())`, `@routes.response(200, Schema())` and `@routes.lists(Schema())` are all a route
needs to say; `portal.http.description` derives from them how else it can end. What cannot be derived stands in
`refuses`. Schemas are given as instances: a class would be instantiated on every request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import wraps
from typing import Any, NoReturn

import orjson
from flask import Request, Response, current_app, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema, ValidationError, fields
from webargs import missing
from webargs.flaskparser import FlaskParser
from werkzeug.routing import BaseConverter

from portal.core import decimal_json, wire
from portal.core.errors import MAX_FAULTS, Conflict, Fault, Invalid, Malformed, PortalError, Stale, UnsupportedMedia
from portal.http.idempotency import IDEMPOTENCY_KEY, Sees, done_once, never_kept
from portal.http.request import answer

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
KEPT_OUT = frozenset({"q", "cursor"})
MOST_QUERIES = 1_000
ETAG = '^(W/)?"[0-9]{1,15}-[0-9a-f]{16}"$'
IF_MATCH: Mapping[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag read before; only its version part is compared.",
    "schema": {"type": "string", "pattern": ETAG, "example": '"3-0123456789abcdef"'},
}


TAGGED: Mapping[str, Any] = {"ETag": {"$ref": "#/components/headers/ETag"}}
PAGED: Mapping[str, Any] = {"Link": {"$ref": "#/components/headers/Link"}}
FHIR = "application/fhir+json"
REFUSES, STALE, ALSO = "x-refuses", "x-stale", "x-also"
"""Notes in an operation for `portal.http.description`, which takes them out again."""


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
            sent = decimal_json.loads(body) if getattr(schema, "exact", False) else orjson.loads(body)
        except json.JSONDecodeError as error:
            msg = f"The body is not JSON: it cannot be read from line {error.lineno}, column {error.colno} on."
            raise Malformed(msg) from error
        except UnicodeDecodeError as error:
            msg = "The body is not JSON: it is not UTF-8."
            raise Malformed(msg) from error
        except (ValueError, RecursionError) as error:
            raise Invalid(
                Fault("invalid", "A number in it is beyond all measure, or it nests too deep.").at("#")
            ) from error
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
            faults = [fault.as_json() for fault in wire.faults_from(error.messages["query"])[:MAX_FAULTS]]
            msg = f"A parameter is not known here or cannot be read. This list takes: {known}."
            raise Malformed(msg, errors=faults)
        raise Invalid(*wire.faults_from(error.messages.get("json", error.messages)))


class Blueprint(SmorestBlueprint):
    """A blueprint whose routes answer in the portal's shapes. `tag` is the heading in the API description."""

    ARGUMENTS_PARSER = Arguments()

    def __init__(self, name: str, import_name: str, *, tag: str, guest: bool = False, **kwargs: Any) -> None:
        """A `guest` blueprint takes no credential."""
        super().__init__(name, import_name, **kwargs)
        self.tag, self.guest = tag, guest

    def route(self, rule: str, *, scope: str | None = None, **options: Any) -> Any:
        """Serve `rule`. Integrations get in only where a `scope` is named, and their token has it.

        A POST refuses an Idempotency-Key unless it is `repeatable`.
        """
        declare = super().route(rule, **options, tags=[self.tag])

        def declared(view: Any) -> Any:
            keeps = getattr(view, "repeatable", False)
            is_post = "POST" in options.get("methods", ())
            view = never_kept(view) if is_post and not keeps else view
            doc = view.__dict__.setdefault("_apidoc", {}).setdefault("manual_doc", {})
            if is_post:
                refused = {Malformed, Conflict, Invalid} if keeps else {Malformed}
                doc[REFUSES] = sorted({*doc.get(REFUSES, ()), *(error.__name__ for error in refused)})
            if scope is not None:
                doc["security"] = [{"bearer": [scope]}]
            view.scope = scope
            return declare(view)

        return declared

    def repeatable(self, sees: Sees, *, needs_key: bool = False) -> Any:
        """Take an Idempotency-Key, or need one; the outermost decorator but for `route`.

        A kept answer is given only to who still sees the thing it concerns: `sees` looks for it.
        """

        def decorated(view: Callable[..., Any]) -> Any:
            parameter = {**IDEMPOTENCY_KEY, "required": needs_key}
            once = _documented(self.doc(parameters=[parameter]), done_once(view, sees, required=needs_key))
            once.repeatable = True
            return once

        return decorated

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """Call the view with what was sent, as `schema` loads it."""
        kwargs.setdefault("required", any(field.required for field in schema.load_fields.values()))
        declare, read = super().arguments(schema, location=location, **kwargs), self.ARGUMENTS_PARSER.read

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def given(*args: Any, **parts: Any) -> Any:
                return view(*args, read(schema, location), **parts)

            return _documented(declare, given)

        return decorated

    def takes(self, *media_types: str, most: int, example: Mapping[str, Any]) -> Any:
        """Call the view with the body as it came and its media type, one of these; `most` bytes of it.

        JSON is described, by an `example`; the others in the words of the route, as generated clients know no files.
        """
        described = {"schema": {"type": "object", "additionalProperties": True}, "example": example}

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def given(*args: Any, **parts: Any) -> Any:
                request.max_content_length = most
                if request.mimetype not in media_types:
                    msg = f"Send one of these, and say which in Content-Type: {', '.join(media_types)}."
                    raise UnsupportedMedia(msg)
                return view(request.get_data(), request.mimetype, *args, **parts)

            given.largest_body = most  # type: ignore[attr-defined]  # -- read before a kept reply is looked for
            return _documented(
                self.doc(requestBody={"required": True, "content": {"application/json": described}}), given
            )

        return decorated

    def also_fhir(self, resource_type: str) -> Any:
        """Document that the view can answer with a FHIR resource of this type too; outside of `response`."""
        members = {"resourceType": {"const": resource_type}}
        shape = {"type": "object", "properties": members, "required": ["resourceType"], "additionalProperties": True}

        def decorated(view: Callable[..., Any]) -> Any:
            doc = view.__dict__.setdefault("_apidoc", {}).setdefault("manual_doc", {})
            doc[ALSO] = {FHIR: {"schema": shape}}
            return view

        return decorated

    def response(
        self,
        status_code: Any,
        schema: Any = None,
        *,
        stale: Any = None,
        refuses: Collection[type[PortalError]] = (),
        **kwargs: Any,
    ) -> Any:
        """Answer with what the view returns, in the shape of `schema`; no content where there is none.

        With 412, `current` is in the shape of `stale`, where that is another one. `refuses` are the errors that
        nothing else the route declares would tell of: a state, a capability, a pace.
        """
        if schema is not None:
            kwargs.setdefault("headers", dict(TAGGED))
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

            return _documented(declare, self._ended(answered, refuses, stale))

        return decorated

    def lists(self, schema: Schema, *, refuses: Collection[type[PortalError]] = ()) -> Any:
        """Answer with a page of `schema`."""
        declare = super().response(200, _page_schema(type(schema)), headers={**TAGGED, **PAGED})

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def answered(*args: Any, **sent: Any) -> Response:
                return answer(schema, view(*args, **sent), 200)

            return _documented(declare, self._ended(answered, refuses))

        return decorated

    def streams(self, content_type: str, *, refuses: Collection[type[PortalError]] = ()) -> Any:
        """Answer with a file of this type, piece by piece as the view gives them."""
        declare = super().response(200, {"type": "string"}, content_type=content_type)

        def decorated(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def answered(*args: Any, **sent: Any) -> Response:
                return Response(_pieces(view(*args, **sent)), 200, mimetype=content_type)

            return _documented(declare, self._ended(answered, refuses))

        return decorated

    def _ended(self, view: Any, refuses: Collection[type[PortalError]], stale: Schema | None = None) -> Any:
        """Note for the description how else `view` can end, and whether it asks for a credential."""
        doc = view.__dict__.setdefault("_apidoc", {}).setdefault("manual_doc", {})
        doc["operationId"] = view.__name__
        doc[REFUSES] = sorted(error.__name__ for error in refuses)
        if stale is not None:
            doc[STALE] = schema_name(stale)
        if self.guest:
            doc["security"] = []
        return view

    def changes_content(self, view: Callable[..., Any]) -> Any:
        """Document that this route needs If-Match; the route reads it with `expected_version()`."""
        return _documented(self.doc(parameters=[dict(IF_MATCH)]), view)


def _pieces(made: Iterator[bytes]) -> Iterator[bytes]:
    """Each piece made in a context of the application: none stays open when nobody reads on."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 -- Flask's way past its proxy

    def one_by_one() -> Iterator[bytes]:
        while True:
            with app.app_context():
                piece = next(made, None)
            if piece is None:
                return
            yield piece

    return one_by_one()


def _documented(declare: Callable[[Any], Any], view: Any) -> Any:
    """`view` with what flask-smorest's decorator would document, and without what its wrapper would do per request."""
    view._apidoc = declare(view)._apidoc  # noqa: SLF001 -- where flask-smorest keeps it
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


def schema_name(schema: Any) -> str:
    """What a schema is called in the description."""
    named = schema if isinstance(schema, type) else type(schema)
    name = str(named.__name__).removesuffix("Schema")
    return TAKEN.get(name, name)


TAKEN = {"Client": "ClientRecord", "Row": "LogRow"}
"""Names that generated clients take for themselves."""
