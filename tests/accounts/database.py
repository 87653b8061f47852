"""What stands in the database, read and changed past every service."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Row

from portal.core.db.engines import OWNER, db


def rows(app: Flask, statement: Any) -> list[Row[Any]]:
    """What `statement` finds."""
    with app.app_context(), db.engines[OWNER].connect() as connection:
        return list(connection.execute(statement).all())


def value(app: Flask, statement: Any) -> Any:
    """The one value `statement` finds."""
    found = rows(app, statement)
    assert len(found) == 1, f"{len(found)} rows instead of one"
    return found[0][0]


def change(app: Flask, statement: Any) -> int:
    """Do an INSERT, UPDATE or DELETE and return how many rows it touched."""
    with app.app_context(), db.engines[OWNER].begin() as connection:
        return int(connection.execute(statement).rowcount)


def everything(app: Flask) -> bytes:
    """Every value of every row of every table; on SQLite also the bytes of the database file and its log."""
    kept: list[bytes] = []
    with app.app_context(), db.engines[OWNER].connect() as connection:
        for table in db.Model.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                kept += [column if isinstance(column, bytes) else str(column).encode() for column in row]
    folder = app.config["PORTAL"].data_dir
    kept += [_bytes_of(path) for path in sorted(folder.glob("portal.db*"))]
    return b"\n".join(kept)


def _bytes_of(path: Path) -> bytes:
    """Read by another process: closing a database file here would drop every lock SQLite holds on it."""
    return subprocess.run(["/bin/cat", str(path)], check=True, capture_output=True).stdout
