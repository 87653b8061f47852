"""One line of migrations that makes exactly what the models say, up and down, with people's rows in place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKeyConstraint,
    Table,
    UniqueConstraint,
    Update,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from config import Config
from portal.accounts.models import Credential
from portal.app import MIGRATIONS, create_app
from portal.core.db.engines import OWNER, db
from portal.core.db.statements import close_connections
from portal.core.ids import new_id
from portal.core.listing import ListRequest
from portal.library.models import is_mapped
from portal.library.service import resources, versions
from tests.cast import CARD, Cast, build, exercise_document
from tests.postgresql import as_application
from tests.server import database

TABLES = db.Model.metadata.sorted_tables
REFERENCES = [
    pytest.param(table, constraint, id=str(constraint.name))
    for table in TABLES
    for constraint in sorted(table.foreign_key_constraints, key=lambda one: str(one.name))
    if len(constraint.columns) > 1
]
CHECKS = [
    pytest.param(table, constraint, id=str(constraint.name))
    for table in TABLES
    for constraint in sorted(table.constraints, key=lambda one: str(one.name))
    if isinstance(constraint, CheckConstraint)
]


@pytest.fixture(scope="module")
def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


@pytest.fixture
def empty_app(engine: str, config: Config, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application, with the suite's own keyring, on a database that holds nothing at all."""
    with database(engine, request) as url:
        address = as_application(url) if url else f"sqlite:///{tmp_path / 'empty.db'}"
        app = create_app(replace(config, database_url=address, owner_url=url))
        yield app
        with app.app_context():
            close_connections()


def test_there_is_one_head_and_revisions_are_numbered(scripts: ScriptDirectory) -> None:
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    names = [revision.revision for revision in reversed(list(scripts.walk_revisions()))]
    assert names == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert all(not revision.is_branch_point and not revision.is_merge_point for revision in scripts.walk_revisions())


def test_up_from_nothing_is_what_the_models_say(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
        assert _differences() == []


def test_down_to_nothing_and_up_again_with_rows_in_place(empty_app: Flask, scripts: ScriptDirectory) -> None:
    """Step by step: each revision is undone, done again and undone, and whatever remains keeps its rows."""
    revisions = [revision.revision for revision in scripts.walk_revisions()]
    with empty_app.app_context():
        upgrade()
        build(empty_app)
        assert min(_counts(["people", "assignments", "responses", "comments", "events"]).values()) > 0
        for position, revision in enumerate(revisions):
            before = _all_counts()
            if revision == "0002":
                before["credentials"] -= _tokens_of_integrations()
            downgrade(revision=_below(revisions, position))
            _keeps_its_rows(before)
            upgrade(revision=revision)
            _keeps_its_rows(before)
            downgrade(revision=_below(revisions, position))
        assert _table_names() <= {"alembic_version"}
        for revision in reversed(revisions):
            upgrade(revision=revision)
        assert _differences() == []
        build(empty_app)


def test_what_was_written_before_search_is_found_after(empty_app: Flask, scripts: ScriptDirectory) -> None:
    with empty_app.app_context():
        upgrade()
        therapist = build(empty_app).therapist
        draft: dict[str, Any] = {**CARD, "title": "Okapi", "document": exercise_document()}
        made = resources.create_resource(therapist.viewer, kind="exercise", **draft)
        versions.publish(therapist.viewer, made["id"])
        resources.change_resource(therapist.viewer, made["id"], made["version"] + 1, title="Tapir")
        downgrade(revision=str(scripts.get_revision("0005").down_revision))
        upgrade()
        for q in ("okapi", "tapir cue", "tapi"):
            assert [
                row["title"] for row in resources.list_resources(therapist.viewer, ListRequest(), q).as_dicts()
            ] == ["Tapir"]
        assert len(resources.list_resources(therapist.viewer, ListRequest(), "betr").as_dicts()) > 1


def _below(revisions: list[str], position: int) -> str:
    return revisions[position + 1] if position + 1 < len(revisions) else "base"


def _table_names() -> set[str]:
    with db.engines[OWNER].connect() as connection:
        return set(inspect(connection).get_table_names())


def _counts(names: list[str]) -> dict[str, int]:
    tables = db.Model.metadata.tables
    with db.engines[OWNER].connect() as connection:
        return {name: connection.execute(select(func.count()).select_from(tables[name])).scalar_one() for name in names}


def _all_counts() -> dict[str, int]:
    return _counts([name for name in db.Model.metadata.tables if name in _table_names()])


def _tokens_of_integrations() -> int:
    """Credentials that cannot outlive the table of whom they belong to."""
    with db.engines[OWNER].connect() as connection:
        held = select(func.count()).where(Credential.integration_id.is_not(None))
        return connection.execute(held).scalar_one()


def _keeps_its_rows(before: dict[str, int]) -> None:
    """A table that was not dropped (and made anew, empty) still has all of its rows."""
    now = _all_counts()
    assert {name: count for name, count in now.items() if count not in (0, before[name])} == {}


def _differences() -> list[Any]:
    """What autogenerate would still change: tables, columns, types, nullability, keys, indexes."""
    with db.engines[OWNER].connect() as connection:
        opts = {"compare_type": True, "target_metadata": db.metadata, "include_name": is_mapped}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, db.metadata))


def test_every_constraint_of_the_models_stands_in_the_database(cast: Cast) -> None:
    """What autogenerate does not compare: checks, and the columns of every key, name by name."""
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        for table in TABLES:
            assert _found(connection, table.name) == _declared(table), table.name


def _declared(table: Table) -> dict[str, Any]:
    return {
        "key": [column.name for column in table.primary_key.columns],
        "references": {
            str(one.name): (list(one.column_keys), one.referred_table.name) for one in table.foreign_key_constraints
        },
        "uniques": {
            str(one.name): [column.name for column in one.columns]
            for one in table.constraints
            if isinstance(one, UniqueConstraint)
        },
        "checks": {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)},
        "required": {column.name for column in table.columns if not column.nullable},
    }


def _found(connection: Connection, name: str) -> dict[str, Any]:
    seen = inspect(connection)
    return {
        "key": seen.get_pk_constraint(name)["constrained_columns"],
        "references": {
            str(one["name"]): (one["constrained_columns"], one["referred_table"]) for one in seen.get_foreign_keys(name)
        },
        "uniques": {str(one["name"]): one["column_names"] for one in seen.get_unique_constraints(name)},
        "checks": {str(one["name"]) for one in seen.get_check_constraints(name)},
        "required": {column["name"] for column in seen.get_columns(name) if not column["nullable"]},
    }


def test_every_table_of_a_practice_has_the_practice_in_its_keys() -> None:
    """A reference that leaves the practice out could cross: there is none, but to the practice itself."""
    for table in TABLES:
        if "practice_id" not in table.columns:
            continue
        assert table.primary_key.columns.values()[0].name == "practice_id", table.name
        for reference in table.foreign_key_constraints:
            referred = reference.referred_table.name
            if referred == "practices":
                assert list(reference.column_keys) == ["practice_id"]
            else:
                assert reference.column_keys[0] == "practice_id", reference.name
                assert [element.column.name for element in reference.elements] == ["practice_id", "id"], reference.name


@pytest.mark.parametrize(("table", "reference"), REFERENCES)
def test_a_reference_into_another_practice_is_refused(
    cast: Cast, table: Table, reference: ForeignKeyConstraint
) -> None:
    own, other = cast.things["linden.practice"], cast.things["birch.practice"]
    column = reference.column_keys[1]
    referred = reference.referred_table
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        theirs = connection.execute(select(referred.c.id).where(referred.c.practice_id == other)).scalars().first()
        owned = select(table).where(table.c.practice_id == own, table.c[column].is_not(None))
        row = connection.execute(owned).mappings().first()
        assert theirs is not None, f"nobody in the other practice owns one of {referred.name}"
        assert row is not None, f"nobody owns one of {table.name}"
        connection.rollback()
        crossing = _crossing(table, dict(row), column, theirs)
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            connection.execute(crossing)
        connection.rollback()
        if column not in table.primary_key.columns:
            kept = _row(table, row).values({column: row[column]})
            assert connection.execute(kept).rowcount == 1, "the same with its own value is taken"
        connection.rollback()


def _crossing(table: Table, row: dict[str, Any], column: str, theirs: str) -> Any:
    """The row pointed at something of the other practice; where the pointer is the row's own id, a new row."""
    if column in table.primary_key.columns:
        return insert(table).values({**row, column: theirs})
    return _row(table, row).values({column: theirs})


def _row(table: Table, row: Mapping[Any, Any]) -> Update:
    """The update of exactly this row."""
    return update(table).where(*(column == row[column.name] for column in table.primary_key.columns))


def test_a_row_without_a_practice_is_refused(cast: Cast) -> None:
    nowhere = new_id()
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        for table in TABLES:
            references = {one.referred_table.name for one in table.foreign_key_constraints}
            if "practices" not in references:
                continue
            row = dict(connection.execute(select(table)).mappings().first() or {})
            connection.rollback()
            assert row, f"nobody owns one of {table.name}"
            loose = {**row, "practice_id": nowhere, table.primary_key.columns.values()[-1].name: new_id()}
            if "secret_hash" in row:
                loose["secret_hash"] = new_id()
            with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
                connection.execute(insert(table).values(loose))
            connection.rollback()


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "ck_people_clients_stand_alone": ("client", {"therapist": True}),
    "ck_people_kind": ("therapist", {"kind": "robot", "therapist": False}),
    "ck_credentials_one_holder": ("therapist.session", {"person_id": None}),
    "ck_assignments_progress": ("client.draft", {"answered": 1_000}),
}
"""For each check of the models: whose row breaks it, and how."""


@pytest.mark.parametrize(("table", "check"), CHECKS)
def test_a_row_that_breaks_a_check_is_refused(cast: Cast, table: Table, check: CheckConstraint) -> None:
    whose, values = BROKEN[str(check.name)]
    row_id = cast.things.get(whose) or cast.everyone()[whose].id
    breaking = update(table).where(table.c.id == row_id).values(values)
    with (
        cast.app.app_context(),
        db.engines[OWNER].connect() as connection,
        pytest.raises(IntegrityError, match=re.escape(str(check.name))),
    ):
        connection.execute(breaking)
