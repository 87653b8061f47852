"""What a view needs of the current request: its viewer, its id, the caller's address and a submitted form."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from marshmallow import Schema, ValidationError

from portal.core.errors import Invalid
from portal.core.viewer import Viewer
from portal.core.wire import faults_from
from portal.http.logs import REQUEST_ID, VIEWER

LARGEST_FORM = 50_000
"""Bytes; tens of thousands of small fields would take longer to parse than a person waits."""


def viewer() -> Viewer:
    """Who is asking, identified once per request."""
    environ = request.environ
    found: Viewer | None = environ.get(VIEWER)
    if found is None:
        found = environ[VIEWER] = current_app.extensions["identify"](request)
    return found


def request_id() -> str:
    """The id of the current request in the log and in its response."""
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
