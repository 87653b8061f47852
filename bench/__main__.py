"""`make bench`: the portal against its floors and an idiomatic stack, in one process over one database per engine.

Prints ratios beside their gates and goals and exits with 1 where a gate is missed. Seconds depend on the machine
and are never a verdict.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import click
import orjson
from argon2 import PasswordHasher
from flask import Flask

from bench import idiomatic
from bench.databases import command, engines_or_both, portal_on, settle_memory
from bench.floor import Floor, flask_floor, postgresql_store, sqlite_store
from bench.rounds import (
    App,
    Contestant,
    Contestants,
    RepeatedRequest,
    RepeatedSave,
    Rounds,
    Runner,
    measure,
    ratio,
    require_equal,
    seconds_of,
)
from bench.seed import ADDRESS, PASSWORD, SAVED, Seeded, seed
from bench.statements import StatementRecorder
from bench.targets import (
    AUTOSAVE,
    CASELOAD,
    FLASK_FLOOR,
    FLOOR,
    IDIOMATIC,
    IN_PROCESS,
    LIST,
    MOST_STATEMENTS,
    ONE,
    PORTAL,
    SIGN_IN,
    UNCHANGED,
    VERIFY,
    Target,
)
from bench.verdict import Count, Figure, Outcome, conclude
from portal.core.crypto import keyring

API = "/api/v1"


def contestants_by_workload(url: str, portal: Flask, seeded: Seeded) -> Mapping[str, Contestants]:
    """The contestants of each workload."""
    store = sqlite_store(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else postgresql_store(url)
    floor = Floor(store, keyring().wrapping)
    flask = flask_floor(floor)
    page = RepeatedRequest(f"{API}/assignments?limit=50", seeded.therapist_token)
    one = RepeatedRequest(f"{API}/assignments/{seeded.assignment_id}", seeded.therapist_token)
    caseload = RepeatedRequest(f"{API}/caseload", seeded.therapist_token)
    apps: dict[str, App] = {FLOOR: floor, FLASK_FLOOR: flask.wsgi_app, PORTAL: portal.wsgi_app}
    return {
        LIST: {
            **{name: Contestant(app, page) for name, app in apps.items()},
            IDIOMATIC: Contestant(idiomatic.create_app(url).wsgi_app, page),
        },
        ONE: {name: Contestant(app, one) for name, app in apps.items()},
        CASELOAD: {name: Contestant(app, caseload) for name, app in apps.items()},
        AUTOSAVE: {
            name: Contestant(
                app, RepeatedSave(f"{API}/me/assignments/{draft.assignment_id}/response", draft.token, SAVED)
            )
            for (name, app), draft in zip(apps.items(), seeded.drafts, strict=False)
        },
    }


def unchanged(lists: Contestants, seeded: Seeded) -> Contestants:
    """The portal answers 304 for a page the caller has, the floor sends it."""
    known = {"If-None-Match": lists[PORTAL].header("ETag")}
    again = RepeatedRequest(f"{API}/assignments?limit=50", seeded.therapist_token, headers=known)
    return {FLOOR: lists[FLOOR], PORTAL: Contestant(lists[PORTAL].app, again, "304")}


class SignIns:
    """Sign-ins, in processor time, since their commits wait for the disk."""

    def __init__(self, portal: Flask) -> None:
        body = orjson.dumps({"email": ADDRESS, "password": PASSWORD})
        self._one = Contestant(portal.wsgi_app, RepeatedRequest(f"{API}/sessions", "", "POST", body), "201")

    def seconds(self, count: int) -> float:
        began = time.process_time()
        self._one.seconds(count)
        return time.process_time() - began


class Verifications:
    """The unavoidable part of a sign-in: verifications of an argon2id hash at the portal's cost."""

    def __init__(self, cost: Mapping[str, int]) -> None:
        self._argon2 = PasswordHasher(cost["time_cost"], cost["memory_cost"], cost["parallelism"])
        self._stored = self._argon2.hash(PASSWORD)

    def seconds(self, count: int) -> float:
        began = time.process_time()
        for _ in range(count):
            self._argon2.verify(self._stored, PASSWORD)
        return time.process_time() - began


def run(engine: str, rounds: int) -> Outcome:
    """Seed, check that all answer the same, count statements, measure."""
    watched = StatementRecorder()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, portal_on(engine, Path(name)) as app:
        with app.app_context():
            seeded, config = seed(), app.config["PORTAL"]
        workloads = dict(contestants_by_workload(config.owner_url or config.database_url, app, seeded))
        for contestants in workloads.values():
            require_equal(contestants)
        counts = [
            Count(f"statements: {name}", watched.count(contestants[PORTAL].answer), *MOST_STATEMENTS[name])
            for name, contestants in workloads.items()
        ]
        workloads[UNCHANGED] = unchanged(workloads[LIST], seeded)
        settle_memory()
        measured = {name: measure(contestants, rounds) for name, contestants in workloads.items()}
        signing_in: dict[str, Runner] = {PORTAL: SignIns(app), VERIFY: Verifications(config.argon2_cost)}
        measured[SIGN_IN] = measure(signing_in, rounds)
        return Outcome([_figure(target, engine, measured[target.workload]) for target in IN_PROCESS], counts)


def _figure(target: Target, engine: str, measured: Rounds) -> Figure:
    ours, theirs = seconds_of(measured, PORTAL), seconds_of(measured, target.other)
    return Figure.of(target, engine, ratio(ours, theirs) if target.at_most else ratio(theirs, ours))


@command(75, 15)
def main(engines: tuple[str, ...], rounds: int, path: Path | None) -> None:
    """Measure the portal's speed as ratios to the floors and the idiomatic stack."""
    outcomes: dict[str, Outcome] = {}
    for engine in engines_or_both(engines):
        outcomes[engine] = run(engine, rounds)
        click.echo(outcomes[engine].table(engine))
    conclude(outcomes, path)


if __name__ == "__main__":
    main()
