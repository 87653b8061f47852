"""The headers of every response, whatever its route and status."""

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

COMMON_HEADERS = {
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
CSP_SWAGGER_UI = CSP_PAGE.replace("img-src 'self'", "img-src 'self' data:")
"""Swagger UI draws its icons from data: addresses."""
HSTS = "max-age=63072000; includeSubDomains"
PROGRAM_PATHS = ("/api", "/health")
SWAGGER_UI_PATH = "/api/docs"
PAGE_PATHS = frozenset({SWAGGER_UI_PATH, "/api/guide"})
"""Pages below a path for programs."""


class _AddHeaders:
    """WSGI middleware that adds the headers after Werkzeug, which would validate each of them again."""

    def __init__(self, application: WSGIApplication, headers: Sequence[tuple[str, str]]) -> None:
        self._application = application
        self._page_headers = [*headers]
        self._program_headers = [*headers, ("Content-Security-Policy", CSP_API), ("Vary", "Authorization")]
        self._names = frozenset(name for name, _ in self._program_headers)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[REQUEST_ID] = request_id = str(uuid_utils.uuid4())
        started = time.perf_counter()

        def complete(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            present = {name for name, _ in headers}
            added = self._headers_for(environ)
            headers += added if self._names.isdisjoint(present) else [pair for pair in added if pair[0] not in present]
            headers.append(("X-Request-Id", request_id))
            write_line(environ, request_id, status, time.perf_counter() - started)
            return start_response(status, headers, *error)

        return self._application(environ, complete)

    def _headers_for(self, environ: WSGIEnvironment) -> list[tuple[str, str]]:
        path = environ["PATH_INFO"]
        if path.startswith(PROGRAM_PATHS) and path not in PAGE_PATHS:
            return self._program_headers
        policy = CSP_SWAGGER_UI if path == SWAGGER_UI_PATH else CSP_PAGE
        return [*self._page_headers, ("Content-Security-Policy", policy.format(nonce=_nonce(environ)))]


def _nonce(environ: WSGIEnvironment) -> str:
    """The nonce of the scripts and styles of one response."""
    return str(environ.setdefault("portal.nonce", secrets.token_urlsafe(16)))


def add_headers(app: Flask, *, secure: bool) -> None:
    """Add the headers to every response of `app` that does not set them itself; HSTS only on https addresses."""
    common = [*COMMON_HEADERS.items()]
    if secure:
        common.append(("Strict-Transport-Security", HSTS))
    app.wsgi_app = _AddHeaders(app.wsgi_app, common)  # type: ignore[method-assign]  # -- Flask's documented way
    app.jinja_env.globals["csp_nonce"] = lambda: _nonce(request.environ)
