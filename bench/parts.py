"""`python -m bench.parts`: each part that is written by hand beside its library's own way, on the same rows.

docs/decisions/0002-libraries.md quotes the figures. It gates nothing: `make bench` judges the whole.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from flask import Flask

from bench.databases import command, engines_or_both, portal_on, settle_memory
from bench.rounds import Ratio, Runner, measure, ratio, seconds_of
from bench.seed import seed
from portal.accounts.service import sessions
from portal.assignments.schemas.assignment import AssignmentItemSchema
from portal.assignments.service.queries import ASSIGNMENTS, list_assignments
from portal.core import clock
from portal.core.access import binds
from portal.core.db.engines import READ, db
from portal.core.db.statements import fetch_tuples
from portal.core.decimal_json import encode_decimal
from portal.core.listing import ListRequest
from portal.core.viewer import Viewer
from portal.http.serializer import serialize_page, to_json

OURS, THEIRS = "ours", "theirs"
REQUEST = ListRequest(limit=50)


@dataclass(frozen=True, slots=True)
class Work:
    """Something done over and over, timed by the processor's clock."""

    once: Callable[[], Any]

    def seconds(self, count: int) -> float:
        began = time.process_time()
        for _ in range(count):
            self.once()
        return time.process_time() - began


def _statement(viewer: Viewer) -> Mapping[str, Runner]:
    """The statement of a page of 50, prepared, and the same through SQLAlchemy Core, which finds it in its cache."""
    select = ASSIGNMENTS._statement(viewer, REQUEST, ASSIGNMENTS.default_sort)  # noqa: SLF001 -- the very same text
    values = binds(viewer, take=REQUEST.limit + 1)

    def through_core() -> Any:
        with db.engines[READ].connect() as connection:
            return connection.execute(select, values).all()

    return {OURS: Work(lambda: ASSIGNMENTS.page(viewer, REQUEST)), THEIRS: Work(through_core)}


def _statement_built(viewer: Viewer) -> Mapping[str, Runner]:
    """The same, where Core's select is built for every request, as services usually do."""
    values = binds(viewer, take=REQUEST.limit + 1)

    def through_core() -> Any:
        select = ASSIGNMENTS._statement(viewer, REQUEST, ASSIGNMENTS.default_sort)  # noqa: SLF001 -- as above
        with db.engines[READ].connect() as connection:
            return connection.execute(select, values).all()

    return {OURS: Work(lambda: ASSIGNMENTS.page(viewer, REQUEST)), THEIRS: Work(through_core)}


def _identity(_viewer: Viewer) -> Mapping[str, Runner]:
    """The statement that identifies the viewer of every request, prepared, and the same through Core."""
    select, now = sessions._identity(), clock.now()  # noqa: SLF001 -- as above
    values = {"hash": "0" * 64, "now": now, "idle_since": now, "record_use_before": now}

    def through_core() -> Any:
        with db.engines[READ].connect() as connection:
            return connection.execute(select, values).all()

    return {OURS: Work(lambda: fetch_tuples(sessions._identity, values, practice=None)), THEIRS: Work(through_core)}  # noqa: SLF001 -- as above


def _serializer(viewer: Viewer) -> Mapping[str, Runner]:
    """A page of 50 to JSON: the generated serializer over tuples, and marshmallow's dump over dictionaries."""
    page, schema = list_assignments(viewer, REQUEST), AssignmentItemSchema()
    rows = page.map(lambda row: row).as_dicts()
    return {
        OURS: Work(lambda: to_json(serialize_page(schema, page))),
        THEIRS: Work(lambda: orjson.dumps(schema.dump(rows, many=True), default=encode_decimal)),
    }


PARTS: Mapping[str, Callable[[Viewer], Mapping[str, Runner]]] = {
    "list of 50: prepared statement / Core": _statement,
    "list of 50: prepared statement / Core, select built": _statement_built,
    "one row: prepared statement / Core": _identity,
    "list of 50: generated serializer / dump": _serializer,
}


def run(app: Flask, rounds: int) -> Mapping[str, Ratio]:
    with app.app_context():
        viewer = sessions.identify(seed().therapist_token)
        if viewer is None:
            msg = "the seeded therapist is not signed in"
            raise RuntimeError(msg)
        settle_memory()
        found = {}
        for name, contest in PARTS.items():
            measured = measure(contest(viewer), rounds)
            found[name] = ratio(seconds_of(measured, THEIRS), seconds_of(measured, OURS))
        return found


@command(75, 15)
def main(engines: tuple[str, ...], rounds: int, path: Path | None) -> None:
    """Measure how many times as fast the hand-written parts are."""
    figures: dict[str, dict[str, float]] = {}
    for engine in engines_or_both(engines):
        with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, portal_on(engine, Path(name)) as app:
            found = run(app, rounds)
        click.echo(engine)
        for part, got in found.items():
            click.echo(f"  {part:<52} {got.median:>6.2f}   {got.low:.2f} to {got.high:.2f}")
        figures[engine] = {part: got.median for part, got in found.items()}
    if path is not None:
        path.write_bytes(orjson.dumps(figures))


if __name__ == "__main__":
    main()
