"""The headers every answer carries, whatever its route and status."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

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


def add_headers(app: Flask, *, secure: bool) -> None:
    """Attach the headers to every response of `app`; HSTS only where the public address is https."""

    def nonce() -> str:
        if "csp_nonce" not in g:
            g.csp_nonce = secrets.token_urlsafe(16)
        return str(g.csp_nonce)

    @app.after_request
    def complete(response: Response) -> Response:
        headers = response.headers
        for name, value in EVERYWHERE.items():
            if name not in headers:
                headers[name] = value
        for_programs = request.path.startswith(("/api", "/health"))
        headers["Content-Security-Policy"] = CSP_API if for_programs else CSP_PAGE.format(nonce=nonce())
        if secure:
            headers["Strict-Transport-Security"] = HSTS
        headers["X-Request-Id"] = g.request_id
        if for_programs:
            headers.setdefault("Vary", "Authorization")
        return response

    app.jinja_env.globals["csp_nonce"] = nonce
