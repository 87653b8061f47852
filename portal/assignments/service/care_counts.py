"""The counts of each care link: written anew with every fact about its assignments, and compared with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.models import Practice
from portal.assignments import facts
from portal.assignments.models import COMPLETED, WORKABLE, Assignment, CareCount, Status
from portal.core import clock
from portal.core.db.engines import db, is_postgresql
from portal.core.db.statements import execute, fetch, is_one_of
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.viewer import Viewer

ACTIVITY_LAG = timedelta(hours=1)
"""How far `last_act_at` may be behind while somebody goes on writing: not every word needs a second row written."""


def _how_many(*statuses: Status) -> Any:
    return func.coalesce(func.sum(case((is_one_of(Assignment.status, statuses), 1), else_=0)), 0)


def _earliest(column: Any, *statuses: Status) -> Any:
    return func.min(case((is_one_of(Assignment.status, statuses), column)), type_=Instant())


COUNTS = {
    "assigned": _how_many(*(set(Status) - {Status.WITHDRAWN})),
    "done": _how_many(*COMPLETED),
    "waiting": _how_many(Status.SUBMITTED),
    "open": _how_many(*WORKABLE),
    "paused": _how_many(Status.PAUSED),
    "declined": _how_many(Status.DECLINED),
    "waiting_since": _earliest(Assignment.submitted_at, Status.SUBMITTED),
    "next_due_at": _earliest(Assignment.due_at, *WORKABLE),
    "last_assigned_at": func.max(Assignment.assigned_at, type_=Instant()),
    "last_act_at": func.max(Assignment.last_act_at, type_=Instant()),
}


def recount(practice_id: str, care_id: str) -> None:
    """Count a care link's assignments anew, inside the open transaction.

    On PostgreSQL whoever counts the same link waits here first, and then counts what the other has committed.
    """
    if is_postgresql():
        db.session.flush()
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(care_id, 0))))
    execute(_recounted, {"practice": practice_id, "care": care_id})


def _recounted() -> Any:
    practice, care = bindparam("practice", type_=Id()), bindparam("care", type_=Id())
    counted = select(practice, care, *COUNTS.values()).where(
        Assignment.practice_id == practice, Assignment.care_id == care
    )
    insert = postgresql.insert if is_postgresql() else sqlite.insert
    written = insert(CareCount).from_select(["practice_id", "care_id", *COUNTS], counted)
    return written.on_conflict_do_update(
        index_elements=["practice_id", "care_id"], set_={name: written.excluded[name] for name in COUNTS}
    )


def recount_after(viewer: Viewer, concerned: Any) -> None:
    """Count anew after a fact about an assignment."""
    recount(viewer.practice_id, concerned.care_id)


for _fact in (
    facts.CREATED,
    facts.CHANGED,
    facts.SEEN,
    facts.PLANNED,
    facts.STARTED,
    facts.PAUSED,
    facts.RESUMED,
    facts.DECLINED,
    facts.DECLINE_UNDONE,
    facts.REOPENED,
    facts.SUBMITTED,
    facts.RECALLED,
    facts.REVIEWED,
    facts.RETURNED,
    facts.WITHDRAWN,
):
    _fact.also(recount_after)


def touch_activity(practice_id: str, care_id: str) -> None:
    """Say that somebody is at work, inside the open transaction."""
    execute(_noted, {"practice": practice_id, "care": care_id, "now": clock.now()})


def _noted() -> Any:
    return (
        update(CareCount)
        .where(
            CareCount.practice_id == bindparam("practice", type_=Id()),
            CareCount.care_id == bindparam("care", type_=Id()),
        )
        .values(last_act_at=bindparam("now", type_=Instant()))
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A care link whose counts are not what its assignments come to, and the names of those that differ."""

    practice_id: str
    care_id: str
    names: tuple[str, ...]


def compare() -> list[Difference]:
    """Every care link's counts against its assignments; an empty list says that all are right."""
    practices = fetch(_practice_ids, {}, practice=NO_PRACTICE)
    return [difference for row in practices for difference in _compare(row["id"])]


def _practice_ids() -> AnySelect:
    return select(Practice.id)


def _compare(practice_id: str) -> list[Difference]:
    own = {"practice": practice_id}
    counted = {row["care_id"]: row for row in fetch(_counted_all, own, practice=practice_id)}
    kept = {row["care_id"]: row for row in fetch(_kept, own, practice=practice_id)}
    nothing = {name: None if name.endswith(("_at", "_since")) else 0 for name in COUNTS}
    found = []
    for care_id in sorted(counted.keys() | kept.keys()):
        names = _differing(kept.get(care_id, nothing), counted.get(care_id, nothing))
        if names:
            found.append(Difference(practice_id, care_id, names))
    return found


def _kept() -> AnySelect:
    return select(*CareCount.__table__.columns).where(CareCount.practice_id == bindparam("practice", type_=Id()))


def _counted_all() -> AnySelect:
    return (
        select(Assignment.care_id, *(counted.label(name) for name, counted in COUNTS.items()))
        .where(Assignment.practice_id == bindparam("practice", type_=Id()))
        .group_by(Assignment.care_id)
    )


def _differing(kept: Any, counted: Any) -> tuple[str, ...]:
    names = [name for name in COUNTS if kept[name] != counted[name]]
    lags = None not in {kept["last_act_at"], counted["last_act_at"]} and (
        timedelta() <= counted["last_act_at"] - kept["last_act_at"] <= ACTIVITY_LAG
    )
    return tuple(name for name in names if not (name == "last_act_at" and lags))


@transactional(practice=NO_PRACTICE)
def repair(differences: list[Difference]) -> None:
    """Count these care links anew."""
    for one in differences:
        enter_practice(one.practice_id)
        recount(one.practice_id, one.care_id)
