"""Prepared statements: a Core statement is compiled once, and its text runs on the driver's own cursor.

Inside `@transactional` it runs in the open transaction, otherwise on the reading engine in one round trip.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ClauseElement, ColumnElement, or_

from portal.core.db.engines import OWNER, READ, db
from portal.core.db.transactions import in_transaction
from portal.core.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Dialect, Engine
    from sqlalchemy.pool import PoolProxiedConnection


class Prepared:
    """A statement compiled for one dialect: its text, its constant values, and the places of its parameters."""

    __slots__ = ("_columns", "_fixed", "_required", "is_final", "statement", "text")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = cast("Any", statement.compile(dialect=dialect))
        places: Sequence[str] | None = compiled.positiontup
        self.statement = statement
        self.text: str = compiled.string
        self.is_final = not compiled.post_compile_params
        self._fixed: Any = {} if places is None else [None] * len(places)
        self._required: dict[str, tuple[Callable[[Any], Any] | None, list[Any]]] = {}
        self._columns: tuple[list[str], list[tuple[str, Callable[[Any], Any]]]] | None = None
        named = ((name, name) for name in set(compiled.bind_names.values()))
        for place, name in enumerate(places) if places is not None else named:
            bind = compiled.binds[name]
            process = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.required:
                self._required.setdefault(name, (process, []))[1].append(place)
            else:
                value = bind.effective_value
                value = str(value) if isinstance(value, StrEnum) else value
                self._fixed[place] = value if process is None else process(value)

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The parameters for the driver: a sequence or a mapping, depending on the dialect."""
        filled = self._fixed.copy()
        for name, (process, places) in self._required.items():
            value = values[name] if process is None else process(values[name])
            for place in places:
                filled[place] = value
        return filled

    def rows(self, cursor: Any, dialect: Dialect) -> list[dict[str, Any]]:
        """The rows of an executed cursor as Python values by the names of their columns."""
        if self._columns is None:
            self._columns = _converters(cast("Any", self.statement).selected_columns, cursor.description, dialect)
        names, converters = self._columns
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for name, convert in converters:
            for row in rows:
                row[name] = convert(row[name])
        return nest(rows)


def _converters(
    columns: Iterable[ColumnElement[Any]], description: Sequence[Sequence[Any]], dialect: Dialect
) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    """The names of the columns, and converters for those whose driver values are no Python values."""
    names, converters = [], []
    for column, described in zip(columns, description, strict=True):
        name = str(cast("Any", column).key)
        convert: Any = column.type.dialect_impl(dialect).result_processor(dialect, described[1])
        names.append(name)
        if convert is not None:
            converters.append((name, convert))
    return names, converters


Build = Callable[[], ClauseElement]
"""A module-level function that builds a statement; values travel as bind parameters."""

_prepared: dict[Hashable, Prepared] = {}


def nested(member: str, **columns: Any) -> tuple[ColumnElement[Any], ...]:
    """The columns of a nested object: a row holds them as the dictionary `member`."""
    return tuple(column.label(f"{member}.{name}") for name, column in columns.items())


def nest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move the columns that `nested` named into their dictionaries."""
    dotted = [(name, *name.split(".", 1)) for name in rows[0] if "." in name] if rows else []
    for name, member, inner in dotted:
        for row in rows:
            row.setdefault(member, {})[inner] = row.pop(name)
    return rows


def prepare(key: Hashable, build: Build, dialect: Dialect) -> Prepared:
    """The prepared form of the statement `build()` makes; built once per `key` and dialect."""
    full = (key, dialect.name)
    found = _prepared.get(full)
    if found is None:
        found = _prepared[full] = Prepared(build(), dialect)
    return found


def named(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build` as the key of its statement. Raises TypeError for a lambda or a closure, which are new at every call."""
    if build.__name__ == "<lambda>" or getattr(build, "__closure__", None):
        msg = f"{build.__qualname__} captures what its statement's key would not say: use a module-level function"
        raise TypeError(msg)
    return build


def is_one_of(column: Any, words: Iterable[str]) -> ColumnElement[bool]:
    """`column` is one of a fixed set of words. Unlike IN its text is final, so that it can be compiled once."""
    return or_(*(column == word for word in sorted(words)))


def fetch_tuples(build: Build, values: Mapping[str, Any], *, practice: str | None) -> list[tuple[Any, ...]]:
    """Rows as the driver gives them (SQLite: text instants, 0 and 1 for booleans).

    `practice` is whose rows are read; None reads in whatever practice the connection is, before a door knows one.
    """
    return fetch_tuples_by(named(build), build, values, practice=practice)


def fetch(build: Build, values: Mapping[str, Any], *, practice: str) -> list[dict[str, Any]]:
    """The rows of one practice as dictionaries of Python values: datetimes aware, booleans as bool."""
    return fetch_by(named(build), build, values, practice=practice)


def fetch_one(build: Build, values: Mapping[str, Any], *, practice: str) -> dict[str, Any] | None:
    rows = fetch(build, values, practice=practice)
    return rows[0] if rows else None


def execute(build: Build, values: Mapping[str, Any]) -> int:
    """Execute a writing statement inside the open transaction and return how many rows it changed."""
    if not in_transaction():
        msg = "execute() writes: call it inside @transactional"
        raise RuntimeError(msg)
    with _cursor(None) as (cursor, engine):
        statement = prepare(named(build), build, engine.dialect)
        cursor.execute(statement.text, statement.parameters(values))
        return int(cursor.rowcount)


# By key: for what builds many statements from one declaration ---------------------------------------------------


def fetch_tuples_by(
    key: Hashable, build: Build, values: Mapping[str, Any], *, practice: str | None
) -> list[tuple[Any, ...]]:
    """`fetch_tuples` for a statement whose `key` names everything that changes its text."""
    with _cursor(practice) as (cursor, engine):
        statement = prepare(key, build, engine.dialect)
        cursor.execute(statement.text, statement.parameters(values))
        return cast("list[tuple[Any, ...]]", cursor.fetchall())


def fetch_by(key: Hashable, build: Build, values: Mapping[str, Any], *, practice: str) -> list[dict[str, Any]]:
    """`fetch` for a statement whose `key` names everything that changes its text."""
    with _cursor(practice) as (cursor, engine):
        statement = prepare(key, build, engine.dialect)
        if statement.is_final:
            cursor.execute(statement.text, statement.parameters(values))
            return statement.rows(cursor, engine.dialect)
    return _fetch_expanding(statement.statement, values, practice)


def _fetch_expanding(statement: ClauseElement, values: Mapping[str, Any], practice: str) -> list[dict[str, Any]]:
    """The same for a statement whose text depends on how many values there are (IN): compiled each time."""
    if in_transaction():
        rows = db.session().connection().execute(cast("Any", statement), dict(values))
        return nest([dict(row) for row in rows.mappings()])
    with db.engines[READ].connect() as connection:
        _enter(connection.connection, connection.engine, practice)
        return [dict(row) for row in connection.execute(cast("Any", statement), dict(values)).mappings()]


def _enter(raw: PoolProxiedConnection, engine: Engine, practice: str) -> None:
    """Have row-level security let this practice's rows through from now on, where it does not already."""
    if raw.info.get("practice") != practice and engine.dialect.name == "postgresql":
        raw.cursor().execute("SELECT set_config('app.practice', %s, false)", (practice,))
        raw.info["practice"] = practice


def _operational(engine: Engine) -> Any:
    """What a driver raises if the database is unreachable, too busy, or has aborted a deadlock."""
    return cast("Any", engine.dialect.dbapi).OperationalError


class _cursor:  # noqa: N801 -- used like a function; a generator would cost as much as a short query
    """A driver cursor: of the open transaction, else of the connection this thread reads through."""

    __slots__ = ("_cursor", "_engine", "_practice", "_raw")

    def __init__(self, practice: str | None) -> None:
        """`practice`: whose rows are read; None in a transaction, which has its own, and where it does not matter."""
        self._practice = practice

    def __enter__(self) -> tuple[Any, Engine]:
        self._raw: PoolProxiedConnection | None = None
        if in_transaction():
            session = db.session()
            session.flush()
            connection = session.connection()
            self._engine = connection.engine
            self._cursor: Any = cast("Any", connection.connection).cursor()
        else:
            self._engine = db.engines[READ]
            self._raw = _reading.connection(self._engine)
            try:
                if self._practice is not None:
                    _enter(self._raw, self._engine, self._practice)
                self._cursor = self._raw.cursor()
            except Exception as error:
                self.__exit__(type(error), error, None)
                raise
        return self._cursor, self._engine

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or self._raw is None:
            self._cursor.close()
            if isinstance(error, _operational(self._engine)):
                raise Unavailable from error
            return
        dialect, connection = self._engine.dialect, self._raw.dbapi_connection
        lost = dialect.is_disconnect(cast("Any", error), cast("Any", connection), None)
        _reading.release(self._engine, lost=lost)
        if lost:
            raise Unavailable from error


class _Reading(threading.local):
    """One connection per thread for reading, since taking one from the pool costs more than most queries."""

    def __init__(self) -> None:
        self._connections: dict[Engine, PoolProxiedConnection] = {}

    def connection(self, engine: Engine) -> PoolProxiedConnection:
        connection = self._connections.get(engine)
        if connection is None:
            connection = self._connections[engine] = engine.raw_connection()
        return connection

    def holds(self, engine: Engine) -> bool:
        return engine in self._connections

    def release(self, engine: Engine, *, lost: bool) -> None:
        """Drop the connection, whose state is unknown after an error; the next read takes another one."""
        connection = self._connections.pop(engine)
        if lost:
            connection.invalidate()
            engine.dispose()
        connection.close()


_reading = _Reading()


def close_connections() -> None:
    """Close what this thread and the pools hold, so that the database's files can be replaced."""
    engine = db.engines[READ]
    if _reading.holds(engine):
        _reading.release(engine, lost=False)
    engine.dispose()
    db.engine.dispose()
    db.engines[OWNER].dispose()
