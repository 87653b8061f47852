"""Bar 31, the facts: two hundred by eight writers while workers are killed, and whoever follows them misses none."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from portal.core.audit_log.events import Event
from tests.cast import CARD, exercise_document
from tests.server import (
    PASSWORD,
    ROOT,
    Caller,
    Server,
    exercise_of,
    loopback,
    set_up_practice,
    take_on,
    until,
)

pytestmark = [loopback, pytest.mark.bar]

KILLS, FACTS, WRITERS = 20, 200, 8
DICE = random.Random(31)


@dataclass
class Practice:
    """Its owner, who is a therapist too, and what was acknowledged there: how often which fact about what."""

    owner: Caller
    promised: Counter[tuple[str, str]] = field(default_factory=Counter)
    heard: list[Any] = field(default_factory=list)

    def follow(self) -> None:
        """Whatever came after what was heard last."""
        self.heard += _facts_after(self.owner, self.heard[-1]["position"] if self.heard else 0)


def _facts_after(owner: Caller, position: int) -> list[Any]:
    found, more = [], True
    while more:
        page = owner.get(f"/events?after={position}&limit=7")
        found += page["data"]
        position, more = page["next_after"], page["has_more"]
    return found


Act = tuple[str, str, Any, str]


def test_whoever_follows_the_facts_misses_none_while_workers_are_killed(server: Server) -> None:
    first = Practice(set_up_practice(server))
    acts = [_pausing(first, server, number) for number in range(WRITERS // 2)]
    second = Practice(_another_practice(server))
    practices = [first, second]
    acts += [Writing(practice, server.caller(practice.owner.token)) for practice in practices * (WRITERS // 4)]
    assert len(acts) == WRITERS
    stop, trouble = threading.Event(), list[str]()
    writers = [threading.Thread(target=_write, args=(act, stop, trouble)) for act in acts]
    followers = [threading.Thread(target=_follow, args=(practice, stop, trouble)) for practice in practices]
    with _workers(server) as kill_one:
        for thread in (*writers, *followers):
            thread.start()
        try:
            kills = 0
            while (kills < KILLS or _promised(practices) < FACTS) and not trouble:
                stop.wait(DICE.uniform(0.2, 0.9))
                kill_one()
                kills += 1
        finally:
            stop.set()
            for thread in (*writers, *followers):
                thread.join()
        until(lambda: _unsealed(server) == 0, "no worker seals any more")
    assert trouble == []
    assert kills >= KILLS
    for practice in practices:
        practice.follow()
        _is_complete(practice)
    _have_no_gap(server)
    assert server.flask("audit", "verify").returncode == 0


def _another_practice(server: Server) -> Caller:
    link = server.flask("set-up-link").stdout.strip()
    practice = {"slug": "birch", "name": "Birch", "country": "DE", "time_zone": "Europe/Berlin"}
    person = {"name": "Otto Other", "email": "otto@birch.example", "password": PASSWORD, "therapist": True}
    sent = {"token": link.partition("#")[2], "practice": practice, "person": person}
    server.caller().post("/setup", sent, status=201)
    signing_in = {"practice": "birch", "email": "otto@birch.example", "password": PASSWORD}
    return server.caller(server.caller().post("/sessions", signing_in, status=201)["token"])


# Writers ---------------------------------------------------------------------------------------------------------


@dataclass
class Writing:
    """Somebody on a device who does one thing again and again, and remembers what was acknowledged."""

    practice: Practice
    device: Caller
    assignment: str | None = None
    paused: bool = False

    def act(self) -> None:
        if self.assignment is None:
            card = {**CARD, "kind": "exercise", "document": exercise_document()}
            made = self.device.post("/resources", card, status=201)
            self.practice.promised["resource.created", made["id"]] += 1
            return
        verb = "resume" if self.paused else "pause"
        self.device.post(f"/me/assignments/{self.assignment}/{verb}")
        self.practice.promised["assignment.resumed" if self.paused else "assignment.paused", self.assignment] += 1
        self.paused = not self.paused


def _pausing(practice: Practice, server: Server, number: int) -> Writing:
    client = take_on(server, practice.owner, f"Client {number}", f"client{number}@clients.example")
    resource = exercise_of(practice.owner, exercise_document()["blocks"], f"Exercise {number}")
    sent = {"client_id": client.id, "resource_id": resource, "why": "x"}
    given = practice.owner.post("/assignments", sent, status=201)
    client.post(f"/me/assignments/{given['id']}/open")
    return Writing(practice, client, given["id"])


def _write(writing: Writing, stop: threading.Event, trouble: list[str]) -> None:
    dice = random.Random(writing.device.id)
    while not stop.wait(dice.uniform(0, 0.6)):
        try:
            writing.act()
        except (AssertionError, OSError) as error:
            trouble.append(repr(error))
            return


def _follow(practice: Practice, stop: threading.Event, trouble: list[str]) -> None:
    while not stop.wait(0.03):
        try:
            practice.follow()
        except (AssertionError, OSError) as error:
            trouble.append(repr(error))
            return


# Workers ---------------------------------------------------------------------------------------------------------


@contextmanager
def _workers(server: Server) -> Iterator[Any]:
    """Two workers more, beside the one that `flask start` keeps; what is given kills the older one and starts another.

    At every fifth time, the one that is kept is killed as well.
    """
    started: list[subprocess.Popen[bytes]] = []
    times = [0]

    def start() -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        with (server.folder / "stderr.log").open("ab") as err:
            started.append(subprocess.Popen(command, cwd=ROOT, env=server.environ, stdout=err, stderr=err))

    def kill_one() -> None:
        start()
        _kill(started.pop(0))
        times[0] += 1
        kept = server.worker() if times[0] % 5 == 0 else None
        if kept is not None:
            os.kill(kept, signal.SIGKILL)

    start()
    start()
    try:
        yield kill_one
    finally:
        for process in started:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


# What has to be so -----------------------------------------------------------------------------------------------


def _promised(practices: list[Practice]) -> int:
    return sum(practice.promised.total() for practice in practices)


def _is_complete(practice: Practice) -> None:
    """What was heard as it happened is what is read afterwards: in order, each once, and all that was promised."""
    positions = [fact["position"] for fact in practice.heard]
    assert positions == sorted(set(positions)), "not in order, or one twice"
    assert practice.heard == _facts_after(practice.owner, 0), "a fact came in before one that had been heard"
    told = Counter((fact["type"], fact["subject_id"]) for fact in practice.heard)
    kinds = {kind for kind, _ in practice.promised}
    assert "resource.created" in kinds
    known = {subject for _, subject in practice.promised}
    assert {one: n for one, n in told.items() if one[0] in kinds and one[1] in known} == dict(practice.promised)


def _have_no_gap(server: Server) -> None:
    with server.tables() as connection:
        rows = connection.execute(select(Event.practice_id, Event.position).order_by(Event.position)).all()
    by_practice: dict[str, list[int | None]] = {}
    for practice_id, position in rows:
        by_practice.setdefault(practice_id, []).append(position)
    assert len(by_practice) == 2
    for positions in by_practice.values():
        assert positions == list(range(1, len(positions) + 1))
    assert len(rows) >= FACTS


def _unsealed(server: Server) -> int:
    with server.tables() as connection:
        return len(connection.execute(select(Event.id).where(Event.position.is_(None))).all())
