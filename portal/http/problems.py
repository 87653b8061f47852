"""Every no in one shape: problem+json (RFC 9457) for programs, a page for people.

The words are ours throughout: no message of a library, no path, no id and nothing of what was sent comes back.
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
        Kind("malformed", 400, "The request cannot be read", "The request is not in a form this route reads. Check its syntax and parameters against the API description."),
        Kind("unauthenticated", 401, "No valid credential", "Send `Authorization: Bearer <token>` with a token that has not ended. A token comes from `POST /api/v1/sessions`."),
        Kind("forbidden", 403, "Not allowed", "You can see this, but what you asked is not yours to do."),
        Kind("not-found", 404, "Nothing here for you", "Either nothing is here, or it is not for you: the portal answers both alike."),
        Kind("method-not-allowed", 405, "This path does not take that method", "See the Allow header for the methods it takes."),
        Kind("conflict", 409, "Not in this state", "The thing is not in a state that allows this. The answer names the state and the acts it allows now."),
        Kind("duplicate", 409, "This is already there", "The same thing is already open; the answer names it."),
        Kind("stale", 412, "Changed since you read it", "Somebody, perhaps you on another device, changed this. `current` holds what stands now: take it, apply your change again, and send it with the new ETag."),
        Kind("too-large", 413, "Too large", "The request is larger than this route takes. Send less at a time."),
        Kind("unsupported-media-type", 415, "Wrong content type", "Send JSON with `Content-Type: application/json`."),
        Kind("invalid", 422, "Some of it needs a change", "`errors` lists every fault with a JSON pointer to it and the remedy. Nothing was saved."),
        Kind("precondition-required", 428, "If-Match is missing", "A change to content names the version it is meant for: send If-Match with the ETag you read."),
        Kind("too-many", 429, "Too many attempts", "Wait as long as the Retry-After header says, then try again."),
        Kind("internal", 500, "Something went wrong on our side", "It has been noted under the id in `instance`. Nothing you sent was half done: try again."),
        Kind("unavailable", 503, "Not ready", "The portal cannot answer right now. Try again shortly."),
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
    """Make every error of `app` leave in one shape."""
    app.register_error_handler(errors.PortalError, _refused)
    app.register_error_handler(HTTPException, _aborted)
    app.register_error_handler(OperationalError, _out_of_reach)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: errors.PortalError) -> Response:
    members = {"current": error.current, **error.members} if isinstance(error, errors.Stale) else error.members
    response = problem(KINDS[KIND_OF_ERROR[type(error)]], error.detail, members)
    if isinstance(error, errors.TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="portal"'
    if isinstance(error, errors.Stale):
        response.headers["ETag"] = etag_of(error.current.get("version"), to_json(error.current))
    return response


def _aborted(error: HTTPException) -> Response:
    kind = KINDS[KIND_OF_STATUS.get(error.code or 500, "malformed" if (error.code or 500) < 500 else "internal")]  # noqa: PLR2004 -- HTTP's own border
    response = problem(kind)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _out_of_reach(error: OperationalError) -> Response:
    """The database is not there, or too busy to begin: nothing was done, and a retry may well succeed."""
    log.error("database", exc_info=error, extra={"request_id": request_id()})
    response = problem(KINDS["unavailable"])
    response.headers["Retry-After"] = "1"
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected", exc_info=error, extra={"request_id": request_id()})
    return problem(KINDS["internal"])


def problem(kind: Kind, detail: str = "", members: Mapping[str, Any] | None = None) -> Response:
    """The answer for `kind`: JSON under the API and wherever it is asked for, else a page."""
    if not _for_a_program():
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


def _for_a_program() -> bool:
    if request.path.startswith(("/api", "/health")):
        return True
    best = request.accept_mimetypes.best_match(
        ["text/html", "application/problem+json", "application/json"], "text/html"
    )
    return best != "text/html"
