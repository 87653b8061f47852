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
class SentStatement:
    """A statement as a driver sent it, and its connection; SQLite's has its values in the text."""

    connection: Any
    text: str
    arguments: Any = None

    def plan(self) -> list[str]:
        """The database's plan, step by step."""
        if isinstance(self.connection, sqlite3.Connection):
            return [row[3] for row in self.connection.execute(f"EXPLAIN QUERY PLAN {self.text}")]
        steps = [row[0] for row in self.connection.execute(f"EXPLAIN {self.text}", self.arguments)]
        if not self.connection.autocommit:
            self.connection.rollback()
        return steps


class StatementRecorder:
    """Records on every connection that SQLAlchemy makes from now on; create it before the applications."""

    def __init__(self) -> None:
        self._connections: list[Any] = []
        event.listen(Pool, "connect", lambda connection, _record: self._connections.append(connection))

    def count(self, work: Callable[[], object]) -> int:
        """The number of statements that `work` sends; run `work` once before, so that its connections exist."""
        return len(self.recorded(work))

    def recorded(self, work: Callable[[], object]) -> list[SentStatement]:
        """The statements that `work` sends."""
        sent: list[SentStatement] = []
        for connection in self._connections:
            _listen(connection, sent)
        work()
        for connection in self._connections:
            _listen(connection, None)
        if not sent:
            msg = "no statement was recorded: the work uses a connection that is not recorded"
            raise RuntimeError(msg)
        return [one for one in sent if not one.text.startswith(NOT_COUNTED)]


def _listen(connection: Any, sent: list[SentStatement] | None) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.set_trace_callback(
            None if sent is None else lambda text: sent.append(SentStatement(connection, text))
        )
    elif sent is None:
        connection.cursor_factory = psycopg.Cursor
    else:
        connection.cursor_factory = _recording_cursor(connection, sent)


def _recording_cursor(connection: Any, sent: list[SentStatement]) -> type[psycopg.Cursor[Any]]:
    class RecordingCursor(psycopg.Cursor[Any]):
        """A cursor that records what it executes."""

        def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
            sent.append(SentStatement(connection, str(query).strip(), params))
            return super().execute(query, params, **kwargs)

    return RecordingCursor
