"""Running the portal: the web server's processes, the worker, and both together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from config import Config
from portal.core import clock, jobs
from portal.http.health import WORKER

log = logging.getLogger("portal.worker")

GRACE = 15
"""Seconds a process gets to finish what it has in hand before it is killed."""
FIRST_PAUSE, LONGEST_PAUSE = 1, 30
"""Seconds before a worker that has ended is started again; each time it ends soon again, twice as long."""
STEADY = 120
"""Seconds a worker has run after which its end counts as the first."""


def web_command(config: Config) -> list[str]:
    """granian: a process per core unless said, two threads each on SQLite (more would fight over the interpreter)."""
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
    """Turn this process into the web server's: for a supervisor that runs web and worker as two services."""
    _require_free_port(config)
    command = web_command(config)
    os.execv(command[0], command)  # noqa: S606 -- our own command, no shell


def serve(config: Config, *, once_ready: Callable[[], None]) -> None:
    """Run web and worker until told to stop. Exits 1 where the port is taken, or the web ends by itself.

    A worker that ends is started again: people go on working, and what it was to do waits in the database.
    """
    stop = _told_to_stop()
    _require_free_port(config)
    web = _started(web_command(config))
    worker = Kept([sys.executable, "-m", "flask", "--app", "wsgi", "worker"])
    announced = False
    while not stop.wait(0.2) and web.poll() is None:
        worker.look_after()
        if not announced and _answers(config):
            announced = True
            once_ready()
    _end(web, *worker.living())
    if not stop.is_set():
        sys.exit("The web has ended by itself: see the log above.")


class Kept:
    """A process that is started again whenever it ends, after a pause that grows while it keeps ending soon."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._pause = FIRST_PAUSE
        self._due = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def living(self) -> list[subprocess.Popen[bytes]]:
        return [] if self._process is None else [self._process]

    def look_after(self) -> None:
        """Notice its end, or start it again once the pause is over."""
        if self._process is None:
            if time.monotonic() >= self._due:
                self._start()
        elif (code := self._process.poll()) is not None:
            self._ended(self._process, code)

    def _start(self) -> None:
        self._process, self._since = _started(self._command), time.monotonic()

    def _ended(self, process: subprocess.Popen[bytes], code: int) -> None:
        _end(process)
        now = time.monotonic()
        if now - self._since >= STEADY:
            self._pause = FIRST_PAUSE
        log.error("the worker has ended (exit code %d); it is started again in %d s", code, self._pause)
        self._process, self._due = None, now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def _told_to_stop() -> threading.Event:
    """Set by SIGTERM and by Control-C."""
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
            sys.exit(f"PORT={config.port} is taken: choose another, or end what uses it.")


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that nothing it starts outlives it."""
    return subprocess.Popen(command, process_group=0)  # noqa: S603 -- our own command, no shell


def _answers(config: Config) -> bool:
    """Whether the port takes connections."""
    try:
        socket.create_connection((config.host, config.port), timeout=1).close()
    except OSError:
        return False
    return True


def _end(*processes: subprocess.Popen[bytes]) -> None:
    """Ask each to finish, wait, then kill what is left of its group."""
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
    """Run every tick, at once and then at its pace, until told to stop; each in a fresh context of the application."""
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone="UTC")
    ticks = [*jobs.TICKS, jobs.Tick("portal.core.jobs.work_off", 1, jobs.run_due_jobs), jobs.Tick("beat", 10, _beat)]
    for tick in ticks:
        scheduler.add_job(
            _run,
            "interval",
            seconds=tick.seconds,
            args=(app, tick),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=clock.now(),
        )
    stop = _told_to_stop()
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)


def _beat() -> None:
    jobs.record_heartbeat(WORKER)


def _run(app: Flask, tick: jobs.Tick) -> Any:
    """A tick that fails is noted and tried again at the next one."""
    with app.app_context():
        try:
            return tick.call()
        except (SQLAlchemyError, OSError, RuntimeError):
            log.exception("tick failed", extra={"tick": tick.name})
