"""Counting and explaining the statements that reach a database, at the driver, whatever layer they come through."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.pool import Pool

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True, slots=True)
class Said:
    """A statement as a driver sent it, and the connection it went through; SQLite tells it with its values."""

    connection: Any
    text: str
    arguments: Any = None

    def plan(self) -> list[str]:
        """How the database goes about it, step by step."""
        if isinstance(self.connection, sqlite3.Connection):
            return [row[3] for row in self.connection.execute(f"EXPLAIN QUERY PLAN {self.text}")]
        steps = [row[0] for row in self.connection.execute(f"EXPLAIN {self.text}", self.arguments)]
        if not self.connection.autocommit:
            self.connection.rollback()
        return steps


class Watched:
    """Every connection SQLAlchemy makes from now on: so it comes before the applications."""

    def __init__(self) -> None:
        self._connections: list[Any] = []
        event.listen(Pool, "connect", lambda connection, _record: self._connections.append(connection))

    def count(self, work: Callable[[], object]) -> int:
        """How many statements `work` sends; call it once before, so that its connections are there."""
        return len(self.said(work))

    def said(self, work: Callable[[], object]) -> list[Said]:
        """The statements `work` sends."""
        said: list[Said] = []
        for connection in self._connections:
            _listen(connection, said)
        work()
        for connection in self._connections:
            _listen(connection, None)
        if not said:
            msg = "no statement was seen: what was asked reads through a connection that is not watched"
            raise RuntimeError(msg)
        return [one for one in said if not one.text.startswith(NOT_COUNTED)]


def _listen(connection: Any, said: list[Said] | None) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.set_trace_callback(None if said is None else lambda text: said.append(Said(connection, text)))
    elif said is None:
        connection.cursor_factory = psycopg.Cursor
    else:
        connection.cursor_factory = _cursor_that_tells(connection, said)


def _cursor_that_tells(connection: Any, said: list[Said]) -> type[psycopg.Cursor[Any]]:
    class Telling(psycopg.Cursor[Any]):
        """A cursor that writes down what it executes."""

        def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
            said.append(Said(connection, str(query).strip(), params))
            return super().execute(query, params, **kwargs)

    return Telling
