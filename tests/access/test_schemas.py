"""Bars 6 and 7: no member gets in that a request does not declare, none gets out that an answer does not declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema

from portal.accounts.schemas.invitation import AcceptInvitationSchema
from portal.accounts.schemas.practice import SetUpFormSchema
from portal.accounts.schemas.session import CompletePasswordResetSchema
from portal.core.db.engines import db
from tests.access.shapes import misfits, operation_of, resolved
from tests.access.table import PRINCIPALS, STAFF, TABLE, Row, prepared, rule_of, send
from tests.cast import Cast
from tests.described import Spec, description, path_of

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked


def _let_in(row: Row) -> list[str]:
    """Whose body is read: who may, and staff who may not. A system without the scope is refused before."""
    return [name for name in PRINCIPALS if row.cells[name] < 400 or (row.cells[name] == 403 and name in STAFF)]


WITH_BODY = [row for row in TABLE if row.body is not None and _let_in(row)]
AT_ONCE = 50
"""Foreign members in one request: each is pointed to, and an answer lists a hundred faults at most."""
FORMS: Mapping[str, Schema] = {
    "/setup": SetUpFormSchema(),
    "/invitation": AcceptInvitationSchema(),
    "/reset": CompletePasswordResetSchema(),
}


def _columns() -> set[str]:
    return {column.name for table in db.Model.metadata.tables.values() for column in table.columns}


def _objects(spec: Spec, schema: Spec, body: Any, pointer: str = "#") -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Every object of an example body whose members are declared: its pointer, itself, its members."""
    schema = resolved(spec, schema)
    if isinstance(body, list):
        for item in body[:1]:
            yield from _objects(spec, schema.get("items", {}), item, f"{pointer}/0")
    if not isinstance(body, dict) or "properties" not in schema:
        return
    yield pointer, body, set(schema["properties"])
    for name, inner in body.items():
        yield from _objects(spec, schema["properties"].get(name, {}), inner, f"{pointer}/{name}")


def _media(row: Row, app: Flask) -> Spec:
    operation = operation_of(row, app)
    assert operation is not None
    media: Spec = operation["requestBody"]["content"]["application/json"]
    return media


def test_every_documented_body_is_tried(cast: Cast) -> None:
    documented = {
        (path, method.upper())
        for path, operations in description(cast.app)["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "requestBody" in operation
    }
    sent = {(path_of(rule_of(row, cast.app).rule), row.method) for row in WITH_BODY}
    assert documented - sent == set(), (
        "tests/access/table.py: these operations take a body and no row sends one. Give their rows body=..., valid for "
        "at least one principal, so that members nobody declared can be tried with it."
    )
    assert sent - documented == set(), (
        "tests/access/table.py: rows of these operations send a body that the API description does not know. Name its "
        "schema at the route (arguments), or remove body=... from the row."
    )


@pytest.mark.bar
def test_no_column_of_any_table_can_be_written_by_naming_it(cast: Cast) -> None:
    made = {"client.reply": cast.things["client.comment"], "client.alert": cast.things["partner.alert"]}
    cast.things = {**cast.things, "the.secret": "portal_inv_nothing", **made}
    columns, tried, taken = _columns(), 0, []
    assert {"practice_id", "password_hash", "owner", "status", "version", "therapist_id"} <= columns
    for row in WITH_BODY:
        media = _media(row, cast.app)
        body = media["example"]
        principal = _let_in(row)[0]
        for pointer, part, declared in list(_objects(description(cast.app), media["schema"], body)):
            foreign = sorted(columns - declared)
            for named in (foreign[begin : begin + AT_ONCE] for begin in range(0, len(foreign), AT_ONCE)):
                part.update(dict.fromkeys(named, "anything"))
                response = send(replace(row, body=body), cast, principal)
                tried += len(named)
                for column in named:
                    del part[column]
                pointers = {fault["pointer"] for fault in (response.get_json() or {}).get("errors", ())}
                refused = pointers if response.status_code == 422 else set()
                taken += [(str(row), f"{pointer}/{one}") for one in named if f"{pointer}/{one}" not in refused]
    assert taken == []
    assert tried > 2_000


def test_no_column_of_any_table_can_be_written_through_a_pages_form(cast: Cast) -> None:
    cast.things = {**cast.things, "the.secret": "portal_inv_nothing"}
    taken = []
    for row in TABLE:
        if row.form is None:
            continue
        for column in sorted(_columns() - set(FORMS[row.path].load_fields)):
            sent = Row(row.method, row.path, row.cells, None, {**row.form, column: "anything"})
            response = send(sent, cast, "nobody")
            if response.status_code != 422:
                taken.append((str(row), column, response.status_code))
    assert taken == []


@pytest.mark.parametrize("row", [row for row in TABLE if row.reads], ids=str)
def test_an_answer_holds_what_its_schema_declares_and_nothing_else(row: Row, cast: Cast) -> None:
    """Answers to acts are held to the same in the matrix."""
    prepared(row, cast)
    for principal in PRINCIPALS:
        if row.cells[principal] < 300:
            assert misfits(row, send(row, cast, principal), cast) == [], principal


@pytest.mark.parametrize(
    ("principal", "path"),
    [
        ("therapist", "/assignments?expand=client&include_total=true"),
        ("therapist", "/assignments/<client.submitted>?expand=client"),
        ("therapist", "/clients?q=a&sort=name&include_total=true"),
        ("client", "/me/assignments?limit=1&include_total=true"),
    ],
)
def test_what_is_only_shown_on_request_is_declared_too(principal: str, path: str, cast: Cast) -> None:
    row = Row("GET", "/api/v1" + path, {})
    response = send(row, cast, principal)
    assert response.status_code == 200
    bare = Row("GET", row.path.split("?")[0], {})
    assert misfits(bare, response, cast) == []


def test_every_schema_of_an_answer_is_closed(cast: Cast) -> None:
    """A description without `additionalProperties: false` would let a new member out unnoticed by its readers."""
    spec = description(cast.app)["components"]["schemas"]
    of_any_type = {"InnerBlock"}  # its other members follow from its type
    open_ones = {
        name
        for name, schema in spec.items()
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False
    }
    assert open_ones == of_any_type
