"""Idempotency-Key: a POST that is sent again is answered again and done once (draft-ietf-httpapi-idempotency-key).

A key belongs to one principal, method and path. Only successes are kept; a repeated answer passes the door again
and is given only while its subject is still visible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import orjson
from flask import Response, request

from portal.core.errors import Malformed
from portal.core.stored_responses import CapturedResponse, KeyedRequest, respond_once
from portal.core.viewer import Viewer
from portal.http.request import viewer

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KEPT_HEADERS = ("Content-Type", "ETag")
IDEMPOTENCY_KEY: Mapping[str, Any] = {
    "in": "header",
    "name": HEADER,
    "description": "Makes it safe to send this request again for 24 hours: any 1 to 255 printable characters, new for "
    "each thing to do. A repeated answer carries `Idempotency-Replayed: true`.",
    "schema": {
        "type": "string",
        "pattern": "^[!-~]([ -~]{0,253}[!-~])?$",
        "maxLength": 255,
        "example": "5f0b2d5e-0d0c-4a51-8a4e-1f6f1c2f7a10",
    },
}
_KEY = re.compile(r'"?([!-~][ -~]{0,254}?)"?')

Sees = Callable[[Viewer, str], Any]
"""Raises NotVisible unless the viewer sees the thing of this id now."""


def never_kept(view: Callable[..., Any]) -> Callable[..., Any]:
    """`view`, refusing a key: its answer holds a secret, or doing it twice does no harm."""

    @wraps(view)
    def answered(*args: Any, **parts: Any) -> Any:
        if HEADER in request.headers:
            msg = f"This request takes no {HEADER}: its answer is never kept, as it may hold a secret. Leave it out."
            raise Malformed(msg)
        return view(*args, **parts)

    return answered


def done_once(view: Callable[..., Response], sees: Sees, *, required: bool = False) -> Callable[..., Response]:
    """`view`, done once per key. What it concerns is the thing its path names first, else those its answer names."""

    @wraps(view)
    def answered(*args: Any, **parts: Any) -> Response:
        key = _key(required=required)
        if key is None:
            return view(*args, **parts)

        request.max_content_length = getattr(view, "largest_body", request.max_content_length)

        def work() -> CapturedResponse:
            response = view(*args, **parts)
            kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            return CapturedResponse(response.status_code, kept, response.get_data())

        asked = KeyedRequest(request.method, request.full_path, key, _canonical(request.get_data(), request.mimetype))
        reply, given_before = respond_once(viewer(), asked, work)
        if given_before:
            for thing_id in _concerned(parts, reply):
                sees(viewer(), thing_id)
        response = Response(reply.body, reply.status, reply.headers)
        if given_before:
            response.headers[REPLAYED] = "true"
        return response

    return answered


def _key(*, required: bool) -> str | None:
    sent = request.headers.get(HEADER)
    if sent is None:
        if required:
            msg = f"Send an {HEADER} with this request, so that it can be sent again without being done twice."
            raise Malformed(msg)
        return None
    match = _KEY.fullmatch(sent)
    if match is None:
        msg = f"An {HEADER} is 1 to 255 printable characters."
        raise Malformed(msg)
    return match[1]


def _canonical(body: bytes, media_type: str) -> bytes:
    """The same for bodies that say the same, and are said to be the same kind of thing."""
    try:
        said = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        said = body
    return said if media_type == "application/json" else media_type.encode() + b" " + said


def _concerned(parts: Mapping[str, Any], reply: CapturedResponse) -> list[str]:
    """The ids of what a reply is about."""
    if parts:
        return [str(next(iter(parts.values())))]
    shown = orjson.loads(reply.body)
    if "id" in shown:
        return [shown["id"]]
    named = [one.get("assignment_id", one.get("resource_id")) for one in shown["results"]]
    return [one for one in named if one is not None]
