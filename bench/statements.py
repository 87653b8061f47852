"""Counting the statements that reach a database, at the driver, whatever layer they come through."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.pool import Pool

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK")


class Watched:
    """Every connection SQLAlchemy makes from now on: so it comes before the applications."""

    def __init__(self) -> None:
        self._connections: list[Any] = []
        event.listen(Pool, "connect", lambda connection, _record: self._connections.append(connection))

    def count(self, work: Callable[[], object]) -> int:
        """How many statements `work` sends; call it once before, so that its connections are there."""
        said: list[str] = []
        for connection in self._connections:
            _listen(connection, said)
        work()
        for connection in self._connections:
            _listen(connection, None)
        if not said:
            msg = "no statement was seen: what was asked reads through a connection that is not watched"
            raise RuntimeError(msg)
        return sum(not statement.startswith(NOT_COUNTED) for statement in said)


def _listen(connection: Any, said: list[str] | None) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.set_trace_callback(None if said is None else said.append)
    elif said is None:
        connection.cursor_factory = psycopg.Cursor
    else:
        connection.cursor_factory = _cursor_that_tells(said)


def _cursor_that_tells(said: list[str]) -> type[psycopg.Cursor[Any]]:
    class Telling(psycopg.Cursor[Any]):
        """A cursor that writes down what it executes."""

        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            said.append(str(query).strip())
            return super().execute(query, *args, **kwargs)

    return Telling
