"""The log: one line of JSON per request, with its route and outcome and never its content.

The pattern of the route is logged, not the path, and no query string, header or body.
"""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import orjson

from portal.core.viewer import ANYONE

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

access = logging.getLogger("portal.access")
_LOGGED_MEMBERS = (
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
    """A record as a line of JSON; of an exception its type and place alone, since its message may quote content."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": _at(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        members = record.__dict__
        line |= {name: members[name] for name in _LOGGED_MEMBERS if name in members}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _traceback_places(record)
        return orjson.dumps(line, default=str).decode()


def _traceback_places(record: logging.LogRecord) -> list[str]:
    places = []
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


_request_log: TextIO | None = None
"""Where the lines of requests go; a logger would cost as much as a query for each."""


def write_json_lines(level: int = logging.INFO) -> None:
    """Send the portal's log to standard error, a line of JSON each."""
    global _request_log  # noqa: PLW0603 -- the process has one log
    _request_log = sys.stderr
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("portal", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(level if name == "portal" else logging.WARNING)


REQUEST_ID, VIEWER = "portal.request_id", "portal.viewer"
"""Keys of the WSGI environ for the request's id and for its viewer."""


def log_request(environ: WSGIEnvironment, request_id: str, status: str, seconds: float) -> None:
    """Write the line of a finished request."""
    if not access.isEnabledFor(logging.INFO):
        return
    request = environ.get("werkzeug.request")
    rule = None if request is None else request.url_rule
    line = {
        "request_id": request_id,
        "method": environ["REQUEST_METHOD"],
        "route": None if rule is None else rule.rule,
        "status": int(status[:3]),
        "ms": round(seconds * 1000, 2),
        "viewer": environ.get(VIEWER, ANYONE).kind,
    }
    if _request_log is None:
        access.info("request", extra=line)
    else:
        head = {"at": _at(time.time()), "level": "info", "logger": access.name, "message": "request"}
        _request_log.write(orjson.dumps({**head, **line}, option=orjson.OPT_APPEND_NEWLINE).decode())
        _request_log.flush()
