"""`make bench`: the portal against its floors and an idiomatic stack, in one process over one database per engine.

Prints ratios beside their gates and goals and exits with 1 where a gate is missed. Seconds depend on the machine
and are never a verdict.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from flask import Flask
from flask_migrate import upgrade

from bench import idiomatic
from bench.floor import Floor, flask_floor, postgresql_store, sqlite_store
from bench.rounds import App, Asking, Contestant, Contestants, Ratio, Rounds, Saving, measure, ratio, require_equal
from bench.seed import Seeded, seed
from bench.statements import Watched
from bench.targets import (
    AUTOSAVE,
    FLASK_FLOOR,
    FLOOR,
    IDIOMATIC,
    LIST,
    MOST_STATEMENTS,
    ONE,
    PORTAL,
    POSTGRESQL,
    SQLITE,
    TARGETS,
    Target,
)
from config import Local
from portal.app import create_app
from portal.core.crypto import keyring
from portal.core.db import READ, db
from portal.http.logs import write_json_lines
from tests.postgresql import temporary_postgresql

API = "/api/v1"
SAVED = orjson.dumps(
    {"answers": [{"block": "q3", "value": "Something else came to mind, and I would like to keep it. " * 3}]}
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    measured: Ratio
    gate: float | None
    goal: float | None

    @property
    def missed(self) -> bool:
        return self.gate is not None and self.measured.median < self.gate


@dataclass(frozen=True, slots=True)
class Count:
    """How many statements a workload takes."""

    name: str
    statements: int
    gate: int
    goal: int

    @property
    def missed(self) -> bool:
        return self.statements > self.gate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one engine came to."""

    figures: list[Figure]
    counts: list[Count]

    @property
    def missed(self) -> list[str]:
        figures = [figure.name for figure in self.figures if figure.missed]
        return figures + [f"statements of {count.name}" for count in self.counts if count.missed]


@contextmanager
def portal_on(engine: str, folder: Path) -> Iterator[Flask]:
    """The portal as it is served, on a migrated database of its own; what it logs goes nowhere."""
    with database(engine, folder) as url, Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        settings = Local(data_dir=folder / "data", keyring=folder / "keyring.json", database_url=url)
        app = create_app(settings)
        with app.app_context():
            upgrade()
            engines = [db.engine, db.engines[READ]]
        with redirect_stderr(nowhere):
            write_json_lines()
        yield app
        for one in engines:
            one.dispose()


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    if engine == SQLITE:
        yield f"sqlite:///{folder / 'data' / 'portal.db'}"
    else:
        with temporary_postgresql() as url:
            yield url


def contest(url: str, portal: Flask, seeded: Seeded) -> Mapping[str, Contestants]:
    """Everybody, by workload."""
    store = sqlite_store(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else postgresql_store(url)
    floor = Floor(store, keyring().wrapping)
    flask = flask_floor(floor)
    page = Asking(f"{API}/assignments?limit=50", seeded.therapist_token)
    one = Asking(f"{API}/assignments/{seeded.assignment_id}", seeded.therapist_token)
    apps: dict[str, App] = {FLOOR: floor, FLASK_FLOOR: flask.wsgi_app, PORTAL: portal.wsgi_app}
    return {
        LIST: {
            **{name: Contestant(app, page) for name, app in apps.items()},
            IDIOMATIC: Contestant(idiomatic.create_app(url).wsgi_app, page),
        },
        ONE: {name: Contestant(app, one) for name, app in apps.items()},
        AUTOSAVE: {
            name: Contestant(app, Saving(f"{API}/me/assignments/{draft}/response", seeded.client_token, SAVED))
            for (name, app), draft in zip(apps.items(), seeded.drafts, strict=False)
        },
    }


def run(engine: str, rounds: int) -> Outcome:
    """Seed, make sure that all answer alike, count, measure."""
    watched = Watched()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, portal_on(engine, Path(folder)) as app:
        with app.app_context():
            seeded, url = seed(), app.config["SQLALCHEMY_DATABASE_URI"]
        workloads = contest(url, app, seeded)
        for contestants in workloads.values():
            require_equal(contestants)
        counts = [
            Count(name, watched.count(contestants[PORTAL].answer), *MOST_STATEMENTS[name])
            for name, contestants in workloads.items()
        ]
        _settle_memory()
        measured = {name: measure(contestants, rounds) for name, contestants in workloads.items()}
        return Outcome([_figure(target, engine, measured[target.workload]) for target in TARGETS], counts)


def _figure(target: Target, engine: str, measured: Rounds) -> Figure:
    return Figure(target.name, ratio(measured, target.other), target.gate.get(engine), target.goal.get(engine))


def _settle_memory() -> None:
    """As wsgi.py does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def table(engine: str, outcome: Outcome) -> str:
    lines = [f"{engine:<28} ratio   gate   goal   middle half of the rounds"]
    for figure in outcome.figures:
        got, verdict = figure.measured, "   MISSED" if figure.missed else ""
        aims = f"{_shown(figure.gate)} {_shown(figure.goal)}"
        lines.append(f"  {figure.name:<25} {got.median:>6.2f} {aims}   {got.low:.2f} to {got.high:.2f}{verdict}")
    for count in outcome.counts:
        verdict = "   MISSED" if count.missed else ""
        lines.append(
            f"  {f'statements: {count.name}':<25} {count.statements:>6} {count.gate:>6} {count.goal:>6}{verdict}"
        )
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:>6.2f}"


@click.command()
@click.option("--engine", "engines", multiple=True, type=click.Choice([SQLITE, POSTGRESQL]), help="Both unless said.")
@click.option("--rounds", default=75, type=click.IntRange(15), help="15 at least.")
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures here.")
def main(engines: tuple[str, ...], rounds: int, path: Path | None) -> None:
    """Measure the portal's speed as ratios to what the same work costs otherwise."""
    outcomes: dict[str, Outcome] = {}
    for engine in engines or (SQLITE, POSTGRESQL):
        outcomes[engine] = run(engine, rounds)
        click.echo(table(engine, outcomes[engine]) + "\n")
    if path is not None:
        shown: dict[str, Any] = {name: {**asdict(one), "missed": one.missed} for name, one in outcomes.items()}
        path.write_bytes(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
    missed = [f"{name} on {engine}" for engine, outcome in outcomes.items() for name in outcome.missed]
    if missed:
        click.echo(f"Below the gate: {', '.join(missed)}.", err=True)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
