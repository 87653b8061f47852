"""What a route needs of the request, and the one way its result becomes an answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from flask import Response, current_app, request
from marshmallow import Schema, ValidationError

from portal.core.decimal_json import dumps
from portal.core.errors import Invalid, Malformed, PreconditionMissing
from portal.core.listing import Page
from portal.core.viewer import Viewer
from portal.core.wire import faults_from
from portal.http.logs import REQUEST_ID, VIEWER
from portal.http.paging import cursor_for, next_link
from portal.http.serializer import serialize, serialize_page, to_json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

LARGEST_FORM = 50_000
"""Bytes; tens of thousands of small fields would take longer to read than a person waits."""
_ETAG = re.compile(r'(?:W/)?"(\d{1,15})-[0-9a-f]{16}"')


def viewer() -> Viewer:
    """Who asks, as the door has established."""
    environ = request.environ
    found: Viewer | None = environ.get(VIEWER)
    if found is None:
        found = environ[VIEWER] = current_app.extensions["recognise"](request)
    return found


def request_id() -> str:
    """What the current request is called, in the log and in its answer."""
    return str(request.environ[REQUEST_ID])


def address() -> str:
    """The caller's network address, as seen past the trusted proxies."""
    return request.remote_addr or "unknown"


def form(schema: Schema) -> dict[str, Any]:
    """An urlencoded form as `schema` loads it; empty fields count as absent. Raises Invalid with pointers."""
    request.max_content_length = LARGEST_FORM
    sent = {name: value for name, value in request.form.items() if value != ""}
    try:
        return dict(schema.load(sent))
    except ValidationError as error:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]  # -- marshmallow leaves it untyped
        raise Invalid(*faults_from(messages)) from error


def expected_version() -> int:
    """The version named by If-Match; only that part of the tag is compared.

    Raises PreconditionMissing (428) without the header and Malformed (400) for one we never gave out.
    """
    sent = request.headers.get("If-Match")
    if sent is None:
        msg = "Say which version this change is meant for: send If-Match with the ETag you read."
        raise PreconditionMissing(msg)
    match = _ETAG.fullmatch(sent.strip())
    if match is None:
        msg = 'If-Match takes one ETag as it was given, for example "3-0123456789abcdef".'
        raise Malformed(msg)
    return int(match[1])


def etag_of(version: int | None, body: bytes) -> str:
    """`"<version>-<digest of this representation>"`; version 0 where a thing has none."""
    return f'"{version or 0}-{hashlib.sha256(body).hexdigest()[:16]}"'


def answer(schema: Schema, result: Any, status: int) -> Response:
    """A service's result in its wire shape, with its ETag; 304 where the caller already has it."""
    if isinstance(result, Page):
        return _page(schema, result)
    body = to_json(serialize(schema, result) if type(result) is dict else schema.dump(result))
    version = result.get("version") if isinstance(result, Mapping) else None
    return _tagged(body, status, version)


def _page(schema: Schema, page: Page) -> Response:
    shown: dict[str, Any] = {
        "data": serialize_page(schema, page),
        "has_more": page.following is not None,
        "next_cursor": None,
    }
    links = []
    if page.following is not None:
        shown["next_cursor"] = cursor_for(viewer(), page.following)
        links.append(("Link", next_link(shown["next_cursor"])))
    if page.total is not None:
        shown["total"] = page.total
    return _tagged(to_json(shown), 200, None, *links)


def fhir(resource: Mapping[str, Any]) -> Response:
    """A FHIR resource, decimals to the digit."""
    return _tagged(dumps(resource), 200, None, content_type="application/fhir+json")


class Whole(Response):
    """An answer that is complete: Werkzeug has nothing left to work out about it when it is sent."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else cast("list[bytes]", self.response)


def _tagged(
    body: bytes, status: int, version: int | None, *more: tuple[str, str], content_type: str = "application/json"
) -> Response:
    tag, environ = etag_of(version, body), request.environ
    known = environ.get("HTTP_IF_NONE_MATCH", "")
    if known and environ["REQUEST_METHOD"] in {"GET", "HEAD"} and (tag in known or known.strip() == "*"):
        return Response(status=304, headers=[("ETag", tag), *more])
    size = str(len(body))
    return Whole(body, status, [("Content-Type", content_type), ("Content-Length", size), ("ETag", tag), *more])
