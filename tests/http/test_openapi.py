"""The description of the API is valid OpenAPI 3.1, covers every route, and its examples are true to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from portal.http.description import DomainParts, describe
from tests.access.shapes import operation_of
from tests.access.table import GUEST, PAGES, TABLE
from tests.cast import Cast
from tests.described import Spec, description, misdescribed, path_of, resolved_answer

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

OPERATIONS = {"get", "post", "put", "patch", "delete"}
UNDESCRIBED = {"/api/v1/openapi.json"}


@pytest.fixture
def spec(app: Flask) -> Spec:
    return description(app)


def _operations(spec: Spec) -> Iterator[tuple[str, str, Spec, Spec]]:
    for path, item in spec["paths"].items():
        for method in OPERATIONS & set(item):
            yield path, method, item[method], item


def _media(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for path, method, operation, _ in _operations(spec):
        bodies = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            for media in resolved_answer(spec, body).get("content", {}).values():
                yield f"{method} {path} {name}", media


def test_the_description_is_valid(spec: Spec) -> None:
    assert spec["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(spec).validate()


def test_every_route_of_the_api_is_described_and_nothing_else(app: Flask, spec: Spec) -> None:
    routes = set()
    for rule in app.url_map.iter_rules():
        area = app.extensions["areas"].get(rule.endpoint.split(".")[0])
        if (area is not None and area.prefix is None) or rule.rule in UNDESCRIBED:
            continue
        routes |= {
            (path_of(rule.rule), method.lower()) for method in (rule.methods or ()) if method.lower() in OPERATIONS
        }
    assert {(path, method) for path, method, _, _ in _operations(spec)} == routes


def test_every_operation_describes_itself_and_its_responses(spec: Spec) -> None:
    for path, method, operation, item in _operations(spec):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert not operation["summary"].endswith("."), where
        assert operation["description"].endswith("."), where
        assert operation["tags"], where
        assert any(status.startswith("2") for status in operation["responses"]), where
        assert {"500", "503"} <= set(operation["responses"]), where
        declared = {
            one["name"]
            for one in [*item.get("parameters", ()), *operation.get("parameters", ())]
            if one["in"] == "path"
        }
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}, where


def test_every_error_is_a_problem_and_every_response_names_the_request(spec: Spec) -> None:
    for path, method, operation, _ in _operations(spec):
        for status, answer in operation["responses"].items():
            where, answered = f"{method} {path} {status}", resolved_answer(spec, answer)
            assert answered["description"], where
            assert "X-Request-Id" in answered["headers"], where
            if status >= "400" and not path.startswith("/health"):
                assert set(answered["content"]) == {"application/problem+json"}, where
            for code, header in (("401", "WWW-Authenticate"), ("412", "ETag"), ("429", "Retry-After")):
                assert status != code or header in answered["headers"], where


def test_operations_have_names_that_read_well_as_functions(spec: Spec) -> None:
    names = [operation["operationId"] for _, _, operation, _ in _operations(spec)]
    assert len(names) == len(set(names))
    for name in names:
        assert name.isidentifier(), name
        assert name == name.lower(), name
        assert "_" in name or name == "assign", f"{name}: a function of a client says what it is about"


def test_every_parameter_and_schema_has_a_description_and_an_example(spec: Spec) -> None:
    for path, method, operation, item in _operations(spec):
        for one in [*item.get("parameters", ()), *operation.get("parameters", ())]:
            assert one["description"].endswith("."), (method, path, one["name"])
            assert _example(one) is not None, (method, path, one["name"])
            assert ("example" in one) == bool(one.get("required")), (method, path, one["name"])
    for name, schema in spec["components"]["schemas"].items():
        assert schema["description"].endswith("."), name
        assert schema["examples"], name
    assert all(tag["description"] for tag in spec["tags"])


def test_operations_have_no_extension_but_the_required_scope(spec: Spec) -> None:
    names = {name for _, _, operation, _ in _operations(spec) for name in operation if name.startswith("x-")}
    assert names == {"x-required-scope"}


def test_the_servers_hold_the_configured_address(app: Flask) -> None:
    base_url = app.config["PORTAL"].base_url
    assert [server["url"] for server in description(app)["servers"]] == [base_url]
    described = describe((), "https://portal.example", DomainParts())
    assert json.loads(described)["servers"][0]["url"] == "https://portal.example"


def test_an_answer_the_description_does_not_know_is_noticed(cast: Cast) -> None:
    """Every answer the tests' people get is compared (tests/described.py): here that the comparison can fail."""
    spec = description(cast.app)
    operation = spec["paths"]["/api/v1/me"]["get"]
    answer = cast.client.get("/me")
    assert misdescribed(answer, spec, operation) == []
    del answer.headers["X-Request-Id"]
    assert misdescribed(answer, spec, operation) == ["X-Request-Id is described and not sent"]
    answer = cast.client.get("/me/progress")
    assert any("additional" in fault.casefold() for fault in misdescribed(answer, spec, operation))
    answer.status_code = 409
    assert misdescribed(answer, spec, operation) == ["get_me does not say that it can answer 409"]


def test_no_two_operations_of_a_tag_have_the_same_summary(spec: Spec) -> None:
    said = [(operation["tags"][0], operation["summary"]) for _, _, operation, _ in _operations(spec)]
    assert len(said) == len(set(said))


def test_a_route_that_needs_a_version_declares_if_match(cast: Cast) -> None:
    for row in TABLE:
        operation = operation_of(row, cast.app)
        if operation is None:
            continue
        names = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
        assert ("If-Match" in names) == (row.version is not None), str(row)
        assert names.get("If-Match", {"required": True})["required"], str(row)


def test_a_public_operation_is_described_without_security(cast: Cast) -> None:
    """A client made from the description must not ask for a token in order to get one."""
    spec = description(cast.app)
    for row in TABLE:
        operation = operation_of(row, cast.app)
        if operation is not None:
            needs = operation.get("security", spec["security"])
            if row in (*GUEST, *PAGES):
                assert needs == [], str(row)
            else:
                assert needs == [{"bearer": []}], str(row)
                scoped = row.cells["narrow"] in {200, 403} and not row.path.endswith("/current")
                assert ("x-required-scope" in operation) == scoped, str(row)


def test_every_body_and_answer_has_an_example(spec: Spec) -> None:
    for where, media in _media(spec):
        assert "example" in media or "examples" in media, where


def test_every_example_is_valid_against_its_schema(spec: Spec) -> None:
    wrong = []
    for where, media in _media(spec):
        examples = [media["example"]] if "example" in media else [one["value"] for one in media["examples"].values()]
        for example in examples:
            wrong += [f"{where}: {fault}" for fault in _faults(spec, media["schema"], example)]
    for name, schema in spec["components"]["schemas"].items():
        wrong += [f"{name}: {fault}" for one in schema["examples"] for fault in _faults(spec, schema, one)]
        for member, inner in schema.get("properties", {}).items():
            if "example" in inner:
                wrong += [f"{name}.{member}: {fault}" for fault in _faults(spec, inner, inner["example"])]
    for path, method, operation, item in _operations(spec):
        for parameter in [*item.get("parameters", ()), *operation.get("parameters", ())]:
            faults = _faults(spec, parameter["schema"], _example(parameter))
            wrong += [f"{method} {path} {parameter['name']}: {fault}" for fault in faults]
    assert wrong == []


def _example(parameter: Spec) -> Any:
    """Only a required parameter has it where Swagger UI fills it in: a made-up cursor would be refused."""
    return parameter["example"] if "example" in parameter else parameter["schema"]["examples"][0]


def _faults(spec: Spec, schema: Spec, example: Any) -> list[str]:
    checker = Draft202012Validator(
        {**schema, "components": spec["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{list(fault.absolute_path)} {fault.message[:120]}" for fault in checker.iter_errors(example)]


ABOUT_THIS_INSTALLATION = {"#/cover_id", "#/current_password"}
"""What no example can know: who works here, and what their password is."""


def test_every_example_body_works_when_it_is_pasted(cast: Cast) -> None:
    """The example of a body is refused for what it names, which is not there, and never for its shape."""
    for number, row in enumerate(TABLE):
        operation = operation_of(row, cast.app)
        principal = next((name for name, status in row.cells.items() if status < 300), None)
        if row.body is None or operation is None or principal is None:
            continue
        body = operation["requestBody"]["content"]["application/json"]["example"]
        path = re.sub(r"<[^>]+>", "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f", row.path.removeprefix("/api/v1"))
        headers = {"If-Match": "*"}
        if any(each["name"] == "Idempotency-Key" and each["required"] for each in operation["parameters"]):
            headers["Idempotency-Key"] = f"example-{number}"
        response = cast.everyone()[principal].ask(row.method, path, json=body, headers=headers)
        faults = {fault["pointer"] for fault in (response.get_json(silent=True) or {}).get("errors", ())}
        assert response.status_code < 500, str(row)
        assert response.status_code not in {400, 415}, (str(row), response.get_json())
        assert response.status_code != 422 or faults <= ABOUT_THIS_INSTALLATION, (str(row), response.get_json())


def test_the_description_is_the_same_every_time(app: Flask) -> None:
    with app.test_client() as asking:
        first, second = (asking.get("/api/v1/openapi.json") for _ in range(2))
    assert first.get_data() == second.get_data()
    assert first.mimetype == "application/json"


def test_the_description_reveals_nothing_internal(app: Flask) -> None:
    with app.test_client() as asking:
        shown = asking.get("/api/v1/openapi.json").get_data(as_text=True)
    for word in ("password_hash", "mail_index", "secret_hash", "practice_id", "sqlalchemy", "marshmallow", "portal."):
        assert word not in shown.replace("portal.exercise/1", "").replace("portal.reading/1", ""), word
