"""Bar 23: every no has one shape, says what to do instead, and tells nothing of the inside or of what was sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.core import errors
from portal.core.ids import new_id
from portal.http.problems import KIND_OF_ERROR, KIND_OF_STATUS, KINDS
from tests.access.table import TABLE, rule_of
from tests.cast import Cast
from tests.http.client import ask

MEMBERS = {"type", "title", "status", "detail", "instance"}
MORE = {"errors", "current", "state", "allowed", "assignment_id", "attempt", "response_version"}
INTERNALS = re.compile(
    r"Traceback|File \"|portal/|site-packages|sqlalchemy|psycopg|sqlite|SELECT |werkzeug|marshmallow", re.IGNORECASE
)
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def _is_a_problem(response: TestResponse, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "application/problem+json"
    shown: dict[str, Any] = response.get_json()
    assert set(shown) >= MEMBERS
    assert set(shown) <= MEMBERS | MORE
    assert (shown["type"], shown["status"], shown["title"]) == (f"/problems/{slug}", status, KINDS[slug].title)
    assert shown["instance"] == f"urn:uuid:{response.headers['X-Request-Id']}"
    assert shown["detail"]
    assert not INTERNALS.search(response.get_data(as_text=True))
    return shown


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"a": 1,}', b"{'a': 1}", b"NaN", b"1e999"]
)
def test_a_body_that_is_not_a_json_object_is_malformed(body: bytes, cast: Cast) -> None:
    response = ask(cast, "POST", "/api/v1/clients", cast.therapist, data=body, content_type="application/json")
    _is_a_problem(response, 400, "malformed")


def test_bodies_nested_without_end_are_refused(cast: Cast) -> None:
    for body in (b"[" * 100_000, b'{"a":' * 100_000):
        response = ask(cast, "POST", "/api/v1/clients", cast.therapist, data=body, content_type="application/json")
        _is_a_problem(response, 400, "malformed")


def test_the_fault_in_the_json_is_placed_without_being_quoted(cast: Cast) -> None:
    body = b'{"name": "canary-name",\n "email": canary-mail}'
    response = ask(cast, "POST", "/api/v1/clients", cast.therapist, data=body, content_type="application/json")
    assert "line 2" in _is_a_problem(response, 400, "malformed")["detail"]
    assert "canary" not in response.get_data(as_text=True)


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_another_kind_of_body_is_not_read(kind: str, cast: Cast) -> None:
    sent = b'{"name": "N", "email": "n@x.example"}'
    response = ask(cast, "POST", "/api/v1/clients", cast.therapist, data=sent, content_type=kind)
    _is_a_problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
def test_json_is_read_under_each_of_its_names(kind: str, cast: Cast) -> None:
    path = f"/api/v1/clients/{cast.client.id}"
    tag = {"If-Match": cast.therapist.etag(f"/clients/{cast.client.id}")}
    response = ask(cast, "PATCH", path, cast.therapist, data=b'{"name": "N"}', content_type=kind, headers=tag)
    assert response.status_code == 200


def test_every_fault_is_pointed_at_and_none_is_quoted(cast: Cast) -> None:
    sent = {"name": "", "email": "canary mail", "delivery": "canary pigeon", "canary_member": 1}
    response = cast.therapist.post("/clients", sent)
    faults = _is_a_problem(response, 422, "invalid")["errors"]
    assert {fault["pointer"] for fault in faults} == {"#/name", "#/email", "#/delivery", "#/canary_member"}
    assert all(set(fault) - {"params"} == {"pointer", "code", "detail"} for fault in faults)
    assert all(fault["code"] and fault["detail"] for fault in faults)
    assert "canary" not in str([fault.get("params") for fault in faults])
    assert "canary mail" not in response.get_data(as_text=True)
    assert "pigeon" not in response.get_data(as_text=True)


def test_a_pointer_reaches_into_lists_and_escapes_names(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.draft']}/response"
    sent = {"answers": [{"block": "before", "value": 1}, {"block": "safe", "value": True, "a/b~c": 1}]}
    response = cast.client.patch(path, sent, '"2-0000000000000000"')
    faults = _is_a_problem(response, 422, "invalid")["errors"]
    assert [fault["pointer"] for fault in faults] == ["#/answers/1/a~1b~0c"]


@pytest.mark.parametrize("kind", [[], {}, 5, None, True, "x" * 200_000])
def test_a_member_of_the_wrong_kind_is_a_fault_not_a_failure(kind: Any, cast: Cast) -> None:
    response = cast.therapist.post("/clients", {"name": kind, "email": kind, "time_zone": kind, "delivery": kind})
    assert _is_a_problem(response, 422, "invalid")["errors"]


def test_every_member_of_every_body_bears_every_kind_of_value(cast: Cast) -> None:
    """None of them is a 500."""
    wild: list[Any] = [
        None,
        True,
        -1,
        10**30,
        1.5,
        "",
        "\x00",
        "\ud800",
        "x" * 10_000,
        [],
        [[]],
        {},
        {"a": {"a": []}},
        [None],
    ]
    failed = []
    for row in TABLE:
        if row.body is None or max(row.cells.values()) >= 404 > min(row.cells.values()) >= 401:
            continue
        actor = next((cast.everyone()[name] for name, status in row.cells.items() if status < 300), cast.nobody)
        for name in row.body:
            for value in wild:
                path = re.sub(r"<[^>]*>", new_id(), row.path)
                version = {"If-Match": '"1-0000000000000000"'}
                response = ask(cast, row.method, path, actor, json={**row.body, name: value}, headers=version)
                if response.status_code >= 500:
                    failed.append((str(row), name, value))
    assert failed == []


def test_a_body_that_is_too_large_is_not_read(cast: Cast) -> None:
    body = b'{"name": "' + b"x" * 1_000_001 + b'"}'
    response = ask(cast, "POST", "/api/v1/clients", cast.therapist, data=body, content_type="application/json")
    _is_a_problem(response, 413, "too-large")


def test_nobody_learns_the_schema_of_a_route_behind_a_door(cast: Cast) -> None:
    """Authentication comes before every check of the body."""
    for path in ("/clients", "/assignments", "/resources"):
        for data, kind in ((b"{", "application/json"), (b"x", "text/plain"), (b"{}", "application/json")):
            response = ask(cast, "POST", f"/api/v1{path}", data=data, content_type=kind)
            _is_a_problem(response, 401, "unauthenticated")


def test_an_unsupported_method_gets_the_list_of_supported_ones(cast: Cast) -> None:
    taken: dict[str, set[str]] = {}
    examples: dict[str, str] = {}
    for row in TABLE:
        rule = rule_of(row, cast.app).rule
        taken.setdefault(rule, set()).add(row.method)
        examples[rule] = re.sub(r"<[^>]*>", new_id(), row.path)
    for rule, path in examples.items():
        for method in METHODS - taken[rule]:
            response = ask(cast, method, path, headers={"Accept": "application/json"})
            _is_a_problem(response, 405, "method-not-allowed")
            allowed = {word.strip() for word in response.headers["Allow"].split(",")}
            assert allowed - {"HEAD", "OPTIONS"} == taken[rule], (method, rule)


def test_a_path_nobody_has_is_not_found_before_any_door(cast: Cast) -> None:
    for path in ("/api/v1/nothing", "/api/v2/me", "/api", "/api/v1/clients/not-an-id", "/api/v1//me", "/api/v1/me/"):
        for method in METHODS:
            _is_a_problem(ask(cast, method, path), 404, "not-found")


def test_a_change_without_if_match_is_428(cast: Cast) -> None:
    for row in TABLE:
        if row.version is None or 200 not in row.cells.values():
            continue
        principal = next(name for name, status in row.cells.items() if status == 200)
        path = re.sub(r"<([^>]*)>", lambda found: _id(cast, found[1]), row.path)
        response = ask(cast, row.method, path, cast.everyone()[principal], json=row.body)
        _is_a_problem(response, 428, "precondition-required")


def test_a_change_meant_for_another_version_is_stale_and_carries_what_stands_now(cast: Cast) -> None:
    for row in TABLE:
        if row.version is None or 200 not in row.cells.values():
            continue
        actor = cast.everyone()[next(name for name, status in row.cells.items() if status == 200)]
        path = re.sub(r"<([^>]*)>", lambda found: _id(cast, found[1]), row.path)
        old = {"If-Match": '"77-0000000000000000"'}
        response = ask(cast, row.method, path, actor, json=row.body, headers=old)
        current = _is_a_problem(response, 412, "stale")["current"]
        now = ask(cast, "GET", path.removesuffix("/plan"), actor)
        assert now.status_code == 200, f"{row}: what takes If-Match has to be readable with GET at the same path"
        assert current == now.get_json(), str(row)
        assert response.headers["ETag"] == now.headers["ETag"], str(row)


def _id(cast: Cast, name: str) -> str:
    return cast.things[name] if name in cast.things else cast.everyone()[name].id


def test_a_state_that_does_not_allow_it_is_named_with_what_is_allowed(cast: Cast) -> None:
    response = cast.client.post(f"/me/assignments/{cast.things['client.submitted']}/pause")
    shown = _is_a_problem(response, 409, "conflict")
    assert (shown["state"], shown["allowed"]) == ("submitted", ["recall"])


def test_what_is_already_there_is_named(cast: Cast) -> None:
    given = {"client_id": cast.client.id, "resource_id": cast.things["linden.reading"], "why": "Again."}
    shown = _is_a_problem(cast.therapist.post("/assignments", given), 409, "duplicate")
    assert shown["assignment_id"] == cast.things["client.reading"]


def test_too_many_attempts_get_retry_after(cast: Cast) -> None:
    sent = {"practice": "linden", "email": cast.client.email, "password": "not the right one at all"}
    for _ in range(5):
        _is_a_problem(cast.nobody.post("/sessions", sent), 401, "unauthenticated")
    response = cast.nobody.post("/sessions", sent)
    _is_a_problem(response, 429, "too-many")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_a_request_without_a_credential_learns_how_to_get_one(cast: Cast) -> None:
    for actor in (cast.nobody, cast.outsider, cast.leaver):
        response = actor.get("/me")
        _is_a_problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="portal"'


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
def test_an_unexpected_error_reveals_nothing(accept: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "canary: SELECT secret FROM people"

    def fails(**_values: Any) -> None:
        raise RuntimeError(canary)

    monkeypatch.setitem(cast.app.view_functions, "accounts_person.get_me", fails)
    response = cast.client.get("/me", headers={"Accept": accept})
    _is_a_problem(response, 500, "internal")
    assert "canary" not in response.get_data(as_text=True)
    assert "RuntimeError" not in response.get_data(as_text=True)


@pytest.mark.parametrize("slug", list(KINDS))
def test_the_type_of_a_problem_is_a_page(slug: str, cast: Cast) -> None:
    response = ask(cast, "GET", f"/problems/{slug}")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert KINDS[slug].title in response.get_data(as_text=True)
    assert str(KINDS[slug].status) in response.get_data(as_text=True)


def test_every_error_the_portal_knows_has_its_kind() -> None:
    def below(error: type[errors.PortalError]) -> set[type[errors.PortalError]]:
        return {error}.union(*(below(inner) for inner in error.__subclasses__()))

    assert set(KIND_OF_ERROR) == below(errors.PortalError) - {errors.PortalError}
    assert set(KIND_OF_ERROR.values()) | set(KIND_OF_STATUS.values()) <= set(KINDS)


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("", "text/html"),
        ("application/json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
    ],
)
def test_people_outside_the_api_get_a_page_and_programs_a_problem(accept: str, mimetype: str, cast: Cast) -> None:
    response = ask(cast, "GET", "/nothing-here", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.mimetype) == (404, mimetype)
    assert "nothing-here" not in response.get_data(as_text=True)


def test_under_the_api_a_browser_gets_a_problem_too(cast: Cast) -> None:
    response = cast.nobody.get("/me", headers={"Accept": "text/html"})
    _is_a_problem(response, 401, "unauthenticated")


def test_no_error_repeats_an_id_or_a_word_that_was_sent(cast: Cast) -> None:
    hidden, word = new_id(), "canarycanary"
    for actor, method, path, body in (
        (cast.therapist, "GET", f"/clients/{hidden}", None),
        (cast.therapist, "GET", f"/assignments?{word}=1", None),
        (cast.therapist, "GET", f"/assignments?status={word}", None),
        (cast.therapist, "GET", f"/assignments?cursor={word}", None),
        (cast.therapist, "GET", f"/clients/{word}", None),
        (cast.therapist, "POST", "/clients", {"name": word, "email": word}),
        (cast.therapist, "POST", "/assignments", {"client_id": word, "resource_id": hidden, "why": word}),
        (cast.therapist, "POST", "/assignments", {"client_id": hidden, "resource_id": hidden, "why": word}),
        (cast.owner, "POST", f"/staff/{cast.therapist.id}/hand-over", {"therapist_id": hidden}),
        (cast.nobody, "POST", "/sessions", {"practice": word, "email": f"{word}@x.example", "password": word}),
        (cast.nobody, "POST", "/invitations/accept", {"token": word, "password": word * 2}),
    ):
        response = actor.ask(method, path, **({} if body is None else {"json": body}))
        assert response.status_code >= 400, path
        shown = response.get_data(as_text=True)
        assert hidden not in shown, path
        assert word not in shown.replace(f'"#/{word}"', ""), path


def test_pages_echo_nothing_unescaped(app: Flask) -> None:
    with app.test_client() as asking:
        response = asking.post(
            "/invitation",
            data={"token": '"><script>x</script>', "password": "short"},
            headers={"Origin": "http://localhost"},
        )
    assert response.status_code == 422
    assert b"<script>x" not in response.get_data()
