"""Bar 28: every answer carries the same protective headers, whatever its route and status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.http import headers
from tests.access.table import PRINCIPALS, TABLE, prepared, send
from tests.cast import Cast
from tests.http.client import ask

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

EVERYWHERE: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
NONCE = re.compile(r"'nonce-([\w-]{20,})'")
TELLTALE = {"Server", "X-Powered-By", "Set-Cookie", "Access-Control-Allow-Origin"}


def _check(response: TestResponse, where: str) -> None:
    assert EVERYWHERE.items() <= dict(response.headers).items(), where
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["X-Request-Id"]), where
    assert "camera=()" in response.headers["Permissions-Policy"], where
    assert not TELLTALE & set(response.headers.keys()), where
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert "unsafe" not in policy, where
    if ("/api/" not in where or "/api/docs" in where or "/api/guide" in where) and response.mimetype == "text/html":
        _check_page(response.get_data(as_text=True), policy)
    else:
        assert policy == "default-src 'none'; frame-ancestors 'none'", where


def _check_page(body: str, policy: str) -> None:
    nonces = set(NONCE.findall(policy))
    assert len(nonces) == 1
    assert "form-action 'self'" in policy
    assert "base-uri 'none'" in policy
    tags = re.findall(r"<(?:script|style|link)\b[^>]*>", body)
    assert all(f'nonce="{next(iter(nonces))}"' in tag for tag in tags), "a script or style the policy does not let run"
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", body), "an inline handler or style the policy blocks"
    body = re.sub(r"<code\b.*?</code>", "", body, flags=re.DOTALL)
    assert "//" not in re.sub(r"https?://(localhost|www\.w3\.org)", "", body).replace("http://", ""), "something remote"


def test_every_route_carries_them_for_everyone(cast: Cast) -> None:
    for row in TABLE:
        if row.reads:
            prepared(row, cast)
        for principal in PRINCIPALS:
            if row.reads or row.cells[principal] in {401, 403, 404}:
                _check(
                    send(row, cast, principal, None if row.reads else lambda _name: cast.nobody.id or "0" * 36),
                    str(row),
                )


@pytest.mark.parametrize(
    ("status", "method", "path", "sent"),
    [
        (304, "GET", "/api/v1/practice", {}),
        (204, "DELETE", "/api/v1/sessions/current", {}),
        (400, "GET", "/api/v1/assignments?nothing=1", {}),
        (405, "PUT", "/api/v1/assignments", {}),
        (413, "POST", "/api/v1/clients", {"data": b"x" * 1_000_001, "content_type": "application/json"}),
        (415, "POST", "/api/v1/clients", {"data": b"x", "content_type": "text/plain"}),
        (422, "POST", "/api/v1/clients", {"json": {}}),
        (404, "GET", "/api/v1/nothing", {}),
        (404, "GET", "/nothing", {}),
        (405, "PUT", "/setup", {}),
        (403, "POST", "/setup", {"data": {"token": "x"}, "headers": {"Origin": "https://evil.example"}}),
        (422, "POST", "/setup", {"data": {"token": "x"}, "headers": {"Origin": "http://localhost"}}),
        (200, "OPTIONS", "/api/v1/assignments", {}),
        (200, "HEAD", "/api/v1/assignments", {}),
    ],
)
def test_every_status_carries_them(status: int, method: str, path: str, sent: dict[str, Any], cast: Cast) -> None:
    more = {"If-None-Match": cast.therapist.etag("/practice"), **sent.get("headers", {})}
    response = ask(cast, method, path, cast.therapist, **{**sent, "headers": more})
    assert response.status_code == status
    _check(response, path)


@pytest.mark.parametrize("path", ["/api/v1/practice", "/setup"])
def test_a_failure_of_ours_carries_them(path: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_values: Any) -> None:
        raise RuntimeError

    for endpoint in ("accounts_staff.get_practice", "accounts_pages.show_setup"):
        monkeypatch.setitem(cast.app.view_functions, endpoint, fails)
    response = ask(cast, "GET", path, cast.therapist)
    assert response.status_code == 500
    _check(response, path)


def test_a_nonce_is_used_once(cast: Cast) -> None:
    seen = {NONCE.findall(ask(cast, "GET", "/setup").headers["Content-Security-Policy"])[0] for _ in range(20)}
    assert len(seen) == 20


def test_every_request_has_an_id_of_its_own_whatever_the_caller_sends(cast: Cast) -> None:
    sent = {"X-Request-Id": "11111111-1111-1111-1111-111111111111"}
    seen = {cast.nobody.get("/me", headers=sent).headers["X-Request-Id"] for _ in range(10)}
    assert len(seen) == 10
    assert sent["X-Request-Id"] not in seen


def test_no_other_site_is_let_in_by_its_origin(cast: Cast) -> None:
    for method in ("GET", "OPTIONS"):
        sent = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        response = ask(cast, method, "/api/v1/practice", cast.therapist, headers=sent)
        assert not [name for name in response.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118 -- headers iterate as pairs


def test_answers_of_the_api_vary_with_who_asks(cast: Cast) -> None:
    for response in (cast.therapist.get("/practice"), cast.nobody.get("/practice"), cast.client.get("/practice")):
        assert "Authorization" in response.headers["Vary"]


@pytest.mark.parametrize("secure", [True, False])
def test_only_an_https_address_promises_https_for_the_future(secure: bool) -> None:
    bare = Flask("bare")
    headers.add_headers(bare, secure=secure)
    promised = bare.test_client().get("/").headers.get("Strict-Transport-Security")
    assert promised == ("max-age=63072000; includeSubDomains" if secure else None)
