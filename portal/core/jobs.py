"""Work for later: rows written in the business transaction, claimed and settled by the worker.

Delivery is at least once: a job's handler runs with no transaction open and must bear being run again. The
row's id is the idempotency key. Time is kept by APScheduler, for ticks only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, String, bindparam, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db.engines import db
from portal.core.db.statements import fetch_one
from portal.core.db.tables import AnySelect, Base, Instant, PracticeRow
from portal.core.db.transactions import EVERY_PRACTICE, NO_PRACTICE, transaction, transactional
from portal.core.viewer import Viewer

log = logging.getLogger("portal.worker")

LEASE = timedelta(minutes=2)
RETRIES = (5, 30, 300, 1_800, 7_200, 18_000)
"""Seconds to wait after each failure; after the last one the job is given up and kept for a look."""


class Job(PracticeRow, Base):
    """Something to do: its kind and the id of what it concerns, never content."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_due", "due_at", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")
        ),
    )

    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    gave_up: Mapped[bool] = mapped_column(default=False)


class Heartbeat(Base):
    """When a worker was last at work; `/health/ready` reads it."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job in hand."""

    id: str
    practice_id: str
    kind: str
    subject: str
    attempts: int


Handler = Callable[[ClaimedJob], None]
HANDLERS: dict[str, Handler] = {}


@dataclass(frozen=True, slots=True)
class Tick:
    """A function the worker calls every `seconds`."""

    name: str
    seconds: int
    call: Callable[[], object]


TICKS: list[Tick] = []


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Declare the function that does jobs of `kind`."""

    def declared(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return declared


def every(seconds: int) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Declare a function the worker calls every `seconds`; it must bear running on several workers."""

    def declared(call: Callable[[], object]) -> Callable[[], object]:
        TICKS.append(Tick(f"{call.__module__}.{call.__qualname__}", seconds, call))
        return call

    return declared


def enqueue(viewer: Viewer, kind: str, subject: str, *, due_at: datetime | None = None) -> None:
    """Leave a job in the open transaction."""
    db.session.add(Job(practice_id=viewer.practice_id, kind=kind, subject=subject, due_at=due_at or clock.now()))


def claim() -> ClaimedJob | None:
    """Take the job that is due longest, for two minutes; several workers never take the same one."""
    return (
        _claim()
        if fetch_one(_due, {"now": clock.now(), "practice": EVERY_PRACTICE}, practice=EVERY_PRACTICE) is not None
        else None
    )


def _due() -> AnySelect:
    now = bindparam("now", type_=Instant())
    return (
        select(Job.id)
        .where(Job.ended_at.is_(None), Job.due_at <= now, (Job.leased_until.is_(None)) | (Job.leased_until <= now))
        .order_by(Job.due_at, Job.id)
        .limit(1)
    )


@transactional(practice=EVERY_PRACTICE)
def _claim() -> ClaimedJob | None:
    now = clock.now()
    row = db.session.execute(
        update(Job)
        .where(Job.id == _due().with_for_update(skip_locked=True).scalar_subquery())
        .values(leased_until=now + LEASE, attempts=Job.attempts + 1)
        .returning(Job.id, Job.practice_id, Job.kind, Job.subject, Job.attempts)
        .execution_options(synchronize_session=False),
        {"now": now},
    ).first()
    return None if row is None else ClaimedJob(*row)


def settle(job: ClaimedJob, *, failed: bool) -> None:
    """Say how it went: done, once more later, or given up."""
    values: dict[str, object] = {"ended_at": clock.now(), "leased_until": None}
    if failed and job.attempts <= len(RETRIES):
        values = {"due_at": clock.now() + timedelta(seconds=RETRIES[job.attempts - 1]), "leased_until": None}
    elif failed:
        values["gave_up"] = True
    with transaction(job.practice_id) as session:
        session.execute(update(Job).where(Job.practice_id == job.practice_id, Job.id == job.id).values(values))


def run_due_jobs(most: int = 100) -> int:
    """Do the jobs that are due, one after the other; returns how many were taken in hand."""
    for done in range(most):
        job = claim()
        if job is None:
            return done
        try:
            HANDLERS[job.kind](job)
        except Exception:
            log.exception("job failed", extra={"job": job.id, "kind": job.kind, "attempts": job.attempts})
            settle(job, failed=True)
        else:
            settle(job, failed=False)
    return most


@transactional(practice=NO_PRACTICE)
def record_heartbeat(name: str) -> None:
    """Leave a sign of life."""
    touched = db.session.execute(update(Heartbeat).where(Heartbeat.name == name).values(at=clock.now()))
    if not touched.rowcount:  # type: ignore[attr-defined]  # -- an UPDATE's result is a CursorResult
        db.session.add(Heartbeat(name=name, at=clock.now()))


def last_heartbeat(name: str) -> datetime | None:
    row = fetch_one(_heartbeat, {"name": name}, practice=NO_PRACTICE)
    return None if row is None else row["at"]


def _heartbeat() -> AnySelect:
    return select(Heartbeat.at).where(Heartbeat.name == bindparam("name"))


@transactional(practice=EVERY_PRACTICE)
def delete_ended(older_than: timedelta = timedelta(days=30)) -> None:
    """Drop jobs that ended well and are no longer of interest."""
    db.session.execute(delete(Job).where(Job.ended_at < clock.now() - older_than, Job.gave_up.is_(False)))
