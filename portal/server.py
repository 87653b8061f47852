"""Processes: the web server, the worker, and both together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from flask import Flask

from config import Config
from portal.core import jobs
from portal.http.health import WORKER

log = logging.getLogger("portal.worker")

GRACE = 15
"""Seconds a process has to finish its work before it is killed."""
FIRST_PAUSE, LONGEST_PAUSE = 1, 30
"""Seconds before a worker that has ended is restarted; the pause doubles while it keeps ending soon."""
STABLE_AFTER = 120
"""Seconds after which a worker counts as stable, so that its next pause is the first one again."""


def web_command(config: Config) -> list[str]:
    """Granian's command: a process per core by default; on SQLite with two threads each (more wait for the GIL)."""
    sqlite = config.database_url.startswith("sqlite")
    return [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        config.host,
        "--port",
        str(config.port),
        "--workers",
        str(config.processes),
        "--blocking-threads",
        "2" if sqlite else "3",
        "--backpressure",
        "128",
        "--respawn-failed-workers",
        "--workers-kill-timeout",
        "5",
        "--no-access-log",
        "--log-level",
        "warning",
        "wsgi:app",
    ]


def become_web(config: Config) -> None:
    """Replace this process with the web server, for a supervisor that runs web and worker as two services."""
    _require_free_port(config)
    command = web_command(config)
    os.execv(command[0], command)  # noqa: S606 -- our own command, no shell


def serve(config: Config, *, once_ready: Callable[[], None]) -> None:
    """Run web and worker until SIGTERM or Control-C. Exits 1 if the port is taken or the web server ends by itself.

    A worker that ends is restarted: people keep working, and its jobs wait in the database.
    """
    stop = _stop_on_signal()
    _require_free_port(config)
    web = _start_process(web_command(config))
    worker = RestartedProcess([sys.executable, "-m", "flask", "--app", "wsgi", "worker"])
    announced = False
    while not stop.wait(0.2) and web.poll() is None:
        worker.check()
        if not announced and _accepts_connections(config):
            announced = True
            once_ready()
    _stop(web, *worker.running())
    if not stop.is_set():
        sys.exit("The web server has ended by itself: see the log above.")


class RestartedProcess:
    """A process that is restarted whenever it ends, after a pause that grows while it keeps ending soon."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._pause = FIRST_PAUSE
        self._due = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def running(self) -> list[subprocess.Popen[bytes]]:
        return [] if self._process is None else [self._process]

    def check(self) -> None:
        """Notice that the process has ended, or restart it after the pause."""
        if self._process is None:
            if time.monotonic() >= self._due:
                self._start()
        elif (code := self._process.poll()) is not None:
            self._schedule_restart(self._process, code)

    def _start(self) -> None:
        self._process, self._since = _start_process(self._command), time.monotonic()

    def _schedule_restart(self, process: subprocess.Popen[bytes], code: int) -> None:
        _stop(process)
        now = time.monotonic()
        if now - self._since >= STABLE_AFTER:
            self._pause = FIRST_PAUSE
        log.error("the worker has ended (exit code %d) and restarts in %d s", code, self._pause)
        self._process, self._due = None, now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def _stop_on_signal() -> threading.Event:
    """An event that SIGTERM and Control-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _require_free_port(config: Config) -> None:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError:
            sys.exit(f"PORT={config.port} is in use. Choose another port, or stop the program that uses it.")


def _start_process(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own, so that nothing it starts outlives it."""
    return subprocess.Popen(command, process_group=0)  # noqa: S603 -- our own command, no shell


def _accepts_connections(config: Config) -> bool:
    """Whether the port accepts connections."""
    try:
        socket.create_connection((config.host, config.port), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(*processes: subprocess.Popen[bytes]) -> None:
    """Terminate each process, wait, then kill what is left of its group."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def work(app: Flask) -> None:
    """Run the worker until SIGTERM or Control-C."""
    ticks = [
        *jobs.TICKS,
        jobs.Tick("run due jobs", 1, jobs.run_due_jobs),
        jobs.Tick("heartbeat", 10, _record_heartbeat),
    ]
    run_ticks(app, ticks, _stop_on_signal())


def run_ticks(app: Flask, ticks: Sequence[jobs.Tick], stop: threading.Event) -> None:
    """Run every tick at once and then at its interval, one after the other, until `stop` is set.

    A tick that is late runs once, however many of its turns have passed meanwhile.
    """
    due = {tick.name: 0.0 for tick in ticks}
    while not stop.is_set():
        for tick in ticks:
            if time.monotonic() >= due[tick.name] and not stop.is_set():
                due[tick.name] = time.monotonic() + tick.seconds
                _run(app, tick)
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _record_heartbeat() -> None:
    jobs.record_heartbeat(WORKER)


def _run(app: Flask, tick: jobs.Tick) -> None:
    """Run a tick in a fresh context of the application; a failure is logged and the tick runs again in its turn."""
    with app.app_context():
        try:
            tick.call()
        except Exception:
            log.exception("tick failed", extra={"tick": tick.name})
