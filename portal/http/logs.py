"""One structured line per request: what was asked of which route and how it went, never content.

The route's pattern is logged, not the path, and no query string, header or body.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from portal.core.viewer import ANYONE

access = logging.getLogger("portal.access")
_SHOWN = (
    "request_id",
    "method",
    "route",
    "status",
    "ms",
    "bytes",
    "viewer",
    "job",
    "kind",
    "attempts",
    "tick",
    "count",
)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON; of an exception only its type and place, since messages may quote content."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _SHOWN if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record)
        return json.dumps(line)


def _places(record: logging.LogRecord) -> list[str]:
    places = []
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]


def write_json_lines(level: int = logging.INFO) -> None:
    """Send the portal's log to standard error, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("portal", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(level if name == "portal" else logging.WARNING)


def log_requests(app: Flask) -> None:
    """Give every request an id and, once answered, its line."""

    @app.before_request
    def begin() -> None:
        g.request_id = str(uuid.uuid4())
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        principal = g.get("_login_user")
        viewer = principal.viewer if principal is not None else ANYONE
        access.info(
            "request",
            extra={
                "request_id": g.request_id,
                "method": request.method,
                "route": request.url_rule.rule if request.url_rule else None,
                "status": response.status_code,
                "ms": round((time.perf_counter() - g.began) * 1000, 2),
                "viewer": str(viewer.kind),
            },
        )
        return response
