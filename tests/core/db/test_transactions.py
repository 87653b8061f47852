"""Transactions join and roll back as one, and both engines keep days and instants alike."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from portal.assignments.models import Assignment
from portal.caseload.models import CareLink
from portal.core import clock
from portal.core.db.engines import READ, current_practice, db, is_postgresql
from portal.core.db.statements import fetch, fetch_one
from portal.core.db.transactions import NO_PRACTICE, in_transaction, transaction, transactional
from portal.core.jobs import Heartbeat
from portal.core.viewer import Viewer
from tests.cast import Cast


def _beat(name: str, at: datetime | None = None) -> None:
    db.session.add(Heartbeat(name=name, at=at or clock.now()))
    db.session.flush()


def _beats() -> Any:
    return select(Heartbeat.name)


def _beats_in_order() -> Any:
    return select(Heartbeat.name, Heartbeat.at).order_by(Heartbeat.at)


def _zoned_beat() -> Any:
    return select(Heartbeat.at).where(Heartbeat.name == "zoned")


def _due_day() -> Any:
    return select(Assignment.due_on).where(Assignment.id == bindparam("thing"))


def _names() -> set[str]:
    return {row["name"] for row in fetch(_beats, {}, practice=NO_PRACTICE)}


@transactional(practice=NO_PRACTICE)
def _inner(name: str, *, fail: bool = False) -> None:
    _beat(name)
    if fail:
        raise LookupError(name)


@transactional(practice=NO_PRACTICE)
def _outer(*, fail: bool = False, inner_fails: bool = False) -> None:
    _beat("outer")
    _inner("inner", fail=inner_fails)
    if fail:
        raise LookupError


# One transaction -------------------------------------------------------------------------------------------------


def test_the_outermost_change_commits_and_the_inner_joins(cast: Cast, context: None) -> None:
    _outer()
    assert _names() >= {"outer", "inner"}


@pytest.mark.parametrize("failing", [{"fail": True}, {"inner_fails": True}])
def test_an_error_anywhere_rolls_everything_back(cast: Cast, context: None, failing: dict[str, bool]) -> None:
    with pytest.raises(LookupError):
        _outer(**failing)
    assert not _names() & {"outer", "inner"}
    assert not in_transaction()


def test_after_an_error_the_next_transaction_works(cast: Cast, context: None) -> None:
    with pytest.raises(LookupError):
        _outer(fail=True)
    _outer()
    assert _names() >= {"outer", "inner"}


def test_a_transaction_that_breaks_a_constraint_rolls_back_whole(cast: Cast, context: None) -> None:
    @transactional(practice=NO_PRACTICE)
    def twice() -> None:
        _beat("first")
        db.session.execute(insert(Heartbeat), [{"name": "first", "at": clock.now()}])

    with pytest.raises(IntegrityError):
        twice()
    assert "first" not in _names()


def test_a_transaction_is_refused_while_the_session_still_reads(cast: Cast, context: None) -> None:
    db.session.execute(select(Heartbeat)).all()
    with pytest.raises(RuntimeError, match="still open"), transaction(NO_PRACTICE):
        pass
    db.session.rollback()
    _outer()


def test_a_transaction_within_a_transaction_is_refused_and_joining_is_not(cast: Cast, context: None) -> None:
    with transaction(NO_PRACTICE):
        with pytest.raises(RuntimeError, match="still open"), transaction(NO_PRACTICE):
            pass
        _inner("joined")
    assert "joined" in _names()


@pytest.mark.parametrize("threads", [8])
def test_writers_of_one_process_queue_and_none_is_lost(cast: Cast, threads: int) -> None:
    with cast.app.app_context(), transaction(NO_PRACTICE):
        _beat("counter", datetime(2026, 1, 1, tzinfo=UTC))
    errors: list[str] = []

    def count() -> None:
        try:
            for _ in range(10):
                with cast.app.app_context(), transaction(NO_PRACTICE) as session:
                    row = session.get_one(Heartbeat, "counter", with_for_update=True)
                    row.at += timedelta(seconds=1)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test names it
            errors.append(repr(error))

    workers = [threading.Thread(target=count) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    with cast.app.app_context(), transaction(NO_PRACTICE) as session:
        assert session.get_one(Heartbeat, "counter").at == datetime(2026, 1, 1, 0, 1, 20, tzinfo=UTC)


def test_sqlite_is_set_up_as_the_design_says(cast: Cast, context: None) -> None:
    if is_postgresql():
        with db.engines[READ].connect() as connection:
            assert connection.execute(text("SHOW timezone")).scalar() == "UTC"
        return
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
        "trusted_schema": 0,
    }
    for engine in (db.engine, db.engines[READ]):
        with engine.connect() as connection:
            for pragma, value in wanted.items():
                assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


# Statements ------------------------------------------------------------------------------------------------------


def test_a_row_of_another_practice_is_refused_by_the_database(cast: Cast, context: None) -> None:
    link = CareLink(
        practice_id=cast.other_owner.viewer.practice_id,
        client_id=cast.client.id,
        therapist_id=cast.other_owner.id,
        started_at=clock.now(),
    )
    with pytest.raises(IntegrityError), transaction(link.practice_id):
        db.session.add(link)


# Days and instants -----------------------------------------------------------------------------------------------

INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001 -- given a zone in the next line
    lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
)


@given(st.lists(INSTANTS, min_size=1, max_size=10))
@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.usefixtures("context")
def test_every_instant_comes_back_as_it_was_and_sorts_by_time(cast: Cast, instants: list[datetime]) -> None:
    names = {f"beat-{index}": at for index, at in enumerate(instants)}
    with transaction(NO_PRACTICE) as session:
        session.execute(text("DELETE FROM heartbeats"))
        for name, at in names.items():
            _beat(name, at)
    found = fetch(_beats_in_order, {}, practice=NO_PRACTICE)
    assert {row["name"]: row["at"] for row in found} == names
    assert [row["at"] for row in found] == sorted(instants)
    assert all(row["at"].utcoffset() == timedelta() for row in found)


def test_an_instant_said_in_another_zone_is_the_same_instant(cast: Cast, context: None) -> None:
    at = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    with transaction(NO_PRACTICE):
        _beat("zoned", at)
    row = fetch_one(_zoned_beat, {}, practice=NO_PRACTICE)
    assert row == {"at": datetime(2026, 3, 29, 1, 30, tzinfo=UTC)}


@pytest.mark.parametrize("day", [date(1, 1, 1), date(999, 12, 31), date(2024, 2, 29), date(9999, 12, 31), None])
def test_every_day_comes_back_as_it_was(cast: Cast, context: None, day: date | None) -> None:
    thing, practice_id = cast.things["client.draft"], cast.things["linden.practice"]
    with transaction(practice_id) as session:
        session.execute(update(Assignment).where(Assignment.id == thing).values(due_on=day))
    row = fetch_one(_due_day, {"thing": thing}, practice=practice_id)
    assert row == {"due_on": day}


def test_a_transaction_is_in_the_practice_that_its_function_takes_first(cast: Cast, context: None) -> None:
    viewer = cast.therapist.viewer

    @transactional
    def of_viewer(viewer: Viewer) -> str:
        return current_practice.get()

    @transactional
    def of_practice(practice_id: str) -> str:
        return current_practice.get()

    assert [of_viewer(viewer), of_viewer(viewer=viewer), of_practice(viewer.practice_id)] == [viewer.practice_id] * 3


def test_a_function_that_does_not_say_its_practice_cannot_be_transactional() -> None:
    with pytest.raises(TypeError, match="name a practice"):

        @transactional
        def forgetful(name: str) -> None: ...
