"""The portal as it really runs: web and worker in processes of their own, on a free port of this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from tests.postgresql import as_application

ROOT = Path(__file__).parent.parent
API = "/api/v1"
PASSWORD = "maple-otter-violin-sunday"
PATIENCE = 60.0
"""Seconds to wait for something that happens soon, before it counts as never happening."""

loopback = pytest.mark.allow_hosts(["127.0.0.1"])


def until(claim: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until `claim()` is truthy and return that; fail with `what` when it never is."""
    end = time.monotonic() + patience
    while True:
        found = claim()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database(engine: str, request: pytest.FixtureRequest, template: str = "template1") -> Iterator[str | None]:
    """The address of a database of its own, empty unless said; None means SQLite in the data directory."""
    if engine != "postgresql":
        yield None
        return
    url, name = request.getfixturevalue("postgresql_url"), f"portal_{uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@cache
def _migrated_postgresql(url: str) -> str:
    """The name of a database the migrations have built, which others are copied from: migrating takes two seconds."""
    name = f"migrated_{uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    with tempfile.TemporaryDirectory() as folder:
        Server(Path(folder), make_url(url).set(database=name).render_as_string(hide_password=False)).migrate()
    return name


@cache
def _migrated_sqlite() -> bytes:
    """The file the migrations build."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.migrate()
        built = server.data_dir / "portal.db"
        with closing(sqlite3.connect(built)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return built.read_bytes()


@dataclass
class Server:
    """One install in `folder`: its data directory, its keyring beside it, its logs, its processes."""

    folder: Path
    database_url: str | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    known: set[int] = field(default_factory=set)
    code: Path = ROOT
    """The directory the commands run in: a checkout unless said."""
    python: str = sys.executable
    callers: list[Caller] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.folder / "portal"

    @property
    def keyring(self) -> Path:
        return self.folder / "portal.keyring.json"

    @property
    def outbox(self) -> Path:
        return self.data_dir / "outbox"

    @property
    def printed(self) -> str:
        """What the command wrote to standard output."""
        return _text_of(self.folder / "stdout.log")

    @property
    def log(self) -> str:
        """What all processes wrote to standard error."""
        return _text_of(self.folder / "stderr.log")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        ours = ("PORTAL_", "FLASK_", "SMTP_", "GRANIAN_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        kept.pop("DATABASE_URL", None)
        kept |= {"PORTAL_DATA_DIR": str(self.data_dir), "HOST": "127.0.0.1", "PORT": str(self.port)}
        return kept if self.database_url is None else {**kept, "DATABASE_URL": as_application(self.database_url)}

    @property
    def _as_owner(self) -> dict[str, str]:
        """What an operator's commands know beyond what answers requests."""
        return {} if self.database_url is None else {"DATABASE_OWNER_URL": self.database_url}

    def flask(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command of `flask` to its end; `more` are further environment variables."""
        return self.run("flask", "--app", "wsgi", *arguments, **more)

    def run(self, module: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python to its end, as this install."""
        return subprocess.run(
            [self.python, "-m", module, *arguments],
            cwd=self.code,
            env={**self.environ, **self._as_owner, **more},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def tables(self) -> Iterator[Connection]:
        """A transaction on the database itself, past the portal."""
        engine = create_engine(self.database_url or f"sqlite:///{self.data_dir / 'portal.db'}", poolclass=NullPool)
        with engine.begin() as connection:
            yield connection

    def migrate(self) -> None:
        done = self.flask("db", "upgrade")
        assert done.returncode == 0, done.stderr

    def start(self, *command: str) -> None:
        """Start web and worker, and wait until the web answers; their output is appended to the logs."""
        command = command or ("start",)
        with (self.folder / "stdout.log").open("ab") as out, (self.folder / "stderr.log").open("ab") as err:
            self.process = subprocess.Popen(
                [self.python, "-m", "flask", "--app", "wsgi", *command],
                cwd=self.code,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        until(self.answers, "the server does not answer")

    def answers(self) -> bool:
        """Whether somebody takes requests; fails where the command has ended by itself."""
        assert self.process is not None
        assert self.process.poll() is None, f"it ended by itself: {self.log[-2000:]}"
        try:
            return httpx.get(f"{self.base_url}/health/live", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def processes(self) -> dict[int, str]:
        """Every living process of this server and its command line, parents first."""
        found: dict[int, str] = {}
        waiting = [self.process.pid] if self.process is not None else []
        while waiting:
            pid = waiting.pop(0)
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                children = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if line:
                found[pid] = line
            waiting += [int(child) for listed in children for child in listed]
        self.known |= set(found)
        return found

    def web_workers(self) -> list[int]:
        """The processes that answer requests: the children of the web's supervisor."""
        return [pid for pid, line in self.processes().items() if "granian" in line][1:]

    def stop(self) -> int:
        """Ask it to end, as an operator does, and wait; returns the exit code. No process may be left behind."""
        assert self.process is not None
        alive = self.processes()
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        left = {pid: line for pid, line in alive.items() if is_alive(pid)}
        assert not left, f"these outlived the command that started them: {left}"
        self.process = None
        self.known.clear()
        return code

    def worker(self) -> int | None:
        """The process that does what happens later."""
        return next((pid for pid, line in self.processes().items() if line.rstrip().endswith(" worker")), None)

    def kill(self) -> None:
        """End every process at once, as a power cut does."""
        if self.process is None:
            return
        self.processes()
        for pid in self.known:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        until(lambda: not any(is_alive(pid) for pid in self.known), "a killed process lives on")
        self.process = None
        self.known.clear()

    def caller(self, token: str | None = None) -> Caller:
        caller = Caller(self.base_url, token)
        self.callers.append(caller)
        return caller

    def set_up_link(self) -> str:
        """The secret of the one-time link on the console."""
        return str(until(lambda: re.findall(r"/setup#(\S+)", self.printed), "no set-up link is printed")[-1])

    def letters(self) -> list[EmailMessage]:
        """The mails in the outbox folder, oldest first."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(self.outbox.glob("*.eml"))
        ]

    def letter_to(self, address: str) -> EmailMessage:
        """The latest mail to somebody, once the worker has sent it."""
        return until(  # type: ignore[no-any-return]  # -- whatever the claim gives
            lambda: next((letter for letter in reversed(self.letters()) if letter["To"] == address), None),
            f"no mail to {address}",
        )


def _text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@contextmanager
def install(engine: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A migrated install that is not running yet; whatever was started is gone afterwards."""
    template = _migrated_postgresql(request.getfixturevalue("postgresql_url")) if engine == "postgresql" else ""
    with database(engine, request, template) as url:
        server = Server(folder, url)
        server.data_dir.mkdir(mode=0o700)
        if url is None:
            (server.data_dir / "portal.db").write_bytes(_migrated_sqlite())
        try:
            yield server
        finally:
            for caller in server.callers:
                caller.close()
            server.kill()


@contextmanager
def running(engine: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A migrated install with web and worker at work."""
    with install(engine, folder, request) as server:
        server.start()
        yield server


class Caller:
    """Somebody with a device: asks the API over HTTP and remembers every word that came back."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.token = token
        self.id = ""
        self.heard: list[str] = []
        self._client = httpx.Client(base_url=base_url + API, headers=headers, trust_env=False, timeout=PATIENCE)

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, body: Any = None, *, etag: str | None = None) -> httpx.Response:
        """One request, whatever comes of it."""
        headers = {} if etag is None else {"If-Match": etag}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        answer = self._client.request(method, path, headers=headers, **sent)
        self.heard.append(answer.text)
        return answer

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, etag: str | None = None) -> Any:
        """The JSON of the answer, which must have this status."""
        answer = self.send(method, path, body, etag=etag)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, *, status: int = 200) -> Any:
        return self.ask("GET", path, status=status)

    def rows(self, path: str) -> list[Any]:
        """The rows of a list that fits one page."""
        page = self.get(path)
        assert page["has_more"] is False
        return list(page["data"])

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return self.ask("POST", path, body, status=status)

    def etag(self, path: str) -> str:
        return str(self.send("GET", path).headers["ETag"])


def sign_in(server: Server, email: str, password: str = PASSWORD) -> Caller:
    """A device of somebody's, signed in."""
    done = server.caller().post("/sessions", {"email": email, "password": password}, status=201)
    caller = server.caller(done["token"])
    caller.id = done["person"]["id"]
    return caller


def set_up_practice(server: Server, *, email: str = "olive@linden.example", therapist: bool = True) -> Caller:
    """The first practice and its owner, by the link on the console."""
    server.caller().post(
        "/setup",
        {
            "token": server.set_up_link(),
            "practice": {"slug": "linden", "name": "Linden", "country": "DE", "time_zone": "Europe/Berlin"},
            "person": {"name": "Olive Owner", "email": email, "password": PASSWORD, "therapist": therapist},
        },
        status=201,
    )
    return sign_in(server, email)


def take_on(server: Server, therapist: Caller, name: str, email: str) -> Caller:
    """A client who was handed the link in person, accepted it and signed in."""
    made = therapist.post("/clients", {"name": name, "email": email, "delivery": "in_person"}, status=201)
    accept(server, made["invitation"]["link"].partition("#")[2])
    return sign_in(server, email)


def accept(server: Server, secret: str, *, code: str | None = None, status: int = 201) -> Any:
    sent = {"token": secret, "password": PASSWORD} | ({} if code is None else {"code": code})
    return server.caller().post("/invitations/accept", sent, status=status)


def exercise_of(therapist: Caller, blocks: Sequence[dict[str, Any]], title: str = "Many questions") -> str:
    """Write and publish an exercise of these blocks; its id."""
    card = {"title": title, "summary": "For the tests.", "language": "en"}
    document = {"schema": "portal.exercise/1", "blocks": list(blocks)}
    made = therapist.post("/resources", {"kind": "exercise", "document": document, **card}, status=201)
    therapist.post(f"/resources/{made['id']}/versions", status=201)
    return str(made["id"])
