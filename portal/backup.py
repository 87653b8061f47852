"""Backups: consistent while people write, encrypted, verified when made, restored into an empty database.

A file is a header (one line of JSON) and the snapshot in chunks of AES-256-GCM, under a key of its own that the keyring
wraps. It never holds the keyring: restoring to a new machine takes the backup *and* the recovery file.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import inspect, text

from portal.core import clock, crypto
from portal.core.db.engines import OWNER, db
from portal.core.db.statements import close_connections

FORMAT = "portal-backup-1"
CHUNK = 1 << 20
TAG = 16
NONCE = 12
OWNS_THE_TABLES = """
SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('people')
"""


class BackupError(Exception):
    """The backup could not be made, opened or restored; the message says why and what to do."""


def create(path: Path) -> dict[str, Any]:
    """Write a backup of the database to `path` and verify it; returns its header.

    Raises BackupError. An existing file is never overwritten, and an incomplete one never has the name `path`.
    """
    if path.exists():
        msg = f"{path} exists. Choose another name."
        raise BackupError(msg)
    draft = path.with_name(path.name + ".part")
    with _private_folder(path.parent) as folder:
        snapshot = folder / "snapshot"
        _snapshot(snapshot)
        head = _seal(snapshot, draft)
    verify(draft)
    draft.rename(path)
    return head


def verify(path: Path) -> dict[str, Any]:
    """Decrypt the whole backup and open the snapshot; returns its header. Raises BackupError if that fails."""
    with _private_folder(path.parent) as folder:
        head = _open(path, folder / "snapshot")
        if head["engine"] == "sqlite":
            _check_sqlite(folder / "snapshot")
        else:
            _postgresql("pg_restore", "--list", str(folder / "snapshot"))
    return head


def restore(path: Path) -> dict[str, Any]:
    """Restore a backup into the configured database, which must be empty. Raises BackupError."""
    if inspect(db.engine).get_table_names():
        msg = "The database is not empty. Point DATABASE_URL or PORTAL_DATA_DIR to an empty one."
        raise BackupError(msg)
    with _private_folder(path.parent) as folder:
        head = _open(path, folder / "snapshot")
        if head["engine"] != db.engine.dialect.name:
            msg = f"This backup is of {head['engine']}, the configured database is {db.engine.dialect.name}."
            raise BackupError(msg)
        if head["engine"] == "sqlite":
            _check_sqlite(folder / "snapshot")
            _restore_sqlite(folder / "snapshot")
        else:
            _postgresql(
                "pg_restore",
                "--exit-on-error",
                "--no-owner",
                "--single-transaction",
                "--dbname",
                _libpq(),
                str(folder / "snapshot"),
            )
    crypto.open_keyring(crypto.keyring().path)
    return head


@contextmanager
def _private_folder(beside: Path) -> Iterator[Path]:
    """A temporary folder that only this user can read, on the disk of the backup."""
    with tempfile.TemporaryDirectory(prefix=".portal-backup-", dir=beside) as folder:
        yield Path(folder)


# Snapshots -------------------------------------------------------------------------------------------------------


def _snapshot(snapshot: Path) -> None:
    if db.engine.dialect.name == "sqlite":
        with (
            closing(sqlite3.connect(str(db.engine.url.database))) as source,
            closing(sqlite3.connect(snapshot)) as copy,
        ):
            source.backup(copy)
        return
    _require_owner()
    _postgresql(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--enable-row-security",
        "--file",
        str(snapshot),
        "--dbname",
        _libpq(),
    )


def _check_sqlite(snapshot: Path) -> None:
    with closing(sqlite3.connect(snapshot)) as copy:
        state = copy.execute("PRAGMA integrity_check").fetchone()[0]
        broken = copy.execute("PRAGMA foreign_key_check").fetchall()
    if state != "ok" or broken:
        msg = f"The snapshot is damaged: {state}, {len(broken)} broken references."
        raise BackupError(msg)


def _restore_sqlite(snapshot: Path) -> None:
    target = Path(str(db.engine.url.database))
    close_connections()
    for leftover in ("-wal", "-shm"):
        target.with_name(target.name + leftover).unlink(missing_ok=True)
    shutil.copyfile(snapshot, target)
    target.chmod(0o600)


def _require_owner() -> None:
    """Refuse any other role: row-level security would silently leave rows out of its dump."""
    with db.engines[OWNER].connect() as connection:
        owns = connection.execute(text(OWNS_THE_TABLES)).scalar()
    if owns is False:
        msg = (
            f"{db.engines[OWNER].url.username} does not own the tables and would leave rows out. "
            "Set DATABASE_OWNER_URL to the same database as the role that owns them."
        )
        raise BackupError(msg)


def _libpq() -> str:
    """The URL of the database as the role that owns it and sees every row.

    It holds no password, since everybody on the machine can read a command line.
    """
    url = db.engines[OWNER].url.set(drivername="postgresql")
    return url._replace(password=None).render_as_string()


def _postgresql(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs, from PORTAL_PG_BIN or PATH."""
    place = os.environ.get("PORTAL_PG_BIN")
    found = shutil.which(program, path=place) if place else shutil.which(program)
    if found is None:
        msg = f"{program} is not on this machine. Install PostgreSQL's client programs, or set PORTAL_PG_BIN."
        raise BackupError(msg)
    password = db.engines[OWNER].url.password
    environment = {**os.environ, "PGPASSWORD": str(password)} if password else None
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- found above, no shell
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        why = next((line for line in lines if "error:" in line), lines[-1] if lines else done.returncode)
        msg = f"{program} failed: {why}"
        raise BackupError(msg)


# Sealing ---------------------------------------------------------------------------------------------------------


def _seal(snapshot: Path, target: Path) -> dict[str, Any]:
    ring, key, nonce = crypto.keyring(), secrets.token_bytes(32), os.urandom(NONCE)
    head = {
        "format": FORMAT,
        "engine": db.engine.dialect.name,
        "made_at": clock.now().isoformat(),
        "keyring_version": ring.active,
        "key": base64.b64encode(
            nonce + AESGCM(ring.wrapping[ring.active]).encrypt(nonce, key, FORMAT.encode())
        ).decode(),
    }
    header = json.dumps(head).encode() + b"\n"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with snapshot.open("rb") as source, os.fdopen(descriptor, "wb") as file:
        file.write(header)
        for index, last, chunk in _chunks(source, CHUNK):
            file.write(AESGCM(key).encrypt(index.to_bytes(NONCE, "big"), chunk, _associated_data(header, last=last)))
        file.flush()
        os.fsync(file.fileno())
    return head


def _open(path: Path, snapshot: Path) -> dict[str, Any]:
    """Decrypt into `snapshot` and return the header; a missing, swapped or changed chunk raises BackupError."""
    with path.open("rb") as source, snapshot.open("wb") as target:
        header = source.readline(10_000)
        try:
            head: dict[str, Any] = json.loads(header)
            wrapped = base64.b64decode(head["key"])
            wrapping = AESGCM(crypto.keyring().wrapping[head["keyring_version"]])
            key = wrapping.decrypt(wrapped[:NONCE], wrapped[NONCE:], FORMAT.encode())
            for index, last, chunk in _chunks(source, CHUNK + TAG):
                target.write(
                    AESGCM(key).decrypt(index.to_bytes(NONCE, "big"), chunk, _associated_data(header, last=last))
                )
        except (ValueError, KeyError, InvalidTag) as error:
            msg = f"{path} cannot be opened: it is damaged, not a backup, or made with another keyring."
            raise BackupError(msg) from error
    return head


def _chunks(source: IO[bytes], size: int) -> Iterator[tuple[int, bool, bytes]]:
    index, chunk = 0, source.read(size)
    while True:
        following = source.read(size)
        yield index, not following, chunk
        if not following:
            return
        index, chunk = index + 1, following


def _associated_data(header: bytes, *, last: bool) -> bytes:
    """What a chunk is bound to: this backup's header, and whether it is the last chunk."""
    return header + (b"last" if last else b"more")
