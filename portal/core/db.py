"""Storage: two engines over one database, the base of every table, transactions, and statements compiled once.

The writing engine opens every transaction with BEGIN IMMEDIATE on SQLite (a read that turns into a write there
fails or loses updates); the reading engine is in AUTOCOMMIT, so that a query costs one round trip.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    ClauseElement,
    ColumnElement,
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
    or_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from portal.core.errors import Unavailable
from portal.core.ids import new_id

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.orm import Session
    from sqlalchemy.pool import PoolProxiedConnection
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
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

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

READ = "read"


def engine_settings(url: str) -> dict[str, Any]:
    """The Flask-SQLAlchemy settings for one database seen through a writing and a reading engine."""
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
            }
        },
    }


def prepare_engines() -> None:
    """Attach what each new connection needs; call once, inside the application's context."""
    for engine in (db.engine, db.engines[READ]):
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
        else:
            event.listen(engine, "connect", _set_up_postgresql)
    if db.engine.dialect.name == "sqlite":
        event.listen(db.engine, "begin", _begin_immediate)


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


# One writing transaction -------------------------------------------------------------------------------------

_writing: ContextVar[bool] = ContextVar("writing", default=False)
_sqlite_writer = threading.Lock()


def in_transaction() -> bool:
    return _writing.get()


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the writing transaction, commit at the end, roll back on any error.

    On SQLite the writers of one process queue here, in order, instead of polling the file lock.
    """
    session = db.session()
    if session.in_transaction():
        msg = "a transaction is still open on this session: read through fetch(), write inside @transactional"
        raise RuntimeError(msg)
    queue = _sqlite_writer if db.engine.dialect.name == "sqlite" else nullcontext()
    with queue:
        token = _writing.set(True)
        try:
            with session.begin():
                yield session
        finally:
            _writing.reset(token)
            session.close()


def transactional(work: Callable[P, R]) -> Callable[P, R]:
    """Run `work` in the open writing transaction, or in one of its own: the outermost commits."""

    @wraps(work)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        if _writing.get():
            return work(*args, **kwargs)
        with transaction():
            return work(*args, **kwargs)

    return joined


# Statements compiled once --------------------------------------------------------------------------------------


class Prepared:
    """A statement compiled for one dialect: its text, the values that never change, and where the others go."""

    __slots__ = ("_fixed", "_given", "_shown", "is_final", "statement", "text")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = cast("Any", statement.compile(dialect=dialect))
        places: Sequence[str] | None = compiled.positiontup
        self.statement = statement
        self.text: str = compiled.string
        self.is_final = not compiled.post_compile_params
        self._fixed: Any = {} if places is None else [None] * len(places)
        self._given: dict[str, tuple[Callable[[Any], Any] | None, list[Any]]] = {}
        self._shown: tuple[list[str], list[tuple[str, Callable[[Any], Any]]]] | None = None
        named = ((name, name) for name in set(compiled.bind_names.values()))
        for place, name in enumerate(places) if places is not None else named:
            bind = compiled.binds[name]
            process = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.required:
                self._given.setdefault(name, (process, []))[1].append(place)
            else:
                value = bind.effective_value
                value = str(value) if isinstance(value, StrEnum) else value
                self._fixed[place] = value if process is None else process(value)

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """What the driver takes: a sequence or a mapping, as its dialect writes binds."""
        filled = self._fixed.copy()
        for name, (process, places) in self._given.items():
            value = values[name] if process is None else process(values[name])
            for place in places:
                filled[place] = value
        return filled

    def shown(self, cursor: Any, dialect: Dialect) -> list[dict[str, Any]]:
        """The rows of an executed cursor as Python values by the names of their columns."""
        if self._shown is None:
            self._shown = _converters(cast("Any", self.statement).selected_columns, cursor.description, dialect)
        names, converters = self._shown
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for name, convert in converters:
            for row in rows:
                row[name] = convert(row[name])
        return rows


def _converters(
    columns: Iterable[ColumnElement[Any]], description: Sequence[Sequence[Any]], dialect: Dialect
) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    """The names of the columns, and how the values of those are converted that the driver gives otherwise."""
    names: list[str] = []
    converters: list[tuple[str, Callable[[Any], Any]]] = []
    for column, described in zip(columns, description, strict=True):
        name = str(cast("Any", column).key)
        convert = column.type.dialect_impl(dialect).result_processor(dialect, described[1])
        names.append(name)
        if convert is not None:
            converters.append((name, convert))
    return names, converters


_prepared: dict[Hashable, Prepared] = {}


def prepare(key: Hashable, build: Callable[[], ClauseElement], dialect: Dialect) -> Prepared:
    """The prepared form of the statement `build()` makes; built once per `key` and dialect.

    `key` must say everything that changes the statement's text; values travel as bind parameters.
    """
    full = (key, dialect.name)
    found = _prepared.get(full)
    if found is None:
        found = _prepared[full] = Prepared(build(), dialect)
    return found


def among(column: Any, words: Iterable[str]) -> ColumnElement[bool]:
    """`column` is one of a fixed set of words. Unlike IN its text is final, so that it can be compiled once."""
    return or_(*(column == word for word in sorted(words)))


def fetch_tuples(key: Hashable, build: Callable[[], ClauseElement], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Rows as the driver gives them (SQLite: text instants, 0 and 1 for claims), for compiled serializers."""
    with _cursor() as (cursor, engine):
        statement = prepare(key, build, engine.dialect)
        cursor.execute(statement.text, statement.parameters(values))
        return cast("list[tuple[Any, ...]]", cursor.fetchall())


def run(key: Hashable, build: Callable[[], ClauseElement], values: Mapping[str, Any]) -> int:
    """Execute a prepared writing statement inside the open transaction and return how many rows it touched."""
    if not _writing.get():
        msg = "run() writes: call it inside @transactional"
        raise RuntimeError(msg)
    with _cursor() as (cursor, engine):
        statement = prepare(key, build, engine.dialect)
        cursor.execute(statement.text, statement.parameters(values))
        return int(cursor.rowcount)


def fetch(key: Hashable, build: Callable[[], ClauseElement], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows as dictionaries of Python values: datetimes aware, claims as bool."""
    with _cursor() as (cursor, engine):
        statement = prepare(key, build, engine.dialect)
        if statement.is_final:
            cursor.execute(statement.text, statement.parameters(values))
            return statement.shown(cursor, engine.dialect)
    return _fetch_growing(statement.statement, values)


def _fetch_growing(statement: ClauseElement, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same for a statement whose text depends on how many values there are (IN): compiled each time."""
    if _writing.get():
        rows = db.session().connection().execute(cast("Any", statement), dict(values))
        return [dict(row) for row in rows.mappings()]
    with db.engines[READ].connect() as connection:
        return [dict(row) for row in connection.execute(cast("Any", statement), dict(values)).mappings()]


def fetch_one(key: Hashable, build: Callable[[], ClauseElement], values: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = fetch(key, build, values)
    return rows[0] if rows else None


@contextmanager
def _cursor() -> Iterator[tuple[Any, Engine]]:
    """A driver cursor: of the open transaction, else of a connection that commits by itself."""
    if _writing.get():
        session = db.session()
        session.flush()
        connection = session.connection()
        cursor = cast("Any", connection.connection).cursor()
        try:
            yield cursor, connection.engine
        finally:
            cursor.close()
        return
    engine = db.engines[READ]
    raw = _reading.connection(engine)
    try:
        cursor = raw.cursor()
        yield cursor, engine
        cursor.close()
    except Exception as error:
        lost = engine.dialect.is_disconnect(cast("Any", error), cast("Any", raw.dbapi_connection), None)
        _reading.let_go(engine, lost=lost)
        if lost:
            raise Unavailable from error
        raise


class _Reading(threading.local):
    """What a thread reads through: one connection, kept, since taking it from the pool costs more than most queries."""

    def __init__(self) -> None:
        self._kept: dict[Engine, PoolProxiedConnection] = {}

    def connection(self, engine: Engine) -> PoolProxiedConnection:
        kept = self._kept.get(engine)
        if kept is None:
            kept = self._kept[engine] = engine.raw_connection()
        return kept

    def holds(self, engine: Engine) -> bool:
        return engine in self._kept

    def let_go(self, engine: Engine, *, lost: bool) -> None:
        """Read through another one next time, whatever state an error has left this one in."""
        kept = self._kept.pop(engine)
        if lost:
            kept.invalidate()
            engine.dispose()
        kept.close()


_reading = _Reading()


def let_go_of_connections() -> None:
    """Close what this thread and the pools hold, so that the database's files can be replaced."""
    engine = db.engines[READ]
    if _reading.holds(engine):
        _reading.let_go(engine, lost=False)
    engine.dispose()
    db.engine.dispose()


def is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
