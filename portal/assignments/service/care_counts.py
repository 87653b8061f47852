"""Care counts: the numbers of each care link, recounted with every fact about its assignments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.service import practices
from portal.assignments.models import WORKABLE, Assignment, CareCount, Status
from portal.assignments.service.conditions import COUNTS_BY_STATUS, has_status
from portal.core import clock
from portal.core.db.engines import db, is_postgresql
from portal.core.db.statements import execute, fetch
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.viewer import Viewer

ACTIVITY_LAG = timedelta(hours=1)
"""How far `last_act_at` may lag while a client writes, so that not every save writes a second row."""


def _earliest(column: Any, *statuses: Status) -> Any:
    return func.min(case((has_status(*statuses), column)), type_=Instant())


COUNTS = {
    **COUNTS_BY_STATUS,
    "waiting_since": _earliest(Assignment.submitted_at, Status.SUBMITTED),
    "next_due_at": _earliest(Assignment.due_at, *WORKABLE),
    "last_assigned_at": func.max(Assignment.assigned_at, type_=Instant()),
    "last_act_at": func.max(Assignment.last_act_at, type_=Instant()),
}


def recount(practice_id: str, care_id: str) -> None:
    """Recount a care link's assignments, inside the open transaction.

    On PostgreSQL a second recount of the same link waits here for the first, and then counts what it has committed.
    """
    if is_postgresql():
        db.session.flush()
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(care_id, 0))))
    execute(_recount_statement, {"practice": practice_id, "care": care_id})


def _recount_statement() -> Any:
    practice, care = bindparam("practice", type_=Id()), bindparam("care", type_=Id())
    counted = select(practice, care, *COUNTS.values()).where(
        Assignment.practice_id == practice, Assignment.care_id == care
    )
    insert = postgresql.insert if is_postgresql() else sqlite.insert
    statement = insert(CareCount).from_select(["practice_id", "care_id", *COUNTS], counted)
    return statement.on_conflict_do_update(
        index_elements=["practice_id", "care_id"], set_={name: statement.excluded[name] for name in COUNTS}
    )


def recount_care_link(viewer: Viewer, subject: Any) -> None:
    """Recount the care link of a fact's subject."""
    recount(viewer.practice_id, subject.care_id)


def touch_activity(practice_id: str, care_id: str) -> None:
    """Set a care link's `last_act_at` to now, inside the open transaction."""
    execute(_touch_statement, {"practice": practice_id, "care": care_id, "now": clock.now()})


def _touch_statement() -> Any:
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
    """A care link whose stored counts differ from its assignments, with the names of those that do."""

    practice_id: str
    care_id: str
    names: tuple[str, ...]


def list_differences() -> list[Difference]:
    """The care links whose stored counts are wrong; empty where all are right."""
    return [difference for one in practices.list_practice_ids() for difference in _practice_differences(one)]


def _practice_differences(practice_id: str) -> list[Difference]:
    own = {"practice": practice_id}
    counted = {row["care_id"]: row for row in fetch(_count_assignments, own, practice=practice_id)}
    stored = {row["care_id"]: row for row in fetch(_stored_counts, own, practice=practice_id)}
    nothing = {name: None if name.endswith(("_at", "_since")) else 0 for name in COUNTS}
    differences = []
    for care_id in sorted(counted.keys() | stored.keys()):
        names = _differing_names(stored.get(care_id, nothing), counted.get(care_id, nothing))
        if names:
            differences.append(Difference(practice_id, care_id, names))
    return differences


def _stored_counts() -> AnySelect:
    return select(*CareCount.__table__.columns).where(CareCount.practice_id == bindparam("practice", type_=Id()))


def _count_assignments() -> AnySelect:
    return (
        select(Assignment.care_id, *(counted.label(name) for name, counted in COUNTS.items()))
        .where(Assignment.practice_id == bindparam("practice", type_=Id()))
        .group_by(Assignment.care_id)
    )


def _differing_names(stored: Any, counted: Any) -> tuple[str, ...]:
    names = [name for name in COUNTS if stored[name] != counted[name]]
    lags = None not in {stored["last_act_at"], counted["last_act_at"]} and (
        timedelta() <= counted["last_act_at"] - stored["last_act_at"] <= ACTIVITY_LAG
    )
    return tuple(name for name in names if not (name == "last_act_at" and lags))


@transactional(practice=NO_PRACTICE)
def repair(differences: list[Difference]) -> None:
    """Recount these care links."""
    for difference in differences:
        enter_practice(difference.practice_id)
        recount(difference.practice_id, difference.care_id)
