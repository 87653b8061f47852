"""Jobs are claimed once, tried again with patience, given up in the end and kept; handlers hold no transaction open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.core import clock, jobs
from portal.core.db.engines import db
from portal.core.db.transactions import NO_PRACTICE, in_transaction, transaction, transactional
from portal.core.jobs import LEASE, RETRIES, ClaimedJob, Job, claim, delete_ended, enqueue, run_due_jobs, settle
from portal.core.viewer import Viewer
from tests.cast import Cast
from tests.owner import as_owner

KIND = "test.job"


@pytest.fixture
def handled(cast: Cast, context: None) -> Iterator[list[str]]:
    """The subjects of the test's jobs, as they are done."""
    done: list[str] = []
    with as_owner() as session:
        session.query(Job).delete()

    @jobs.handles(KIND)
    def handle(job: ClaimedJob) -> None:
        assert not in_transaction()
        assert not db.session().in_transaction()
        done.append(job.subject)
        if job.subject.startswith("fail"):
            raise LookupError(job.subject)

    yield done
    del jobs.HANDLERS[KIND]


def _leave(viewer: Viewer, *subjects: str, kind: str = KIND, later: timedelta = timedelta()) -> None:
    with transaction(viewer.practice_id):
        for subject in subjects:
            enqueue(viewer, kind, subject, due_at=clock.now() + later)


def _only() -> Job:
    with as_owner() as session:
        return session.scalars(select(Job)).one()


def test_a_job_left_in_a_transaction_that_fails_is_not_there(cast: Cast, handled: list[str]) -> None:
    @transactional(practice=NO_PRACTICE)
    def fail() -> None:
        enqueue(cast.therapist.viewer, KIND, "never")
        raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert run_due_jobs() == 0
    assert handled == []


def test_jobs_are_done_in_the_order_they_are_due_and_once(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, "second", later=timedelta(seconds=-5))
    _leave(cast.therapist.viewer, "first", later=timedelta(seconds=-9))
    _leave(cast.therapist.viewer, "later", later=timedelta(hours=1))
    assert run_due_jobs() == 2
    assert run_due_jobs() == 0
    assert handled == ["first", "second"]
    with clock.time_shifted(timedelta(hours=2)):
        assert run_due_jobs() == 1


def test_work_stops_after_as_many_as_were_asked_for(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, *"abcde")
    assert run_due_jobs(most=2) == 2
    assert len(handled) == 2


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, "one")
    first = claim()
    assert first is not None
    assert claim() is None
    with clock.time_shifted(LEASE + timedelta(seconds=1)):
        again = claim()
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)


def test_a_failed_job_is_tried_again_with_growing_patience_then_given_up_and_kept(
    cast: Cast, handled: list[str]
) -> None:
    _leave(cast.therapist.viewer, "fail")
    waited = timedelta()
    for attempt, wait in enumerate(RETRIES, 1):
        with clock.time_shifted(waited):
            assert run_due_jobs() == 1
            row = _only()
            assert (row.attempts, row.ended_at, row.leased_until) == (attempt, None, None)
            assert abs(row.due_at - clock.now() - timedelta(seconds=wait)) <= timedelta(seconds=1)
            assert run_due_jobs() == 0
        waited += timedelta(seconds=wait + 2)
    with clock.time_shifted(waited):
        assert run_due_jobs() == 1
    row = _only()
    assert (row.attempts, row.gave_up) == (len(RETRIES) + 1, True)
    assert row.ended_at is not None
    with clock.time_shifted(waited + timedelta(days=400)):
        assert run_due_jobs() == 0
        delete_ended()
    assert _only().gave_up
    assert list(RETRIES) == sorted(RETRIES)


def test_a_job_that_fails_does_not_stop_the_next(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, "fail", "fine")
    assert run_due_jobs() == 2
    assert sorted(handled) == ["fail", "fine"]


def test_a_job_nobody_knows_how_to_do_waits_for_a_worker_that_does(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, "x", kind="test.unknown")
    assert run_due_jobs() == 1
    assert _only().ended_at is None


def test_done_jobs_are_forgotten_after_a_while(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, "one")
    run_due_jobs()
    delete_ended()
    assert _only().ended_at is not None
    with clock.time_shifted(timedelta(days=31)):
        delete_ended()
    with as_owner() as session:
        assert session.scalars(select(Job)).all() == []


def test_a_worker_leaves_a_sign_of_life(cast: Cast, context: None) -> None:
    assert jobs.last_heartbeat("test") is None
    for _ in range(2):
        jobs.record_heartbeat("test")
    seen = jobs.last_heartbeat("test")
    assert seen is not None
    assert clock.now() - seen < timedelta(seconds=5)


def test_eight_workers_never_take_the_same_job(cast: Cast, handled: list[str]) -> None:
    _leave(cast.therapist.viewer, *(f"job-{n}" for n in range(80)))
    taken: list[str] = []
    errors: list[str] = []

    def worker() -> None:
        try:
            with cast.app.app_context():
                while (job := claim()) is not None:
                    taken.append(job.subject)
                    settle(job, failed=False)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test names it
            errors.append(repr(error))

    workers = [threading.Thread(target=worker) for _ in range(8)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert errors == []
    assert sorted(taken) == sorted(f"job-{n}" for n in range(80))
