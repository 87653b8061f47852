"""Bar 1: every route times everyone in the cast, and what is hidden looks like what is not there."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.core.db.engines import OWNER, db
from portal.core.ids import new_id
from tests.access.shapes import misfits
from tests.access.table import PLACE, PRINCIPALS, TABLE, Row, ids_of, prepared, rule_of, seen, send
from tests.cast import Cast

AUTOMATIC = frozenset({"HEAD", "OPTIONS"})
ACTS = [(row, principal) for row in TABLE if not row.reads for principal in PRINCIPALS if row.cells[principal] < 400]
REFUSING = [row for row in TABLE if any(status >= 400 for status in row.cells.values())]
CHECKED = {401: "unauthenticated", 403: "forbidden", 404: "not-found"}


def test_everybody_in_the_cast_has_a_column(cast: Cast) -> None:
    assert set(PRINCIPALS) == set(cast.everyone()) - {"newcomer"}, (
        "tests/access/table.py: every actor of tests/cast.py stands in one of NO_IDENTITY, STAFF, CLIENTS and SYSTEMS"
    )
    assert [str(row) for row in TABLE if set(row.cells) != set(PRINCIPALS)] == [], (
        "tests/access/table.py: make the cells of these rows with staff(), clients(), signed_in() or anyone()"
    )


def test_every_route_has_a_row_and_every_row_a_route(cast: Cast) -> None:
    routes = {
        (rule.rule, method) for rule in cast.app.url_map.iter_rules() for method in (rule.methods or set()) - AUTOMATIC
    }
    rows = {(rule_of(row, cast.app).rule, row.method) for row in TABLE}
    assert routes - rows == set(), (
        "tests/access/table.py: add a row for each of these routes, with the status every principal gets; add it for "
        "one thing they may see and for one they may not"
    )
    assert rows - routes == set(), "tests/access/table.py: remove the rows of these routes, which are gone"


def test_every_blueprint_stands_behind_the_door_of_an_area(cast: Cast) -> None:
    doors = cast.app.extensions["areas"]
    outside = {rule.endpoint for rule in cast.app.url_map.iter_rules() if rule.endpoint.split(".")[0] not in doors}
    assert outside == {"openapi"}
    assert all(cast.app.before_request_funcs[name][0] is area.door for name, area in doors.items())


@pytest.mark.parametrize("row", REFUSING, ids=str)
def test_who_may_not_is_refused_and_nothing_is_left_behind(row: Row, cast: Cast) -> None:
    prepared(row, cast)
    before = _everything_stored(cast.app)
    wrong = {}
    for principal, status in row.cells.items():
        if status < 400:
            continue
        response = send(row, cast, principal)
        if response.status_code != status:
            wrong[principal] = (response.status_code, "instead of", status)
        elif status == 404:
            assert seen(response) == seen(_absent(row, cast, principal)), principal
        if status == 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer"), principal
        assert _json(response)["type"] == f"/problems/{CHECKED[response.status_code]}", principal
    assert wrong == {}
    assert _everything_stored(cast.app) == before


@pytest.mark.parametrize("row", [row for row in TABLE if row.reads], ids=str)
def test_who_may_read_reads(row: Row, cast: Cast) -> None:
    prepared(row, cast)
    got = {principal: send(row, cast, principal).status_code for principal in PRINCIPALS}
    assert got == row.cells


@pytest.mark.parametrize(("row", "principal"), ACTS, ids=str)
def test_who_may_act_acts(row: Row, principal: str, cast: Cast) -> None:
    prepared(row, cast)
    response = send(row, cast, principal)
    assert response.status_code == row.cells[principal], response.get_data(as_text=True)
    assert misfits(row, response, cast) == []


def test_asking_for_the_head_tells_no_more_than_asking_for_all(cast: Cast) -> None:
    for row in (one for one in TABLE if one.reads):
        prepared(row, cast)
        for principal, status in row.cells.items():
            response = send(row, cast, principal, method="HEAD")
            assert (response.status_code, response.get_data()) == (status, b""), (str(row), principal)


def test_asking_for_the_methods_of_a_path_tells_nothing_of_what_is_behind_it(cast: Cast) -> None:
    made = {"client.reply": cast.things["client.comment"], "client.alert": cast.things["partner.alert"]}
    cast.things = {**cast.things, **made}
    for row in TABLE:
        for principal in PRINCIPALS if PLACE.search(row.path) else ():
            there = send(row, cast, principal, method="OPTIONS")
            absent = send(row, cast, principal, lambda _name: new_id(), method="OPTIONS")
            assert there.headers.get("Allow") == absent.headers.get("Allow"), (str(row), principal)
            assert seen(there) == seen(absent), (str(row), principal)


def test_what_is_hidden_weighs_as_much_as_what_is_not_there(cast: Cast) -> None:
    """The wrong area, a hidden thing, an absent one and a path nobody has: one and the same body."""
    bodies = set()
    for asking, path in (
        (cast.client, "/assignments"),
        (cast.therapist, "/me/assignments"),
        (cast.colleague, f"/assignments/{cast.things['client.submitted']}"),
        (cast.other_owner, f"/clients/{cast.client.id}"),
        (cast.partner, f"/me/assignments/{cast.things['client.draft']}"),
        (cast.therapist, f"/assignments/{new_id()}"),
        (cast.therapist, "/no-such-path"),
    ):
        response = asking.get(path)
        assert response.status_code == 404, path
        bodies.add(tuple(sorted((name, str(value)) for name, value in _json(response).items() if name != "instance")))
    assert len(bodies) == 1


def _absent(row: Row, cast: Cast, principal: str) -> TestResponse:
    """The same request for things that exist nowhere; where it names none, for a path that does not."""
    if "<" in row.path or "<" in str(row.body):
        return send(row, cast, principal, lambda _name: new_id())
    nowhere = Row(row.method, row.path + "/nothing-here", row.cells, row.body, row.form, row.version)
    return send(nowhere, cast, principal, ids_of(cast))


def _json(response: TestResponse) -> dict[str, Any]:
    shown: dict[str, Any] = response.get_json()
    return shown


def _everything_stored(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, but for when a session was last used."""
    with app.app_context(), db.engines[OWNER].connect() as connection:
        return {
            table.name: sorted(
                (
                    {name: value for name, value in row.items() if name != "last_used_at"}
                    for row in connection.execute(table.select()).mappings()
                ),
                key=str,
            )
            for table in db.Model.metadata.sorted_tables
        }
