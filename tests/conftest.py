"""The fixtures: each test that touches a database runs on SQLite and on a real PostgreSQL.

The database is built by the migrations once per engine; the cast is built once and put back before every test.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, update

from config import Testing
from portal.accounts.models import Credential
from portal.accounts.service import sessions
from portal.app import create_app
from portal.core import clock
from portal.core.db.engines import OWNER, READ, db
from portal.core.db.statements import close_connections
from tests.cast import Cast, build
from tests.database_image import Image, take_image
from tests.postgresql import as_application, fast_folder, temporary_postgresql

ENGINES = os.environ.get("PORTAL_TEST_ENGINES", "sqlite,postgresql").split(",")
CHEAP_HASH = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("engines")
        wanted = [engine for engine in ENGINES if only is None or engine in only.args]
        metafunc.parametrize("engine", wanted, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each engine on one worker, so that it is started once."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is not None and "engine" in callspec.params:
            item.add_marker(pytest.mark.xdist_group(callspec.params["engine"]))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL 18 of our own, from a wheel; gone afterwards."""
    with temporary_postgresql(durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def config(engine: str, request: pytest.FixtureRequest) -> Iterator[Testing]:
    with tempfile.TemporaryDirectory(prefix="portal-test-", dir=fast_folder()) as folder:
        data_dir = Path(folder) / "data"
        url, owner_url = f"sqlite:///{data_dir / 'portal.db'}", None
        if engine == "postgresql":
            owner_url = request.getfixturevalue("postgresql_url")
            url = as_application(owner_url)
        yield Testing(
            data_dir=data_dir,
            keyring=Path(folder) / "keyring.json",
            database_url=url,
            owner_url=owner_url,
            base_url="http://localhost",
            testing=True,
            argon2_cost=CHEAP_HASH,
        )


@pytest.fixture(scope="session")
def migrated_app(config: Testing) -> Iterator[Flask]:
    """The application on an empty database that the migrations built."""
    app = create_app(config)
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        close_connections()


@pytest.fixture(scope="session")
def snapshot(migrated_app: Flask) -> Iterator[tuple[Cast, Image]]:
    """The cast, and every row of it, to be put back before each test."""
    with migrated_app.app_context():
        _empty()
        cast, image = build(migrated_app), take_image()
    yield cast, image  # outside the context: requests would share its `g`
    image.close()


class Touched:
    """Whether anything was committed since the cast was put back, and when that was."""

    def __init__(self) -> None:
        self.yes = True
        self.put_back_at = clock.now()

    def is_as_it_was(self) -> bool:
        """Not longer than half a minute: a session's use is noted once a minute, which some tests count."""
        return not self.yes and clock.now() - self.put_back_at < timedelta(seconds=30)


@pytest.fixture(scope="session")
def touched(migrated_app: Flask) -> Touched:
    found = Touched()

    def on_commit(_connection: Any) -> None:
        found.yes = True

    with migrated_app.app_context():
        event.listen(db.engine, "commit", on_commit)
        event.listen(db.engines[OWNER], "commit", on_commit)
    return found


@pytest.fixture
def app(migrated_app: Flask, touched: Touched) -> Flask:
    """The application on an empty database."""
    with migrated_app.app_context():
        _empty()
    return migrated_app


@pytest.fixture
def cast(
    request: pytest.FixtureRequest,
    migrated_app: Flask,
    snapshot: tuple[Cast, Image],
    touched: Touched,
) -> Iterator[Cast]:
    """A few named people in two practices, who each own one of everything (see tests/cast.py)."""
    cast, image = snapshot
    if not touched.is_as_it_was():
        with migrated_app.app_context():
            restore(image)
        touched.yes, touched.put_back_at = False, clock.now()
    yield cast.fresh()
    if request.node.get_closest_marker("bar"):
        touched.yes = True  # other processes may have written


def restore(image: Image) -> None:
    """Put the cast back, with sessions that were used just now. Needs an application context."""
    image.restore()
    with db.engines[OWNER].begin() as connection:
        now = clock.now()
        connection.execute(update(Credential).values(last_used_at=now, expires_at=now + sessions.LIFETIME))


@pytest.fixture
def context(cast: Cast) -> Iterator[None]:
    """An application context for tests that call services; never hold it open around requests."""
    with cast.app.app_context():
        yield


def _empty() -> None:
    deletes = [f"DELETE FROM {table.name}" for table in reversed(db.Model.metadata.sorted_tables)]
    if db.engine.dialect.name == "postgresql":
        deletes = ["; ".join(deletes)]
    else:
        deletes.append("DELETE FROM resource_search")
    with db.engines[OWNER].begin() as connection:
        for delete in deletes:
            connection.exec_driver_sql(delete)


class Queries:
    """The statements that reached the database while it was open, on either engine."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __len__(self) -> int:
        return len(self.statements)


@pytest.fixture
def queries(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queries]:
    """Counts statements. Prepared ones bypass SQLAlchemy's events, so the cursor itself is watched."""
    from portal.core.db import statements  # noqa: PLC0415 -- only these tests reach inside

    counted = Queries()

    def on_execute(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        counted.statements.append(statement)

    with cast.app.app_context():
        engines = [db.engine, db.engines[READ]]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", on_execute)
    real = statements._cursor

    @contextmanager
    def watched(practice: str | None) -> Iterator[Any]:
        with real(practice) as (cursor, engine):
            yield _WatchedCursor(cursor, counted), engine

    monkeypatch.setattr(statements, "_cursor", watched)
    yield counted
    for engine in engines:
        event.remove(engine, "before_cursor_execute", on_execute)


class _WatchedCursor:
    def __init__(self, cursor: Any, counted: Queries) -> None:
        self._cursor, self._counted = cursor, counted

    def execute(self, text: str, parameters: Any) -> Any:
        self._counted.statements.append(text)
        return self._cursor.execute(text, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
