"""`make bench-http`: real servers, two workers each, sixteen connections; the portal, its floors and other frameworks.

All answer the same JSON, which is asserted before anything is timed. In every round each is asked in turn, in
shuffled order; what counts are ratios within a round.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click
import orjson

from bench.databases import command, database, engines_or_both, portal_over, settings
from bench.load import Clients, Line, RunResult, drive, moved_on
from bench.rounds import Rounds, ratio, require_equal_answers, seconds_of
from bench.seed import ADDRESS, PASSWORD, SAVED, Seeded, seed
from bench.servers import Server, free_ports, running
from bench.targets import (
    AUTOSAVE,
    BESIDE_A_SIGN_IN,
    BY_CPU,
    BY_RATE,
    CASELOAD,
    LIST,
    MOST_LOCK_ERRORS,
    ONE,
    PORTAL,
    Target,
)
from bench.verdict import Cost, Count, Figure, Outcome, conclude

API = "/api/v1"
CONNECTIONS = 16
SECONDS, WARM_UP = 1.6, 0.4
WORKLOADS = (LIST, ONE, CASELOAD, AUTOSAVE)
QUIET, BESIDE = "quiet", "beside"


@dataclass
class Measured:
    """A workload's rounds: processor seconds and seconds of a request, by contestant; and how often each status."""

    cpu: list[Mapping[str, float]] = field(default_factory=list)
    wall: list[Mapping[str, float]] = field(default_factory=list)
    failed: dict[str, int] = field(default_factory=dict)


class Bench:
    """The servers, and what is asked of them."""

    def __init__(self, servers: Mapping[str, Server], clients: Clients, seeded: Seeded) -> None:
        self.servers, self.clients = servers, clients
        drafts = seeded.drafts[:CONNECTIONS]
        page = Line(f"{API}/assignments?limit=50", seeded.therapist_token)
        self.lines: dict[str, list[Line]] = {
            LIST: [page] * CONNECTIONS,
            ONE: [Line(f"{API}/assignments/{seeded.assignment_id}", seeded.therapist_token)] * CONNECTIONS,
            CASELOAD: [Line(f"{API}/caseload", seeded.therapist_token)] * CONNECTIONS,
            AUTOSAVE: [
                Line(f"{API}/me/assignments/{draft.assignment_id}/response", draft.token, "PATCH", SAVED, 1)
                for draft in drafts
            ],
        }
        body = orjson.dumps({"email": ADDRESS, "password": PASSWORD})
        self.sign_in = Line(f"{API}/sessions", method="POST", body=body)

    def require_alike(self, workload: str, names: Sequence[str]) -> None:
        """Raise NotEqual unless everybody answers the same JSON."""
        answers: dict[str, Any] = {}
        for name in names:
            driven = drive(self.servers[name].port, self.lines[workload][:1], 0)
            answers[name] = orjson.loads(driven.last)
            self.lines[workload][:1] = moved_on(self.lines[workload][:1], driven)
        require_equal_answers({name: _without_version(answer) for name, answer in answers.items()})

    def measure(self, workload: str, names: Sequence[str], rounds: int) -> Measured:
        """Everybody in every round, each after a moment of warming up."""
        measured, order, shuffle = Measured(), list(names), random.Random().shuffle
        for _ in range(rounds):
            shuffle(order)
            cpu, wall = {}, {}
            for name in order:
                server = self.servers[name]
                self._drive(workload, name, WARM_UP)
                before = server.cpu()
                driven = self._drive(workload, name, SECONDS)
                done = driven.statuses[200]
                cpu[name] = (server.cpu() - before) / max(1, done)
                wall[name] = driven.seconds / max(1, done)
                measured.failed[name] = measured.failed.get(name, 0) + driven.count - done
            measured.cpu.append(cpu)
            measured.wall.append(wall)
        return measured

    def _drive(self, workload: str, name: str, seconds: float) -> RunResult:
        driven = self.clients.drive(self.servers[name].port, self.lines[workload], seconds)
        if workload == AUTOSAVE:
            self.lines[workload] = moved_on(self.lines[workload], driven)
        return driven

    def beside_a_sign_in(self, rounds: int) -> Rounds:
        """The p99 of the portal's list, quiet and with one sign-in always in flight."""
        port, measured = self.servers[PORTAL].port, []
        for _ in range(rounds):
            quiet = self.clients.drive(port, self.lines[LIST], SECONDS)
            beside = self.clients.drive(port, self.lines[LIST], SECONDS, self.sign_in)
            measured.append({QUIET: quiet.p99(), BESIDE: beside.p99()})
        return measured


def _without_version(answer: dict[str, Any]) -> dict[str, Any]:
    """They save the same draft one after the other, so that each has its own version of it."""
    return {**answer, "version": 0} if "answers" in answer else answer


def _contestants(workload: str) -> tuple[str, ...]:
    return PORTAL, *(target.other for target in BY_CPU if target.workload == workload)


def run(engine: str, rounds: int, clients: Clients) -> Outcome:
    """Seed, start everybody, make sure that all answer alike, measure."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, database(engine, Path(name)) as url:
        folder = Path(name)
        with portal_over(url, folder) as app, app.app_context():
            seeded = seed()
        names = tuple(dict.fromkeys(one for workload in WORKLOADS for one in _contestants(workload)))
        ports = free_ports(len(names))
        configs = {one: settings(url, folder, port=port) for one, port in zip(names, ports, strict=True)}
        with running(names, configs, folder) as servers:
            bench = Bench(servers, clients, seeded)
            measured: dict[str, Measured] = {}
            for workload in WORKLOADS:
                bench.require_alike(workload, _contestants(workload))
                measured[workload] = bench.measure(workload, _contestants(workload), rounds)
            return _outcome(engine, measured, bench.beside_a_sign_in(rounds))


def _outcome(engine: str, measured: Mapping[str, Measured], sign_in: Rounds) -> Outcome:
    figures = [_figure(target, engine, measured[target.workload].cpu, ", CPU") for target in BY_CPU]
    figures += [_figure(target, engine, measured[target.workload].wall, ", rate") for target in BY_RATE]
    figures.append(Figure.of(BESIDE_A_SIGN_IN, engine, ratio(seconds_of(sign_in, BESIDE), seconds_of(sign_in, QUIET))))
    refused = Count("autosaves refused", measured[AUTOSAVE].failed[PORTAL], MOST_LOCK_ERRORS, MOST_LOCK_ERRORS)
    costs = [
        Cost(f"{workload}, {name}", median(seconds_of(one.cpu, name)) * 1e6, 1 / median(seconds_of(one.wall, name)))
        for workload, one in measured.items()
        for name in one.cpu[0]
    ]
    faults = [
        f"{failed} of {name}'s answers to {workload} were no 200"
        for workload, one in measured.items()
        for name, failed in one.failed.items()
        if failed and not (workload == AUTOSAVE and name == PORTAL)
    ]
    return Outcome(figures, [refused], sorted(costs, key=lambda cost: cost.name), faults)


def _figure(target: Target, engine: str, rounds: Rounds, note: str) -> Figure:
    return Figure.of(target, engine, ratio(seconds_of(rounds, target.other), seconds_of(rounds, PORTAL)), note=note)


@command(7, 3)
def main(engines: tuple[str, ...], rounds: int, path: Path | None) -> None:
    """Measure the portal over HTTP beside other frameworks on the same rows."""
    outcomes: dict[str, Outcome] = {}
    with Clients() as clients:
        for engine in engines_or_both(engines):
            outcomes[engine] = run(engine, rounds, clients)
            click.echo(outcomes[engine].table(engine))
    conclude(outcomes, path)


if __name__ == "__main__":
    main()
