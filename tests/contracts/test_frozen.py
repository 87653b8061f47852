"""docs/openapi.json is what the portal serves, and what would break a program that relies on it is named as such."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.http.description import frozen
from tests.contracts.changes import breaks

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"
REMEDY = "docs/openapi.json is behind: look at the difference, then refresh it with `make openapi` and commit it."
ASSIGN, SAVE = "/api/v1/assignments", "/api/v1/me/assignments/{assignment_id}/response"


@pytest.fixture
def served(app: Flask) -> str:
    return frozen(app.extensions["description"]())


def test_nothing_breaks_a_program_that_relies_on_the_frozen_description(served: str) -> None:
    broken = breaks(json.loads(KEPT.read_text()), json.loads(served))
    assert broken == [], "THIS BREAKS CLIENTS. Keep what they rely on; if it is meant, " + REMEDY


def test_the_frozen_description_is_the_served_one(served: str) -> None:
    assert KEPT.read_text() == served, REMEDY


def _schemas(spec: Any) -> Any:
    return spec["components"]["schemas"]


def _becomes_nullable(spec: Any) -> None:
    _schemas(spec)["ClientRecord"]["properties"]["name"]["type"] = ["string", "null"]


BROKEN: dict[str, Callable[[Any], Any]] = {
    "GET /api/v1/me/progress is gone": lambda spec: spec["paths"].pop("/api/v1/me/progress"),
    "PATCH /api/v1/me is gone": lambda spec: spec["paths"]["/api/v1/me"].pop("patch"),
    f"POST {ASSIGN}: status 409 is gone": lambda spec: spec["paths"][ASSIGN]["post"]["responses"].pop("409"),
    f"POST {ASSIGN} 201: why is gone": lambda spec: _schemas(spec)["Assignment"]["properties"].pop("why"),
    f"GET {ASSIGN} 200.data[].resource: minutes is gone": (
        lambda spec: _schemas(spec)["AssignedResource"]["properties"].pop("minutes")
    ),
    f"POST {ASSIGN} body: note is needed now": lambda spec: _schemas(spec)["CreateAssignment"]["required"].append(
        "note"
    ),
    f"POST {ASSIGN} body: note is no longer taken": lambda spec: _schemas(spec)["CreateAssignment"]["properties"].pop(
        "note"
    ),
    "GET /api/v1/clients/{client_id} 200.name: may be null now": _becomes_nullable,
    f"PATCH {SAVE} 200: progress may be absent now": (
        lambda spec: _schemas(spec)["MyResponse"]["required"].remove("progress")
    ),
    f"PATCH {SAVE} body.answers[].share: only_me is no longer taken": (
        lambda spec: _schemas(spec)["Share"]["enum"].remove("only_me")
    ),
    f"PATCH {SAVE} 412: current is gone": lambda spec: _schemas(spec)["StaleMyResponse"]["properties"].pop("current"),
    f"PATCH {SAVE}: operationId save_response is now keep": (
        lambda spec: spec["paths"][SAVE]["patch"].update(operationId="keep")
    ),
    f"GET {ASSIGN}: parameter status is gone": lambda spec: spec["paths"][ASSIGN]["get"].update(
        parameters=[one for one in spec["paths"][ASSIGN]["get"]["parameters"] if one["name"] != "status"]
    ),
    "POST /api/v1/sessions needs a token now": lambda spec: spec["paths"]["/api/v1/sessions"]["post"].pop("security"),
    "PUT /api/v1/me/assignments/{assignment_id}/plan: a body is needed now": (
        lambda spec: spec["paths"]["/api/v1/me/assignments/{assignment_id}/plan"]["put"]["requestBody"].update(
            required=True
        )
    ),
    "GET /api/v1/me 200: header ETag is gone": (
        lambda spec: spec["paths"]["/api/v1/me"]["get"]["responses"]["200"]["headers"].pop("ETag")
    ),
}


@pytest.mark.parametrize("named", BROKEN)
def test_a_change_that_breaks_clients_is_named(named: str) -> None:
    before = json.loads(KEPT.read_text())
    now = deepcopy(before)
    BROKEN[named](now)
    assert named in breaks(before, now)


def test_what_is_only_added_breaks_nobody() -> None:
    before = json.loads(KEPT.read_text())
    now = deepcopy(before)
    _schemas(now)["CreateAssignment"]["properties"]["colour"] = {"type": "string"}
    _schemas(now)["Assignment"]["properties"]["colour"] = {"type": "string"}
    _schemas(now)["Assignment"]["required"].append("colour")
    now["paths"][ASSIGN]["post"]["responses"]["418"] = {"$ref": "#/components/responses/Conflict"}
    now["paths"][ASSIGN]["get"]["parameters"].append({"in": "query", "name": "colour", "schema": {"type": "string"}})
    now["paths"]["/api/v1/colours"] = now["paths"]["/api/v1/practice"]
    assert breaks(before, now) == []
