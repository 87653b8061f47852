"""Health checks for load balancers and operators, and nothing beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

import portal
from config import Config
from portal.app import create_app
from portal.core import clock, crypto, jobs
from portal.core.db.engines import OWNER, db
from portal.core.db.statements import close_connections
from tests.cast import Cast

MEMBERS = {"status", "database", "migrations", "row_level_security", "worker", "recovery_file", "version"}


@contextmanager
def _changed(cast: Cast, change: str, back: str) -> Iterator[None]:
    def run(statement: str) -> None:
        with cast.app.app_context(), db.engines[OWNER].begin() as connection:
            connection.execute(text(statement))

    run(change)
    try:
        yield
    finally:
        run(back)


@pytest.fixture
def exported(cast: Cast) -> Iterator[None]:
    """The recovery file has been written."""
    with cast.app.app_context():
        crypto.export_keyring("a passphrase for the drawer")
    yield
    crypto.keyring().exported_at = None
    crypto.keyring().save()


def _beat(cast: Cast) -> None:
    with cast.app.app_context():
        jobs.record_heartbeat("worker")


def test_a_process_that_answers_is_alive(cast: Cast) -> None:
    response = cast.nobody.get("/health/live")
    assert (response.status_code, response.get_json()) == (200, {"status": "ready"})


def test_all_is_well_with_a_worker_and_a_recovery_file(cast: Cast, exported: None) -> None:
    _beat(cast)
    response = cast.nobody.get("/health/ready")
    assert response.status_code == 200
    assert response.get_json() == dict.fromkeys(MEMBERS, "ok") | {"status": "ready", "version": portal.__version__}


def test_without_a_worker_it_is_degraded_and_still_answers(cast: Cast, exported: None) -> None:
    response = cast.nobody.get("/health/ready")
    assert (response.status_code, response.get_json()["status"]) == (200, "degraded")
    assert "flask worker" in response.get_json()["worker"]


def test_a_worker_that_went_quiet_is_noticed_after_a_minute(cast: Cast, exported: None) -> None:
    _beat(cast)
    with clock.time_shifted(timedelta(seconds=50)):
        assert cast.nobody.get("/health/ready").get_json()["status"] == "ready"
    with clock.time_shifted(timedelta(seconds=70)):
        assert cast.nobody.get("/health/ready").get_json()["status"] == "degraded"


def test_without_a_recovery_file_it_nags(cast: Cast) -> None:
    _beat(cast)
    shown = cast.nobody.get("/health/ready").get_json()
    assert (shown["status"], shown["worker"]) == ("degraded", "ok")
    assert "flask keys export" in shown["recovery_file"]


def test_a_database_of_another_version_is_unavailable(cast: Cast) -> None:
    with cast.app.app_context(), db.engine.connect() as connection:
        head = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    with _changed(
        cast, "UPDATE alembic_version SET version_num = '0000'", f"UPDATE alembic_version SET version_num = '{head}'"
    ):
        response = cast.nobody.get("/health/ready")
        assert (response.status_code, response.get_json()["status"]) == (503, "unavailable")
        assert "flask db upgrade" in response.get_json()["migrations"]
    assert cast.nobody.get("/health/ready").status_code == 200


def test_a_database_without_tables_is_unavailable_and_says_what_to_do(cast: Cast) -> None:
    there, away = "ALTER TABLE gone RENAME TO alembic_version", "ALTER TABLE alembic_version RENAME TO gone"
    with _changed(cast, away, there):
        response = cast.nobody.get("/health/ready")
        assert (response.status_code, response.get_json()["status"]) == (503, "unavailable")
        assert response.get_json()["database"] == "ok", "it is there: its tables are missing"
        assert "flask db upgrade" in response.get_json()["migrations"]
        assert "alembic" not in response.get_data(as_text=True)
        assert cast.nobody.get("/health/live").status_code == 200


def test_health_tells_nothing_of_who_is_here(cast: Cast) -> None:
    shown = cast.nobody.get("/health/ready")
    assert set(shown.get_json()) == MEMBERS
    for word in ("linden", "sqlite", "postgresql", "/tmp", "0001"):
        assert word not in shown.get_data(as_text=True)


@pytest.mark.engines("postgresql")
def test_a_role_that_bypasses_row_level_security_makes_it_unavailable(cast: Cast, config: Config) -> None:
    """The owner of the tables sees every practice's rows: no process that answers requests works as that role."""
    assert config.owner_url is not None
    app = create_app(replace(config, database_url=config.owner_url))
    with app.test_client() as client:
        response = client.get("/health/ready")
    assert (response.status_code, response.get_json()["status"]) == (503, "unavailable")
    assert "role of its own" in response.get_json()["row_level_security"]
    with app.app_context():
        close_connections()


@pytest.mark.engines("postgresql")
def test_a_table_without_row_level_security_makes_it_unavailable(cast: Cast) -> None:
    down, up = (f"ALTER TABLE people {act} ROW LEVEL SECURITY" for act in ("DISABLE", "ENABLE"))
    with _changed(cast, down, up):
        response = cast.nobody.get("/health/ready")
    assert response.status_code == 503
    assert "bypassed" in response.get_json()["row_level_security"]
    assert cast.nobody.get("/health/ready").status_code == 200


@pytest.mark.engines("postgresql")
def test_a_lost_database_is_reported_in_the_shape_of_health(cast: Cast) -> None:
    """Whichever of a process's connections notices first."""
    assert cast.nobody.get("/health/ready").status_code == 200
    others = "usename = current_user AND pid <> pg_backend_pid()"
    ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    with cast.app.app_context(), db.engine.connect() as connection:
        assert connection.execute(text(ended)).scalars().all()
    answers = [cast.nobody.get("/health/ready") for _ in range(4)]
    noticed = [answer.get_json() for answer in answers if answer.status_code == 503]
    assert noticed
    assert [set(one) for one in noticed] == [MEMBERS] * len(noticed)
    assert {one["database"] for one in noticed} == {"not reachable"}
    assert answers[-1].status_code == 200
