"""Error responses: problem+json (RFC 9457) for programs, a page for people.

Every sentence is the portal's: no message of a library, no path, no id and nothing that was sent is in a response.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, render_template, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from portal.core import errors
from portal.http.preconditions import etag_of
from portal.http.request import request_id
from portal.http.serializer import to_json

log = logging.getLogger("portal.http")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its slug is the page at `/problems/<slug>`."""

    slug: str
    status: int
    title: str
    meaning: str


KINDS: Mapping[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind("malformed", 400, "The request cannot be read", "The request is not what this route accepts. Check its syntax and parameters against the API description."),
        Kind("unauthenticated", 401, "No valid credential", "Send `Authorization: Bearer <token>` with a valid token. You get a token from `POST /api/v1/sessions`."),
        Kind("forbidden", 403, "Not allowed", "You can see this, but you may not do that."),
        Kind("not-found", 404, "Not found", "Either nothing is here, or you may not see it: the response is the same for both."),
        Kind("method-not-allowed", 405, "Method not allowed", "The Allow header lists the methods of this path."),
        Kind("conflict", 409, "Not in this state", "The current state does not allow this. `state` names it, and `allowed` lists what you can do now."),
        Kind("duplicate", 409, "Already exists", "The same thing already exists; the response names it."),
        Kind("stale", 412, "Changed since you read it", "Somebody changed this, perhaps you on another device. `current` holds what is there now: apply your change to it and send it with the new ETag."),
        Kind("too-large", 413, "Too large", "The request is larger than this route accepts. Send less at a time."),
        Kind("unsupported-media-type", 415, "Wrong content type", "Send JSON with `Content-Type: application/json`."),
        Kind("invalid", 422, "Some of it needs a change", "`errors` says what to change, with a JSON pointer to each place. Nothing was saved."),
        Kind("precondition-required", 428, "If-Match is missing", "Send If-Match with the ETag you read, so that the change applies to that version."),
        Kind("too-many", 429, "Too many attempts", "Wait as long as the Retry-After header says, then try again."),
        Kind("internal", 500, "Something went wrong on our side", "It was logged under the id in `instance`. Nothing was done by halves: try again."),
        Kind("unavailable", 503, "Not available", "The portal cannot serve this request right now. Try again shortly."),
    )
}  # fmt: skip

KIND_OF_ERROR: Mapping[type[errors.PortalError], str] = {
    errors.Unauthenticated: "unauthenticated",
    errors.NotVisible: "not-found",
    errors.Forbidden: "forbidden",
    errors.Conflict: "conflict",
    errors.Duplicate: "duplicate",
    errors.Stale: "stale",
    errors.PreconditionMissing: "precondition-required",
    errors.Malformed: "malformed",
    errors.UnsupportedMedia: "unsupported-media-type",
    errors.Invalid: "invalid",
    errors.TooManyRequests: "too-many",
    errors.Unavailable: "unavailable",
}
KIND_OF_STATUS: Mapping[int, str] = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    503: "unavailable",
}


def shape_errors(app: Flask) -> None:
    """Shape every error response of `app`."""
    app.register_error_handler(errors.PortalError, _portal_error_response)
    app.register_error_handler(HTTPException, _http_error_response)
    app.register_error_handler(OperationalError, _database_error_response)
    app.register_error_handler(Exception, _unexpected_error_response)


def _portal_error_response(error: errors.PortalError) -> Response:
    members = {"current": error.current, **error.members} if isinstance(error, errors.Stale) else error.members
    response = problem_response(KINDS[KIND_OF_ERROR[type(error)]], error.detail, members)
    if isinstance(error, errors.TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="portal"'
    if isinstance(error, errors.Stale):
        response.headers["ETag"] = etag_of(error.current.get("version"), to_json(error.current))
    return response


def _http_error_response(error: HTTPException) -> Response:
    kind = KINDS[KIND_OF_STATUS.get(error.code or 500, "malformed" if (error.code or 500) < 500 else "internal")]  # noqa: PLR2004 -- HTTP's own border
    response = problem_response(kind)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _database_error_response(error: OperationalError) -> Response:
    """The database cannot be reached or is too busy: nothing was done, and a retry may succeed."""
    log.error("database", exc_info=error, extra={"request_id": request_id()})
    response = problem_response(KINDS["unavailable"])
    response.headers["Retry-After"] = "1"
    return response


def _unexpected_error_response(error: Exception) -> Response:
    log.error("unexpected", exc_info=error, extra={"request_id": request_id()})
    return problem_response(KINDS["internal"])


def problem_response(kind: Kind, detail: str = "", members: Mapping[str, Any] | None = None) -> Response:
    """The response for `kind`: JSON under the API and wherever the request prefers it, else a page."""
    if not _prefers_json():
        page = render_template("problem.html", kind=kind, detail=detail or kind.meaning)
        return Response(page, kind.status, mimetype="text/html")
    body = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail or kind.meaning,
        "instance": f"urn:uuid:{request_id()}",
        **(members or {}),
    }
    return Response(to_json(body), kind.status, mimetype="application/problem+json")


def _prefers_json() -> bool:
    if request.path.startswith(("/api", "/health")):
        return True
    best = request.accept_mimetypes.best_match(
        ["text/html", "application/problem+json", "application/json"], "text/html"
    )
    return best != "text/html"
