"""A picture of every row of the database, which a test gets back before it begins."""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Protocol, cast

from sqlalchemy import Connection, Table

from portal.core.db.engines import OWNER, db, is_postgresql

PATIENCE = 10.0
"""Seconds to wait for a transaction that somebody left open."""


class Image(Protocol):
    def restore(self) -> None:
        """Make the database as it was. Needs an application context."""

    def close(self) -> None: ...


def take_image() -> Image:
    """The rows as they are now. Needs an application context."""
    return _PostgresImage() if is_postgresql() else _SqliteImage()


class _SqliteImage:
    """The pages of the file: copying 400 of them back takes 2 ms, writing the rows again took 20."""

    def __init__(self) -> None:
        self._memory = sqlite3.connect(":memory:")
        with db.engines[OWNER].connect() as connection:
            _driver(connection).backup(self._memory)

    def close(self) -> None:
        self._memory.close()

    def restore(self) -> None:
        give_up_at = time.monotonic() + PATIENCE

        def on_step(status: int, _remaining: int, _total: int) -> None:
            if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > give_up_at:
                msg = "a transaction is still open: the database cannot be restored"
                raise RuntimeError(msg)

        with db.engines[OWNER].connect() as connection:
            self._memory.backup(_driver(connection), progress=on_step, sleep=0.02)


class _PostgresImage:
    """Tables of one connection. A row that a later transaction wrote is deleted, and what then is missing inserted.

    Foreign keys and triggers rest meanwhile, so that the order of the tables does not matter.
    """

    def __init__(self) -> None:
        self._connection = connection = db.engines[OWNER].connect()
        tables = db.Model.metadata.sorted_tables
        for table in tables:
            connection.exec_driver_sql(f"CREATE TEMP TABLE image_{table.name} AS TABLE {table.name}")
            connection.exec_driver_sql(f"ANALYZE image_{table.name}")
        connection.exec_driver_sql("SET session_replication_role = replica")
        self._restored_by = self._transaction_id()
        connection.commit()
        self._statements = "; ".join(map(_restore_table, tables))

    def restore(self) -> None:
        self._connection.exec_driver_sql(self._statements.format(restored_by=self._restored_by))
        self._restored_by = self._transaction_id()
        self._connection.commit()

    def close(self) -> None:
        self._connection.invalidate()  # the pool must not lend out a connection whose triggers rest
        self._connection.close()

    def _transaction_id(self) -> int:
        """Grows from transaction to transaction; a row's `xmin` is the one that wrote it."""
        return int(self._connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())


def _restore_table(table: Table) -> str:
    key = " AND ".join(f"image.{column.name} = present.{column.name}" for column in table.primary_key.columns)
    names = ", ".join(column.name for column in table.columns)
    return (
        f"DELETE FROM {table.name} WHERE xmin::text::bigint > {{restored_by}}; "
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM image_{table.name} AS image "
        f"WHERE NOT EXISTS (SELECT FROM {table.name} AS present WHERE {key})"
    )


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast("Any", connection.connection.driver_connection)  # type: ignore[no-any-return]
