"""Blueprints whose decorators validate requests, shape responses and declare both for the API description.

A route reads from the outside in: `route`, `repeatable`, `changes_content`, `arguments`, `response`. Schemas are given
as instances, because a class would be instantiated on every request.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from flask import Blueprint as FlaskBlueprint
from flask import Response, current_app, request
from marshmallow import Schema
from werkzeug.routing import BaseConverter

from portal.core.errors import PortalError, Stale, UnsupportedMedia
from portal.http.idempotency import IsVisible, SubjectIds, id_of_response, refuse_key, respond_once_per_key
from portal.http.preconditions import retry_version, use_version
from portal.http.request_parsing import parse_body, parse_query
from portal.http.responses import json_response

View = Callable[..., Any]
RENAMED = {"Client": "ClientRecord", "Row": "LogRow"}
"""Names that generated clients or JavaScript use for something else."""


class IdConverter(BaseConverter):
    """A path segment that is an id; the routing answers 404 for anything else."""

    regex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclass
class Declaration:
    """What the decorators of a view declare; `portal.http.description` writes it down as an OpenAPI operation."""

    query: Schema | None = None
    body: Schema | None = None
    file_example: Mapping[str, Any] | None = None
    takes_version: bool = False
    key: Literal["refused", "optional", "required"] = "refused"
    scope: str | None = None
    status: int = 200
    result: Schema | None = None
    is_page: bool = False
    has_etag: bool = False
    file_type: str | None = None
    fhir_type: str | None = None
    stale: Schema | None = None
    errors: set[type[PortalError]] = field(default_factory=set)
    other_results: dict[int, Schema] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a route with its summary, the first line of the view's docstring, and what follows it."""

    rule: str
    method: str
    name: str
    summary: str
    description: str
    tag: str
    is_public: bool
    declaration: Declaration


class Blueprint(FlaskBlueprint):
    """A Flask blueprint that keeps its `operations`. `tag` is their heading in the API description."""

    def __init__(self, name: str, import_name: str, *, tag: str, guest: bool = False, **options: Any) -> None:
        """The operations of a `guest` blueprint need no credential."""
        super().__init__(name, import_name, **options)
        self.tag, self.is_public = tag, guest
        self.operations: list[Operation] = []

    def route(  # type: ignore[override]  # -- takes what the portal declares, and nothing else
        self, rule: str, *, methods: Collection[str] = ("GET",), scope: str | None = None
    ) -> Callable[[View], View]:
        """Serve `rule`. Integrations may call it only where a `scope` is named that their token has.

        A POST refuses an Idempotency-Key unless it is `repeatable`.
        """

        def decorate(view: View) -> View:
            declaration = _declaration_of(view)
            declaration.scope = scope
            for method in methods:
                self.operations.append(self._operation(rule, method, view, declaration))
            if "POST" in methods and declaration.key == "refused":
                view = refuse_key(view)
            view.scope = scope  # type: ignore[attr-defined]  # -- read at the door of the area
            self.add_url_rule(rule, view_func=view, methods=methods)
            return view

        return decorate

    def _operation(self, rule: str, method: str, view: View, declaration: Declaration) -> Operation:
        summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
        words = " ".join(description.split())
        return Operation(rule, method, view.__name__, summary, words, self.tag, self.is_public, declaration)

    def repeatable(
        self, is_visible: IsVisible, *, subject_ids: SubjectIds = id_of_response, needs_key: bool = False
    ) -> Callable[[View], View]:
        """Accept an Idempotency-Key, or require one; the outermost decorator except for `route`.

        A stored response is replayed only while `is_visible` finds the things it concerns: the one its path names
        first, or else those that `subject_ids` reads from the response.
        """

        def decorate(view: View) -> View:
            _declaration_of(view).key = "required" if needs_key else "optional"
            return respond_once_per_key(view, is_visible, subject_ids, required=needs_key)

        return decorate

    def changes_content(self, view: View) -> View:
        """Declare that the view needs If-Match, which it reads with `expected_version()`."""
        _declaration_of(view).takes_version = True
        return view

    def arguments(self, schema: Schema, *, location: Literal["json", "query"] = "json") -> Callable[[View], View]:
        """Call the view with the body or the query string, as `schema` loads it."""
        parse = parse_query if location == "query" else parse_body

        def decorate(view: View) -> View:
            declaration = _declaration_of(view)
            if location == "query":
                declaration.query = schema
            else:
                declaration.body = schema

            @wraps(view)
            def with_arguments(*args: Any, **path: Any) -> Any:
                return view(*args, parse(request, schema), **path)

            return with_arguments

        return decorate

    def takes(self, *media_types: str, most: int, example: Mapping[str, Any]) -> Callable[[View], View]:
        """Call the view with the body as it came, `most` bytes of one of these types, and its media type.

        Only JSON is described, by an `example`, since generated clients know no files; the docstring names the others.
        """

        def decorate(view: View) -> View:
            _declaration_of(view).file_example = example

            @wraps(view)
            def with_file(*args: Any, **path: Any) -> Any:
                request.max_content_length = most
                if request.mimetype not in media_types:
                    msg = f"Send one of these types and name it in Content-Type: {', '.join(media_types)}."
                    raise UnsupportedMedia(msg)
                return view(request.get_data(), request.mimetype, *args, **path)

            with_file.largest_body = most  # type: ignore[attr-defined]  # -- read before a stored response is looked up
            return with_file

        return decorate

    def also_fhir(self, resource_type: str) -> Callable[[View], View]:
        """Declare that the view can also answer with a FHIR resource of this type."""

        def decorate(view: View) -> View:
            _declaration_of(view).fhir_type = resource_type
            return view

        return decorate

    def response(
        self,
        status: int,
        schema: Schema | None = None,
        *,
        stale: Schema | None = None,
        refuses: Collection[type[PortalError]] = (),
        others: Mapping[int, Schema] | None = None,
        has_etag: bool = True,
    ) -> Callable[[View], View]:
        """Answer with the view's result in the shape of `schema`, or with no content if there is none.

        `current` of a 412 has the shape of `stale` where that differs. `refuses` names the errors that do not follow
        from the other decorators: a state, a capability, a rate limit. `others` are the shapes of further statuses.
        """

        def decorate(view: View) -> View:
            declaration = _declaration_of(view)
            declaration.status, declaration.result, declaration.stale = status, schema, stale
            declaration.has_etag, declaration.other_results = has_etag and schema is not None, dict(others or {})
            declaration.errors |= set(refuses)

            @wraps(view)
            def with_response(*args: Any, **path: Any) -> Response:
                try:
                    result = view(*args, **path)
                except Stale as error:
                    version = retry_version(error) if declaration.takes_version else None
                    if version is None:
                        error.current = (stale or schema).dump(error.current)  # type: ignore[union-attr]  # -- content has one
                        raise
                    use_version(version)
                    return with_response(*args, **path)
                if isinstance(result, Response):
                    return result
                return Response(status=status) if schema is None else json_response(schema, result, status)

            return with_response

        return decorate

    def lists(self, schema: Schema, *, refuses: Collection[type[PortalError]] = ()) -> Callable[[View], View]:
        """Answer with a page of `schema`."""

        def decorate(view: View) -> View:
            declaration = _declaration_of(view)
            declaration.result, declaration.is_page, declaration.has_etag = schema, True, True
            declaration.errors |= set(refuses)

            @wraps(view)
            def with_page(*args: Any, **path: Any) -> Response:
                return json_response(schema, view(*args, **path), 200)

            return with_page

        return decorate

    def streams(self, content_type: str, *, refuses: Collection[type[PortalError]] = ()) -> Callable[[View], View]:
        """Answer with a file of this type, sent in the pieces that the view yields."""

        def decorate(view: View) -> View:
            declaration = _declaration_of(view)
            declaration.file_type = content_type
            declaration.errors |= set(refuses)

            @wraps(view)
            def with_file(*args: Any, **path: Any) -> Response:
                return Response(_in_app_context(view(*args, **path)), 200, mimetype=content_type)

            return with_file

        return decorate


def _declaration_of(view: View) -> Declaration:
    """The one declaration of a view; `functools.wraps` carries it outwards from decorator to decorator."""
    declaration: Declaration = view.__dict__.setdefault("declaration", Declaration())
    return declaration


def _in_app_context(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Compute each piece in an application context of its own, so that none stays open when the reader goes away."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 -- Flask's documented way past its proxy

    def pieces_in_context() -> Iterator[bytes]:
        while True:
            with app.app_context():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    return pieces_in_context()


def schema_name(schema: Any, names: Mapping[type[Schema], str] | None = None) -> str:
    """The name of a schema among the components: that of its class, unless `names` has another."""
    declared = schema if isinstance(schema, type) else type(schema)
    if names and declared in names:
        return names[declared]
    name = declared.__name__.removesuffix("Schema")
    return RENAMED.get(name, name)
