"""Real servers on loopback: started, waited for, their processor time read, and ended with all they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.load import HOST, PATIENCE, Line, drive
from bench.targets import APIFAIRY, DRF, FASTAPI, FASTAPI_ASYNC, FLASK_FLOOR, FLOOR, IDIOMATIC, PORTAL
from config import Config
from portal.server import web_command

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv-bench"
WORKERS = "2"
GRANIAN = {PORTAL: "wsgi:app", FLOOR: "bench.wsgi_floor:floor", FLASK_FLOOR: "bench.wsgi_floor:flask"}
GRANIAN[IDIOMATIC] = "bench.wsgi_floor:idiomatic"
GUNICORN = {DRF: ("drf", "bench.peers.drf:app"), APIFAIRY: ("apifairy", "bench.peers.apifairy_app:app")}
UVICORN = {
    FASTAPI: ("fastapi", "bench.peers.fastapi_def:app"),
    FASTAPI_ASYNC: ("fastapi", "bench.peers.fastapi_async:app"),
}
NAMES = (*GRANIAN, *GUNICORN, *UVICORN)
_TICK = os.sysconf("SC_CLK_TCK")


def command_of(name: str, config: Config) -> list[str]:
    """The usual server of each, with as many workers: granian as the portal starts it, gunicorn, uvicorn."""
    port = str(config.port)
    if name in GRANIAN:
        command = [*web_command(config)[:-1], GRANIAN[name]]
        command[command.index("--workers") + 1] = WORKERS
        return command
    if name in GUNICORN:
        place, app = GUNICORN[name]
        return [_python(place), "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers", WORKERS, app]
    place, app = UVICORN[name]
    options = ["--host", HOST, "--port", port, "--workers", WORKERS, "--no-access-log", "--log-level", "warning"]
    return [_python(place), "-m", "uvicorn", *options, app]


def _python(place: str) -> str:
    python = PEERS / place / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python.relative_to(ROOT)} is missing: `make bench-http` builds it, or leave the peers out.")
    return str(python)


def processor_seconds(pid: int) -> float:
    """Seconds of processor time of a process and all below it so far, those that have ended among them."""
    ticks, waiting = 0, [pid]
    while waiting:
        place = Path(f"/proc/{waiting.pop()}")
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(int(field) for field in (place / "stat").read_text().rpartition(")")[2].split()[11:15])
            waiting += [int(child) for task in place.glob("task/*/children") for child in task.read_text().split()]
    return ticks / _TICK


def database_process(url: str) -> int | None:
    """The process all of PostgreSQL's stand below; SQLite's work is done in the server's own."""
    if url.startswith("sqlite"):
        return None
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        backend = connection.info.backend_pid
        return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A running one, and the database beside it."""

    port: int
    pid: int
    database: int | None

    def cpu(self) -> float:
        """Seconds of processor time of the server and of its database so far."""
        return processor_seconds(self.pid) + (processor_seconds(self.database) if self.database else 0.0)


@contextmanager
def running(names: tuple[str, ...], make_config: Mapping[str, Config], folder: Path) -> Iterator[dict[str, Server]]:
    """All of them, each ready to answer."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_one(name, make_config[name], folder)) for name in names}


@contextmanager
def _one(name: str, config: Config, folder: Path) -> Iterator[Server]:
    ours = ("PORTAL_", "GRANIAN_", "SMTP_")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environ |= {
        "BENCH_DATABASE": config.owner_url or config.database_url,
        "BENCH_KEYRING": str(config.keyring),
        "DATABASE_URL": config.database_url,
        "PORTAL_DATA_DIR": str(config.data_dir),
        "PORTAL_KEYRING": str(config.keyring),
        "HOST": HOST,
        "PORT": str(config.port),
    }
    log = folder / f"{NAMES.index(name)}.log"
    with log.open("wb") as out:
        # What the portal writes about each request is written, and kept as little as a service manager's null.
        err = subprocess.DEVNULL if name == PORTAL else out
        process = subprocess.Popen(
            command_of(name, config), cwd=ROOT, env=environ, stdout=out, stderr=err, start_new_session=True
        )
    try:
        _wait_for(config.port, process, name, log)
        yield Server(config.port, process.pid, database_process(config.owner_url or config.database_url))
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], name: str, log: Path) -> None:
    end = time.monotonic() + 3 * PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError):
            drive(port, [Line("/")], 0)
            return
        time.sleep(0.05)
    sys.exit(f"{name} does not start: {log.read_text()[-2000:]}")


def free_ports(count: int) -> list[int]:
    """All different: each is held until the last is found."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
