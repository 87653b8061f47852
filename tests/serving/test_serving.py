"""One command runs web and worker: they begin together, say where they are, and end together."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from flask import Flask

from portal import server
from portal.core import clock, jobs
from tests.server import PATIENCE, Server, is_alive, loopback, set_up_practice, take_on, until


def _ready(server: Server) -> Any:
    return httpx.get(f"{server.base_url}/health/ready", trust_env=False).json()


def _worker(server: Server) -> int:
    return next(pid for pid, line in server.processes().items() if line.rstrip().endswith(" worker"))


@loopback
@pytest.mark.bar
def test_start_prints_the_set_up_link_only_while_there_is_no_practice(server: Server) -> None:
    first = server.set_up_link()
    assert f"{server.base_url}/setup#{first}" in server.printed
    assert first not in server.log, "what a log keeps is no place for a secret"
    set_up_practice(server)
    server.stop()
    before = server.printed
    server.start()
    until(lambda: server.printed != before, "nothing is printed at the second start")
    again = server.printed.removeprefix(before)
    assert server.base_url in again
    assert "setup" not in again


@loopback
@pytest.mark.bar
def test_a_link_that_was_not_used_is_replaced_at_the_next_start(server: Server) -> None:
    first = server.set_up_link()
    server.stop()
    server.start()
    until(lambda: server.set_up_link() != first, "the second start prints no link of its own")
    practice = {"slug": "linden", "name": "Linden", "country": "DE", "time_zone": "Europe/Berlin"}
    person = {"name": "Olive", "email": "olive@linden.example", "password": "maple-otter-violin-sunday"}
    server.caller().post("/setup", {"token": first, "practice": practice, "person": person}, status=404)
    set_up_practice(server)


@loopback
@pytest.mark.bar
@pytest.mark.parametrize("moment", ["at once", "later"])
def test_web_and_worker_end_together_within_the_grace(server: Server, moment: str) -> None:
    """`stop()` refuses to leave a process behind, whichever moment the end comes at: one that is still starting too."""
    if moment == "later":
        set_up_practice(server)
        until(lambda: _ready(server)["worker"] == "ok", "the worker does not start")
        until(lambda: len(server.web_workers()) >= 2, "the web does not have its processes")
    assert any("granian" in line for line in server.processes().values())
    assert server.stop() == 0
    with pytest.raises(httpx.TransportError):
        _ready(server)


@loopback
@pytest.mark.bar
def test_control_c_ends_everything(server: Server) -> None:
    """A terminal sends the interrupt to every process at once."""
    until(lambda: _ready(server)["worker"] == "ok", "the worker does not start")
    alive = server.processes()
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGINT)
    server.process.wait(PATIENCE)
    assert not [line for pid, line in alive.items() if is_alive(pid)]
    assert "Traceback" not in server.log


@loopback
@pytest.mark.bar
def test_when_the_web_server_ends_by_itself_the_worker_ends_and_the_exit_code_says_so(server: Server) -> None:
    """Whoever watches over the portal starts it again: for that it must end, and not as if all were well.

    A process left behind would keep the port and answer some requests of the next start, with old code and keys.
    """
    until(lambda: _ready(server)["worker"] == "ok", "the worker does not start")
    alive = server.processes()
    os.kill(next(pid for pid, line in alive.items() if "granian" in line), signal.SIGKILL)
    assert server.process is not None
    code = server.process.wait(PATIENCE)
    assert not {pid: line for pid, line in alive.items() if is_alive(pid)}
    assert code != 0


@loopback
@pytest.mark.bar
def test_stopping_works_while_a_dead_worker_waits_to_be_restarted(server: Server) -> None:
    os.kill(_worker(server), signal.SIGKILL)
    until(lambda: "restarts in 1 s" in server.log, "its end is not noticed")
    assert server.stop() == 0


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of portal.server, which a test moves."""
    moved = [1_000.0]
    monkeypatch.setattr("portal.server.time.monotonic", lambda: moved[0])
    return moved


def _pause_after(watched: server.RestartedProcess, hours: list[float], ran: float) -> float:
    """The seconds until it runs again, after it has run for `ran` seconds and ended."""
    hours[0] += ran
    [process] = watched.running()
    process.wait(PATIENCE)
    watched.check()
    began = hours[0]
    while not watched.running():
        hours[0] += 0.5
        watched.check()
    return hours[0] - began


def test_a_worker_that_keeps_ending_is_restarted_after_growing_pauses_but_never_given_up(hours: list[float]) -> None:
    watched = server.RestartedProcess([sys.executable, "-S", "-c", "raise SystemExit(3)"])
    assert [_pause_after(watched, hours, ran=5) for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert _pause_after(watched, hours, ran=server.STABLE_AFTER) == 1, "it had been stable in between"
    for process in watched.running():
        process.wait(PATIENCE)


class _Stop(threading.Event):
    """Ends the loop after some waits, each of which moves the clock."""

    def __init__(self, hours: list[float], waits: int) -> None:
        super().__init__()
        self.hours, self.waits = hours, waits

    def wait(self, timeout: float | None = None) -> bool:
        self.hours[0] += timeout or 0.0
        self.waits -= 1
        if not self.waits:
            self.set()
        return self.is_set()


def test_a_tick_runs_at_once_and_then_at_its_interval_whatever_else_fails(app: Flask, hours: list[float]) -> None:
    ran: list[tuple[str, float]] = []
    began = hours[0]

    def note(name: str) -> None:
        ran.append((name, hours[0] - began))
        if name == "fails":
            raise LookupError

    ticks = [jobs.Tick("fails", 2, lambda: note("fails")), jobs.Tick("works", 3, lambda: note("works"))]
    server.run_ticks(app, ticks, _Stop(hours, waits=4))
    assert ran == [("fails", 0), ("works", 0), ("fails", 2), ("works", 3), ("fails", 4)]


def test_a_tick_that_is_late_runs_once(app: Flask, hours: list[float]) -> None:
    ran: list[float] = []

    def is_slow() -> None:
        ran.append(hours[0])
        hours[0] += 60

    server.run_ticks(app, [jobs.Tick("slow", 1, is_slow)], _Stop(hours, waits=3))
    assert len(ran) == 3


@loopback
@pytest.mark.bar
def test_a_web_process_that_dies_is_replaced(server: Server) -> None:
    until(lambda: len(server.web_workers()) >= 2, "the web does not have its processes")
    victim, *others = server.web_workers()
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(set(server.web_workers()) - {victim}) > len(others), "nobody takes its place")
    until(server.answers, "nobody answers any more")
    assert _ready(server)["database"] == "ok"


@loopback
@pytest.mark.bar
def test_a_port_in_use_is_reported_and_not_shared(empty_install: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", empty_install.port))
        taken.listen()
        done = empty_install.flask("start")
    assert done.returncode != 0
    assert "answers at" not in done.stdout, "somebody else answers there"


@loopback
@pytest.mark.bar
def test_two_portals_never_share_a_port(server: Server) -> None:
    """Else each request would reach one or the other, by chance, and with it another database."""
    second = server.flask("start", PORTAL_DATA_DIR=str(server.folder / "second"))
    assert second.returncode != 0
    assert "answers at" not in second.stdout


@loopback
@pytest.mark.bar
def test_the_first_heartbeat_of_the_worker_makes_it_ready(server: Server) -> None:
    until(lambda: _ready(server)["worker"] == "ok", "the worker does not start")
    os.kill(_worker(server), signal.SIGSTOP)
    client = take_on(server, set_up_practice(server), "Robin Aster", "robin@clients.example")
    assert client.rows("/me/assignments") == [], "a worker that hangs keeps nobody from their work"


def test_readiness_follows_the_workers_heartbeat(app: Flask) -> None:
    def worker() -> tuple[int, str, str]:
        with app.test_client(use_cookies=False) as client:
            answer = client.get("/health/ready")
            return answer.status_code, answer.get_json()["status"], answer.get_json()["worker"]

    late = "late: start `flask worker`"
    assert worker() == (200, "degraded", late), "nobody has ever seen it"
    with app.app_context():
        server._record_heartbeat()
    assert worker()[2] == "ok"
    with clock.time_shifted(timedelta(seconds=50)):
        assert worker()[2] == "ok"
    with clock.time_shifted(timedelta(seconds=61)):
        assert worker() == (200, "degraded", late)


@loopback
@pytest.mark.bar
def test_a_worker_runs_every_tick_when_it_starts(server: Server) -> None:
    """One that is started anew more often than every ten minutes would never write the anchor."""
    owner = set_up_practice(server)
    until(lambda: owner.get("/events")["data"], "nothing is sealed")
    server.stop()
    server.keyring.with_suffix(".anchor.json").unlink(missing_ok=True)
    server.start()
    until(server.keyring.with_suffix(".anchor.json").exists, "no anchor is written")
