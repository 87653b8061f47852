"""Two engines on one database: one that writes, one that reads.

The writing engine opens every transaction with BEGIN IMMEDIATE on SQLite (a read that turns into a write there
fails or loses updates); the reading engine is in AUTOCOMMIT, so that a query costs one round trip. On PostgreSQL
row-level security lets through the rows of one practice at a time; each transaction begins in its practice.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from portal.core.db.tables import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection

SQLITE_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": "5000",
    "secure_delete": "ON",
    "trusted_schema": "OFF",
    "cache_size": "-65536",
    "mmap_size": "268435456",
}

db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    session_options={"expire_on_commit": False, "autoflush": True},
)

READ, OWNER = "read", "owner"
current_practice: ContextVar[str] = ContextVar("current_practice", default="")
"""The practice whose rows a new transaction can reach; empty for none."""


def engine_settings(url: str, owner_url: str | None = None) -> dict[str, Any]:
    """The Flask-SQLAlchemy settings for one database with a writing and a reading engine.

    `owner_url` is the same database as the role that owns its tables: migrations and backups use it, requests never.
    """
    pool: dict[str, Any] = {"pool_pre_ping": False}
    if url.startswith("postgresql"):
        pool = {
            "pool_pre_ping": True,
            "pool_size": 4,
            "max_overflow": 4,
            "connect_args": {"options": "-c timezone=UTC"},
        }
    return {
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": pool,
        "SQLALCHEMY_BINDS": {
            READ: {
                "url": url,
                "isolation_level": "AUTOCOMMIT",
                "pool_reset_on_return": None,
                **pool,
                "pool_pre_ping": False,
                "max_overflow": -1,  # one connection per thread
            },
            OWNER: {"url": owner_url or url},
        },
    }


def prepare_engines() -> None:
    """Register what each new connection needs; call once, inside the application's context."""
    sqlite = db.engine.dialect.name == "sqlite"
    for engine in (db.engine, db.engines[READ], db.engines[OWNER]):
        event.listen(engine, "connect", _set_up_sqlite if sqlite else _set_up_postgresql)
    if sqlite:
        event.listen(db.engine, "begin", _begin_immediate)
        event.listen(db.engines[OWNER], "begin", _begin_immediate)
    else:
        event.listen(db.engine, "connect", _begin_ourselves)
        event.listen(db.engine, "begin", _begin_in_practice)


def _set_up_sqlite(connection: DBAPIConnection, _record: object) -> None:
    cast("Any", connection).isolation_level = None
    cursor = connection.cursor()
    for name, value in SQLITE_PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _set_up_postgresql(connection: DBAPIConnection, _record: object) -> None:
    from psycopg.types.string import TextLoader  # noqa: PLC0415 -- an SQLite install never loads the driver

    cast("Any", connection).adapters.register_loader("uuid", TextLoader)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_ourselves(connection: DBAPIConnection, _record: object) -> None:
    """Keep the driver from beginning transactions by itself, in another round trip and without the practice."""
    cast("Any", connection).autocommit = True


def _begin_in_practice(connection: Connection) -> None:
    """Begin, and set the practice for row-level security until the end of the transaction, in one round trip."""
    connection.exec_driver_sql(f"BEGIN; SELECT set_config('app.practice', '{current_practice.get()}', true)")


def is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
