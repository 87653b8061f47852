"""The worker seals whatever waits, however much it is."""

from __future__ import annotations

from sqlalchemy import func, select

from portal.audit import jobs as audit_jobs
from portal.core import jobs
from portal.core.audit_log import events as audit_events
from portal.core.audit_log import sealing
from portal.core.audit_log.events import Event
from portal.core.db.transactions import transaction
from portal.core.facts import Fact
from portal.core.viewer import system
from tests.accounts import database
from tests.cast import Cast

TOLD = Fact("test.told")


class Subject:
    """Anything a fact can be about."""

    def __init__(self, subject_id: str) -> None:
        self.id = subject_id


def unsealed(cast: Cast) -> int:
    return int(database.value(cast.app, select(func.count()).where(Event.position.is_(None))))


def test_sealing_is_a_tick_of_the_worker() -> None:
    assert [tick.seconds for tick in jobs.TICKS if tick.call is audit_jobs.seal] == [1]


def test_one_tick_seals_more_than_one_batch(cast: Cast) -> None:
    viewer = system(cast.things["linden.practice"])
    with cast.app.app_context():
        with transaction(viewer.practice_id):
            for _ in range(sealing.BATCH + 1):
                audit_events.record(viewer, TOLD, Subject(cast.client.id))
        audit_jobs.seal()
    assert unsealed(cast) == 0


def test_positions_have_no_gap_in_any_practice(cast: Cast) -> None:
    with cast.app.app_context():
        audit_jobs.seal()
    for practice in (cast.things["linden.practice"], cast.things["birch.practice"]):
        found = select(Event.position).where(Event.practice_id == practice).order_by(Event.position)
        positions = [row.position for row in database.rows(cast.app, found)]
        assert positions == list(range(1, len(positions) + 1))


def test_sealing_with_nothing_waiting_changes_nothing(cast: Cast) -> None:
    with cast.app.app_context():
        audit_jobs.seal()
        every = select(Event.__table__).order_by(Event.id)
        before = database.rows(cast.app, every)
        audit_jobs.seal()
    assert database.rows(cast.app, every) == before
