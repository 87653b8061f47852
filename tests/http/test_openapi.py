"""The description of the API is valid OpenAPI 3.1, covers every route, and its examples are true to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.access.shapes import Spec, description, operation_of
from tests.access.table import GUEST, PAGES, TABLE, rule_of
from tests.cast import Cast

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
            for media in body.get("content", {}).values():
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
        path = rule.rule
        for part in path.split("/"):
            if part.startswith("<"):
                path = path.replace(part, "{" + part.rstrip(">").rsplit(":", 1)[-1] + "}")
        routes |= {(path, method.lower()) for method in (rule.methods or ()) if method.lower() in OPERATIONS}
    assert {(path, method) for path, method, _, _ in _operations(spec)} == routes


def test_every_operation_says_what_it_does_and_how_it_can_end(spec: Spec) -> None:
    for path, method, operation, item in _operations(spec):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert not operation["summary"].endswith("."), where
        assert operation["tags"], where
        assert any(status.startswith("2") for status in operation["responses"]), where
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, where
        declared = {
            one["name"]
            for one in [*item.get("parameters", ()), *operation.get("parameters", ())]
            if one["in"] == "path"
        }
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}, where
    assert "application/problem+json" in spec["components"]["responses"]["Problem"]["content"]


def test_summaries_tell_operations_apart(spec: Spec) -> None:
    said = [(operation["tags"][0], operation["summary"]) for _, _, operation, _ in _operations(spec)]
    assert len(said) == len(set(said))


def test_a_route_that_needs_a_version_says_so(cast: Cast) -> None:
    for row in TABLE:
        operation = operation_of(row, cast.app)
        if operation is None:
            continue
        names = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
        assert ("If-Match" in names) == (row.version is not None), str(row)
        assert names.get("If-Match", {"required": True})["required"], str(row)


def test_what_anyone_may_call_is_described_as_needing_no_token(cast: Cast) -> None:
    """A client made from the description must not ask for a token in order to get one."""
    spec = description(cast.app)
    for row in TABLE:
        operation = operation_of(row, cast.app)
        if operation is not None:
            needs = operation.get("security", spec["security"])
            assert needs == ([] if row in (*GUEST, *PAGES) else [{"bearer": []}]), str(row)


def test_every_body_and_answer_has_an_example(spec: Spec) -> None:
    for where, media in _media(spec):
        assert "example" in media or "examples" in media, where


def test_every_example_is_what_its_schema_says(spec: Spec) -> None:
    wrong = []
    for where, media in _media(spec):
        examples = [media["example"]] if "example" in media else [one["value"] for one in media["examples"].values()]
        for example in examples:
            wrong += [f"{where}: {fault}" for fault in _faults(spec, media["schema"], example)]
    for name, schema in spec["components"]["schemas"].items():
        for member, inner in schema.get("properties", {}).items():
            if "example" in inner:
                wrong += [f"{name}.{member}: {fault}" for fault in _faults(spec, inner, inner["example"])]
    for path, method, operation, item in _operations(spec):
        for parameter in [*item.get("parameters", ()), *operation.get("parameters", ())]:
            if "example" in parameter["schema"]:
                faults = _faults(spec, parameter["schema"], parameter["schema"]["example"])
                wrong += [f"{method} {path} {parameter['name']}: {fault}" for fault in faults]
    assert wrong == []


def _faults(spec: Spec, schema: Spec, example: Any) -> list[str]:
    checker = Draft202012Validator(
        {**schema, "components": spec["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{list(fault.absolute_path)} {fault.message[:120]}" for fault in checker.iter_errors(example)]


def test_every_example_body_is_taken_as_valid(cast: Cast) -> None:
    """The example of a body passes the very validation of its route: whatever is refused is refused for its ids."""
    for row in TABLE:
        operation = operation_of(row, cast.app)
        if row.body is None or operation is None or rule_of(row, cast.app).rule == "/api/v1/resources":
            continue
        principal = next(name for name in row.cells if row.cells[name] != 401)
        actor = cast.everyone()[principal]
        body = operation["requestBody"]["content"]["application/json"]["example"]
        absent = row.path.removeprefix("/api/v1")
        for part in absent.split("/"):
            if part.startswith("<"):
                absent = absent.replace(part, "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f")
        response = actor.ask(row.method, absent, json=body, headers={"If-Match": '"1-0000000000000000"'})
        faults = (response.get_json(silent=True) or {}).get("errors", ())
        shape = [fault for fault in faults if "not a field here" in fault["detail"] or "Missing" in fault["detail"]]
        assert response.status_code < 500, str(row)
        assert not shape, (str(row), shape)


def test_the_description_is_the_same_every_time(app: Flask) -> None:
    with app.test_client() as asking:
        first, second = (asking.get("/api/v1/openapi.json") for _ in range(2))
    assert first.get_data() == second.get_data()
    assert first.mimetype == "application/json"


def test_the_description_tells_nothing_of_the_inside(app: Flask) -> None:
    with app.test_client() as asking:
        shown = asking.get("/api/v1/openapi.json").get_data(as_text=True)
    for word in ("password_hash", "mail_index", "secret_hash", "practice_id", "sqlalchemy", "marshmallow", "portal."):
        assert word not in shown.replace("portal.exercise/1", "").replace("portal.reading/1", ""), word
