"""Storage: two engines over one database, the base of every table, and transactions.

The writing engine opens every transaction with BEGIN IMMEDIATE on SQLite (a read that turns into a write there
fails or loses updates); the reading engine is in AUTOCOMMIT, so that a query costs one round trip. On PostgreSQL
row-level security lets through the rows of one practice at a time; whoever reads or writes says which.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Select,
    String,
    Text,
    TypeDecorator,
    Uuid,
    event,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from portal.core.ids import is_id, new_id
from portal.core.viewer import Viewer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.orm import Session
    from sqlalchemy.types import TypeEngine

P = ParamSpec("P")
R = TypeVar("R")

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


class Id(TypeDecorator[str]):
    """A UUID as text in Python; native on PostgreSQL, 36 characters on SQLite."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native: TypeEngine[Any] = Uuid(as_uuid=False) if dialect.name == "postgresql" else String(36)
        return dialect.type_descriptor(native)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant in whole seconds; on SQLite stored as the very text the wire shows (RFC 3339)."""

    impl = String(20)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native: TypeEngine[Any] = TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String(20)
        return dialect.type_descriptor(native)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat()[:19] + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value)


_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """Every table; constraint names are spelled out so that migrations can name them on both engines."""

    registry = registry(metadata=_metadata, type_annotation_map={datetime: Instant, bytes: LargeBinary, str: Text})


class PracticeRow:
    """A row of one practice: the practice is part of its key, so that no reference can cross."""

    practice_id: Mapped[str] = mapped_column(Id, ForeignKey("practices.id"), primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)


def belongs_to(table: str, column: str) -> ForeignKeyConstraint:
    """A reference within the practice: both engines refuse one that would cross."""
    return ForeignKeyConstraint(["practice_id", column], [f"{table}.practice_id", f"{table}.id"])


AnySelect = Select[*tuple[Any, ...]]
"""A SELECT of any columns."""

db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    session_options={"expire_on_commit": False, "autoflush": True},
)

READ, OWNER = "read", "owner"
EVERY_PRACTICE = "*"
"""The practice of what works for all: it opens the tables a worker looks through (jobs, facts, kept replies)."""


def engine_settings(url: str, owner_url: str | None = None) -> dict[str, Any]:
    """The Flask-SQLAlchemy settings for one database seen through a writing and a reading engine.

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
                "max_overflow": -1,  # a thread keeps one, so there are as many as threads
            },
            OWNER: {"url": owner_url or url},
        },
    }


def prepare_engines() -> None:
    """Attach what each new connection needs; call once, inside the application's context."""
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
    """The driver would begin by itself, in a round trip of its own, without saying the practice."""
    cast("Any", connection).autocommit = True


def _begin_in_practice(connection: Connection) -> None:
    """Begin, and say which practice's rows row-level security lets through until the end: one round trip."""
    connection.exec_driver_sql(f"BEGIN; SELECT set_config('app.practice', '{_practice.get()}', true)")


# One writing transaction -------------------------------------------------------------------------------------

_writing: ContextVar[bool] = ContextVar("writing", default=False)
_practice: ContextVar[str] = ContextVar("practice", default="")
_sqlite_writer = threading.Lock()


def in_transaction() -> bool:
    return _writing.get()


@contextmanager
def transaction(practice_id: str = "") -> Iterator[Session]:
    """Open the writing transaction for one practice, commit at the end, roll back on any error.

    Without a practice only what belongs to none can be reached, until `enter_practice`. On SQLite the writers of one
    process queue here, in order, instead of polling the file lock.
    """
    _check(practice_id)
    session = db.session()
    if session.in_transaction():
        msg = "a transaction is still open on this session: read through fetch(), write inside @transactional"
        raise RuntimeError(msg)
    queue = _sqlite_writer if db.engine.dialect.name == "sqlite" else nullcontext()
    with queue:
        token, practice = _writing.set(True), _practice.set(practice_id)
        try:
            with session.begin():
                yield session
        finally:
            _writing.reset(token)
            _practice.reset(practice)
            session.close()


def _check(practice_id: str) -> None:
    """It goes into the text of a statement: an id, nothing or the word for all, and never anything else."""
    if practice_id not in {"", EVERY_PRACTICE} and not is_id(practice_id):
        msg = "this is not the id of a practice"
        raise ValueError(msg)


def enter_practice(practice_id: str) -> None:
    """Go on in the rows of this practice, inside the open transaction: for who learns only there which one it is."""
    _check(practice_id)
    if is_postgresql():
        db.session.flush()
        db.session.connection().exec_driver_sql(f"SELECT set_config('app.practice', '{practice_id}', true)")


def transactional(work: Callable[P, R]) -> Callable[P, R]:
    """Run `work` in the open writing transaction, or in one of its own: the outermost commits.

    The practice is the viewer's, where `work` takes one first.
    """

    @wraps(work)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        if _writing.get():
            return work(*args, **kwargs)
        viewer = args[0] if args else None
        with transaction(viewer.practice_id if isinstance(viewer, Viewer) else ""):
            return work(*args, **kwargs)

    return joined


def is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
