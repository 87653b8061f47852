"""Idempotency-Key: a POST that is sent again is answered again and done once (draft-ietf-httpapi-idempotency-key).

A key belongs to one principal, method and path. Only successful responses are stored; a replay passes the door of its
area again and is sent only while its subject is still visible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import orjson
from flask import Response, request

from portal.core.errors import Malformed
from portal.core.stored_responses import CapturedResponse, KeyedRequest, respond_once
from portal.core.viewer import Viewer
from portal.http.request import viewer

HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
STORED_HEADERS = ("Content-Type", "ETag")
_KEY = re.compile(r'"?([!-~][ -~]{0,254}?)"?')

View = Callable[..., Any]
IsVisible = Callable[[Viewer, str], Any]
"""Raises NotVisible unless the viewer can see the thing with this id now."""
SubjectIds = Callable[[Mapping[str, Any]], Iterable[str]]
"""Reads from a response the ids of the things it is about."""


def id_of_response(response: Mapping[str, Any]) -> list[str]:
    return [response["id"]]


def refuse_key(view: View) -> View:
    """Let `view` answer 400 to a key: its response may hold a secret, or doing it twice does no harm."""

    @wraps(view)
    def without_key(*args: Any, **path: Any) -> Any:
        if HEADER in request.headers:
            msg = f"This route takes no {HEADER}, because its response is never stored. Leave the header out."
            raise Malformed(msg)
        return view(*args, **path)

    return without_key


def respond_once_per_key(view: View, is_visible: IsVisible, subject_ids: SubjectIds, *, required: bool) -> View:
    """Let `view` run once per key and replay its stored response afterwards."""

    @wraps(view)
    def with_key(*args: Any, **path: Any) -> Response:
        key = _key_sent(required=required)
        if key is None:
            response: Response = view(*args, **path)
            return response

        request.max_content_length = getattr(view, "largest_body", request.max_content_length)

        def work() -> CapturedResponse:
            response = view(*args, **path)
            headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
            return CapturedResponse(response.status_code, headers, response.get_data())

        body = _canonical_body(request.get_data(), request.mimetype)
        captured, is_replay = respond_once(viewer(), KeyedRequest(request.method, request.full_path, key, body), work)
        response = Response(captured.body, captured.status, captured.headers)
        if is_replay:
            ids = [str(next(iter(path.values())))] if path else subject_ids(orjson.loads(captured.body))
            for thing_id in ids:
                is_visible(viewer(), thing_id)
            response.headers[REPLAYED_HEADER] = "true"
        return response

    return with_key


def _key_sent(*, required: bool) -> str | None:
    sent = request.headers.get(HEADER)
    if sent is None:
        if required:
            msg = f"Send an {HEADER} with this request, so that it is safe to repeat."
            raise Malformed(msg)
        return None
    match = _KEY.fullmatch(sent)
    if match is None:
        msg = f"An {HEADER} is 1 to 255 printable characters."
        raise Malformed(msg)
    return match[1]


def _canonical_body(body: bytes, media_type: str) -> bytes:
    """The same bytes for bodies of one media type that hold the same JSON."""
    try:
        canonical = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        canonical = body
    return canonical if media_type == "application/json" else media_type.encode() + b" " + canonical
