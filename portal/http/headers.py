"""The headers every answer carries, whatever its route and status."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import uuid_utils
from flask import Flask, request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from portal.http.logs import REQUEST_ID, write_line

EVERYWHERE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
CSP_API = "default-src 'none'; frame-ancestors 'none'"
CSP_PAGE = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HSTS = "max-age=63072000; includeSubDomains"
FOR_PROGRAMS = ("/api", "/health")
ABOUT_PROGRAMS = "/api/docs"


class _Edge:
    """The application, every answer completed on its way out, where Werkzeug would check each header again."""

    def __init__(self, application: WSGIApplication, headers: Sequence[tuple[str, str]]) -> None:
        self._application = application
        self._pages = [*headers]
        self._programs = [*headers, ("Content-Security-Policy", CSP_API), ("Vary", "Authorization")]
        self._names = frozenset(name for name, _ in self._programs)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[REQUEST_ID] = request_id = str(uuid_utils.uuid4())
        began = time.perf_counter()

        def complete(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            given = {name for name, _ in headers}
            due = self._due(environ)
            headers += due if self._names.isdisjoint(given) else [pair for pair in due if pair[0] not in given]
            headers.append(("X-Request-Id", request_id))
            write_line(environ, request_id, status, time.perf_counter() - began)
            return start_response(status, headers, *error)

        return self._application(environ, complete)

    def _due(self, environ: WSGIEnvironment) -> list[tuple[str, str]]:
        path = environ["PATH_INFO"]
        if path.startswith(FOR_PROGRAMS) and not path.startswith(ABOUT_PROGRAMS):
            return self._programs
        return [*self._pages, ("Content-Security-Policy", CSP_PAGE.format(nonce=_nonce(environ)))]


def _nonce(environ: WSGIEnvironment) -> str:
    """What the scripts of this one page are let through by."""
    return str(environ.setdefault("portal.nonce", secrets.token_urlsafe(16)))


def add_headers(app: Flask, *, secure: bool) -> None:
    """Attach the headers to every response of `app` that has not its own; HSTS only where the address is https."""
    everywhere = [*EVERYWHERE.items()]
    if secure:
        everywhere.append(("Strict-Transport-Security", HSTS))
    app.wsgi_app = _Edge(app.wsgi_app, everywhere)  # type: ignore[method-assign]  # -- Flask's documented way
    app.jinja_env.globals["csp_nonce"] = lambda: _nonce(request.environ)
