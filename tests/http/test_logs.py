"""A line per request, with its id and never its content."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from portal.http.logs import JsonLines, write_json_lines
from tests.cast import Cast
from tests.http.client import ask

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

CANARY = "canary7f3a"
MEMBERS = {"at", "level", "logger", "message", "request_id", "method", "route", "status", "ms", "viewer"}


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Everything logged anywhere, as it is written in earnest."""
    formatter = JsonLines()
    return [json.loads(formatter.format(record)) for record in caplog.records]


def _accesses(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [line for line in _lines(caplog) if line["logger"] == "portal.access"]


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_a_request_leaves_one_line_with_the_id_its_answer_carries(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    for actor, path, status, viewer in (
        (cast.therapist, "/assignments", 200, "staff"),
        (cast.client, "/me", 200, "client"),
        (cast.nobody, "/me", 401, "anyone"),
        (cast.client, "/assignments", 404, "client"),
        (cast.nobody, "/nothing", 404, "anyone"),
    ):
        caplog.clear()
        response = actor.get(path)
        (line,) = _accesses(caplog)
        assert set(line) == MEMBERS
        assert line["request_id"] == response.headers["X-Request-Id"]
        assert (line["method"], line["status"], line["viewer"]) == ("GET", status, viewer), path
        assert line["ms"] >= 0


def test_the_line_names_the_route_and_not_the_path(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    cast.therapist.get(f"/assignments/{cast.things['client.submitted']}?expand=client")
    assert _accesses(caplog)[-1]["route"] == "/api/v1/assignments/<id:assignment_id>"
    assert cast.things["client.submitted"] not in json.dumps(_accesses(caplog))


def test_nothing_that_was_sent_is_in_any_line(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    wild = {"X-Anything": CANARY, "User-Agent": CANARY, "Referer": f"https://{CANARY}.example", "Cookie": f"a={CANARY}"}
    mine = f"/api/v1/me/assignments/{cast.things['client.draft']}"
    sent = {"answers": [{"block": "need", "value": CANARY}]}
    tag = {"If-Match": '"2-0000000000000000"'}
    saved = ask(cast, "PATCH", f"{mine}/response", cast.client, json=sent, headers={**wild, **tag})
    assert saved.status_code == 200
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{mine}/comments", {"json": {"body": CANARY}}),
        ("POST", f"{mine}/comments", {"json": {CANARY: CANARY}}),
        ("POST", f"{mine}/comments", {"data": CANARY, "content_type": "application/json"}),
        ("POST", f"{mine}/comments", {"data": CANARY, "content_type": CANARY}),
        ("GET", f"/api/v1/me/assignments?{CANARY}={CANARY}", {}),
        ("GET", f"/api/v1/me/assignments?cursor={CANARY}", {}),
        ("GET", f"/api/v1/{CANARY}", {}),
        ("GET", f"/{CANARY}", {}),
        ("GET", f"/problems/{CANARY}", {}),
        (
            "POST",
            "/api/v1/sessions",
            {"json": {"practice": "linden", "email": f"{CANARY}@x.example", "password": CANARY}},
        ),
        (
            "POST",
            "/invitation",
            {"data": {"token": CANARY, "password": CANARY * 2}, "headers": {"Origin": "http://localhost"}},
        ),
        ("DELETE", f"/api/v1/sessions/{CANARY}", {}),
    ]
    for method, path, more in requests:
        headers = {**wild, **more.pop("headers", {})}
        ask(cast, method, path, cast.client, headers=headers, **more)
    ask(cast, "GET", "/api/v1/me", headers={"Authorization": f"Bearer {CANARY}"})
    assert len(_accesses(caplog)) == 14
    assert CANARY not in json.dumps(_lines(caplog))
    assert str(cast.client.token) not in json.dumps(_lines(caplog))


def test_of_a_failure_only_kind_and_place_are_written(
    cast: Cast, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_values: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setitem(cast.app.view_functions, "accounts_person.get_me", fails)
    response = cast.client.get("/me")
    assert response.status_code == 500
    (line,) = [line for line in _lines(caplog) if line["level"] == "error"]
    assert line["request_id"] == response.headers["X-Request-Id"]
    assert line["error"] == "RuntimeError"
    assert any("fails" in place for place in line["where"])
    assert CANARY not in json.dumps(_lines(caplog))


def test_names_and_addresses_of_people_are_in_no_line(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    cast.therapist.get(f"/clients/{cast.client.id}")
    cast.therapist.get("/clients?sort=name")
    cast.therapist.get(f"/assignments/{cast.things['client.submitted']}/attempts/1")
    written = json.dumps(_lines(caplog))
    for word in (cast.client.email, cast.client.id, "what client needs", cast.therapist.id):
        assert word not in written


def test_the_log_goes_to_standard_error_as_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    portal = logging.getLogger("portal")
    handlers, propagate, level = portal.handlers[:], portal.propagate, portal.level
    try:
        write_json_lines()
        logging.getLogger("portal.access").info("request", extra={"status": 200, "secret": CANARY})
        logging.getLogger("portal.access").debug("not this one")
    finally:
        portal.handlers[:], portal.propagate = handlers, propagate
        portal.setLevel(level)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert (json.loads(line)["status"], json.loads(line)["level"]) == (200, "info")
    assert CANARY not in line
