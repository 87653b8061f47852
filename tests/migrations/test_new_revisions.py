"""A migration somebody is about to write: its number, its style, and row-level security for its table."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from flask_migrate import revision, upgrade
from sqlalchemy import Connection, text

from config import Config
from migrations.rls import enable_rls
from portal.app import MIGRATIONS, create_app
from portal.core.db.engines import OWNER, db
from portal.core.db.statements import close_connections
from tests.cast import Cast
from tests.server import ROOT

NEXT = f"{len(list(MIGRATIONS.glob('versions/*.py'))) + 1:04}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations to write into."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def migrated(config: Config, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(replace(config, database_url=f"sqlite:///{tmp_path / 'portal.db'}", owner_url=None))
    with app.app_context():
        upgrade()
        yield app
        close_connections()


def _without_notes() -> None:
    """Drop a table, so that there is something to migrate."""
    with db.engines[OWNER].begin() as connection:
        connection.execute(text("DROP TABLE notes"))


@pytest.mark.engines("sqlite")
def test_a_generated_migration_is_numbered_and_needs_no_tidying(migrated: Flask, folder: Path) -> None:
    _without_notes()
    revision(directory=str(folder), autogenerate=True, message="Private notes")
    written = folder / "versions" / f"{NEXT}_private_notes.py"
    assert written.read_text().startswith(f'"""Private notes.\n\nRevision: {NEXT}\nRevises: ')
    place = f"migrations/versions/{written.name}"
    _accepts(["ruff", "check", "--stdin-filename", place, "-"], written)
    _accepts(["ruff", "format", "--check", "--stdin-filename", place, "-"], written)
    _accepts(["mypy", str(written)], written)


def _accepts(checker: list[str], path: Path) -> None:
    """Run a checker with the settings of this project, the file on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", *checker],
        cwd=ROOT,
        input=path.read_text(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_migration_imports_product_code_that_may_change() -> None:
    scripts = [*MIGRATIONS.glob("versions/*.py"), MIGRATIONS / "rls.py", MIGRATIONS / "columns.py"]
    assert [path.name for path in scripts if re.search(r"^(from|import) portal", path.read_text(), re.MULTILINE)] == []


@pytest.mark.engines("sqlite")
def test_where_database_and_models_agree_no_migration_is_written(
    migrated: Flask, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.glob("versions/*.py"))
    revision(directory=str(folder), autogenerate=True, message="Nothing")
    assert sorted(folder.glob("versions/*.py")) == before
    assert "Nothing to migrate" in capsys.readouterr().out


@pytest.mark.engines("postgresql")
def test_a_new_table_gets_the_row_level_security_of_the_others(cast: Cast) -> None:
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        connection.execute(text("CREATE TABLE goals (practice_id uuid NOT NULL, id uuid NOT NULL)"))
        enable_rls(Operations(MigrationContext.configure(connection)), "goals")
        assert _security(connection, "goals") == _security(connection, "notes")
        connection.rollback()


@pytest.mark.engines("sqlite")
def test_sqlite_has_no_row_level_security_to_enable(migrated: Flask) -> None:
    with db.engines[OWNER].connect() as connection:
        enable_rls(Operations(MigrationContext.configure(connection)), "goals")


def _security(connection: Connection, table: str) -> list[Any]:
    """Whether a table's security is on and forced, and its policies, but for the table's name."""
    switched = text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
    policies = text(
        "SELECT policyname, permissive, roles::text, cmd, replace(qual, :name, ''), with_check FROM pg_policies"
        " WHERE tablename = :name ORDER BY policyname"
    )
    return [*connection.execute(switched, {"name": table}), *connection.execute(policies, {"name": table})]
