"""`make bench-growth`: the same requests over 10,000 and over 1,000,000 assignments, and how each statement is run.

The one who asks has the same 200 clients in both. What is measured is what grows though nobody's work does: syncing
to disk costs the same at any size and hides it, so it is off here.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from flask import Flask

from bench.bulk import Grown, grow
from bench.databases import command, database, engines_or_both, portal_over, settle_memory
from bench.rounds import Contestant, RepeatedRequest, RepeatedSave, Turns, measure, ratio, seconds_of
from bench.seed import POSTGRESQL_SETTINGS, SAVED
from bench.statements import StatementRecorder
from bench.targets import AUTOSAVE, CASELOAD, GROWTH, LIST, ONE
from bench.verdict import Figure, Outcome, conclude
from portal.core.db.engines import SQLITE_PRAGMAS

API = "/api/v1"
SMALL, BIG = 10_000, 1_000_000
FEW_ROWS = ("practices",)
"""Tables that are read whole without harm."""
PLANNED = ("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")
BAD_STEPS = re.compile(
    r"\(practice_id=\?\)$|"
    rf"^SCAN (?!CONSTANT ROW|(?:{'|'.join(FEW_ROWS)})\b)|TEMP B-TREE|AUTOMATIC|"
    rf"Seq Scan on (?!(?:{'|'.join(FEW_ROWS)})\b)|^\W*(?:Incremental )?Sort\b"
)
"""Reading a whole table or all of a practice, sorting, and an index made for one query."""


def workloads(portal: Flask, grown: Grown) -> Mapping[str, Contestant]:
    app, token = portal.wsgi_app, grown.therapist_token
    one = Turns(
        [RepeatedRequest(f"{API}/assignments/{assignment_id}", token) for assignment_id in grown.assignment_ids]
    )
    save = Turns(
        [
            RepeatedSave(f"{API}/me/assignments/{draft.assignment_id}/response", draft.token, SAVED)
            for draft in grown.drafts
        ]
    )
    return {
        LIST: Contestant(app, RepeatedRequest(f"{API}/assignments?limit=50", token)),
        ONE: Contestant(app, one),
        AUTOSAVE: Contestant(app, save),
        CASELOAD: Contestant(app, RepeatedRequest(f"{API}/caseload", token)),
    }


def run(engine: str, sizes: Sequence[int], rounds: int) -> Outcome:
    """Fill both, look at the plans of the big one, measure one beside the other."""
    watched = StatementRecorder()
    contestants: dict[int, Mapping[str, Contestant]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        for size in sizes:
            place = folder / str(size)
            place.mkdir()
            url = stack.enter_context(database(engine, place))
            app = stack.enter_context(portal_over(url, place, keyring=folder / "keyring.json"))
            began = time.monotonic()
            with app.app_context():
                grown = grow(size)
            click.echo(f"{engine}: {size:,} assignments in {time.monotonic() - began:.0f} s", err=True)
            contestants[size] = workloads(app, grown)
        small, big = sizes
        faults = [fault for name, one in contestants[big].items() for fault in _faults(name, one, watched)]
        settle_memory()
        figures = []
        for target in GROWTH:
            both = {str(size): contestants[size][target.workload] for size in sizes}
            measured = measure(both, rounds)
            figures.append(
                Figure.of(target, engine, ratio(seconds_of(measured, str(big)), seconds_of(measured, str(small))))
            )
        return Outcome(figures, faults=faults)


def _faults(name: str, asked: Contestant, watched: StatementRecorder) -> list[str]:
    """The steps of a route's statements that would grow with the tables."""
    asked.answer()
    return [
        f"{name}: {step.strip()}, of {' '.join(statement.text.split())[:120]}"
        for statement in watched.recorded(asked.answer)
        if statement.text.startswith(PLANNED)
        for step in statement.plan()
        if BAD_STEPS.search(step)
    ]


@command(60, 15)
@click.option("--sizes", default=(SMALL, BIG), nargs=2, type=int, help="10,000 and 1,000,000 unless statement.")
def main(engines: tuple[str, ...], rounds: int, path: Path | None, sizes: tuple[int, int]) -> None:
    """Measure what a request costs in a big database as a multiple of what it costs in a small one."""
    SQLITE_PRAGMAS["synchronous"] = "OFF"
    POSTGRESQL_SETTINGS["synchronous_commit"] = "off"
    outcomes: dict[str, Outcome] = {}
    for engine in engines_or_both(engines):
        outcomes[engine] = run(engine, sizes, rounds)
        click.echo(outcomes[engine].table(engine))
    conclude(outcomes, path)


if __name__ == "__main__":
    main()
