"""Service results as JSON and FHIR responses with an ETag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from flask import Response
from marshmallow import Schema

from portal.core.decimal_json import dumps
from portal.core.listing import Page
from portal.http.paging import cursor_for, next_link
from portal.http.preconditions import etag_of, is_current
from portal.http.request import viewer
from portal.http.serializer import serialize, serialize_page, to_json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

JSON, FHIR_JSON = "application/json", "application/fhir+json"


def json_response(schema: Schema, result: Any, status: int) -> Response:
    """A service's result in the shape of `schema`; 304 where the caller already has this representation."""
    if isinstance(result, Page):
        return _page_response(schema, result)
    body = to_json(serialize(schema, result) if type(result) is dict else schema.dump(result))
    version = result.get("version") if isinstance(result, Mapping) else None
    return _response(body, status, version, JSON)


def fhir_response(resource: Mapping[str, Any]) -> Response:
    """A FHIR resource; its decimals keep every digit."""
    return _response(dumps(resource), 200, None, FHIR_JSON)


def _page_response(schema: Schema, page: Page) -> Response:
    body: dict[str, Any] = {
        "data": serialize_page(schema, page),
        "has_more": page.following is not None,
        "next_cursor": None,
    }
    links = []
    if page.following is not None:
        body["next_cursor"] = cursor_for(viewer(), page.following)
        links.append(("Link", next_link(body["next_cursor"])))
    if page.total is not None:
        body["total"] = page.total
    return _response(to_json(body), 200, None, JSON, *links)


class CompleteResponse(Response):
    """A response whose headers are final, so that Werkzeug computes nothing more when it is sent."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else cast("list[bytes]", self.response)


def _response(body: bytes, status: int, version: int | None, content_type: str, *headers: tuple[str, str]) -> Response:
    tag = etag_of(version, body)
    if is_current(tag):
        return Response(status=304, headers=[("ETag", tag), *headers])
    size = str(len(body))
    return CompleteResponse(
        body, status, [("Content-Type", content_type), ("Content-Length", size), ("ETag", tag), *headers]
    )
