"""Progress as plain counts: done, declined, open, waiting; no streaks and no percentages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select

from portal.assignments import policy
from portal.assignments.models import Assignment, Status
from portal.assignments.service.conditions import (
    COUNTS_BY_STATUS,
    count_where,
    has_status,
    is_overdue,
    is_scheduled,
    total_where,
)
from portal.caseload.service import clients
from portal.core import access
from portal.core.access import PRACTICE, THING
from portal.core.db.statements import fetch_one
from portal.core.db.tables import AnySelect
from portal.core.viewer import Viewer


def _counts() -> tuple[ColumnElement[Any], ...]:
    """The counts of a progress report; what was withdrawn counts only as `withdrawn`."""
    by_status = {"waiting_for_review" if name == "waiting" else name: n for name, n in COUNTS_BY_STATUS.items()}
    in_force = ~has_status(Status.WITHDRAWN)
    more: dict[str, ColumnElement[Any]] = {
        "withdrawn": count_where(has_status(Status.WITHDRAWN)),
        "overdue": count_where(is_overdue()),
        "scheduled": count_where(is_scheduled() & has_status(Status.ASSIGNED)),
        "answered": total_where(in_force, Assignment.answered),
        "questions": total_where(in_force, Assignment.total),
        "last_act_at": func.max(Assignment.last_act_at),
    }
    return tuple(column.label(name) for name, column in {**by_status, **more}.items())


def get_client_progress(viewer: Viewer, client_id: str) -> dict[str, Any]:
    """The progress of a client in the viewer's care; of what colleagues assigned, only the number."""
    clients.require_in_care(viewer, client_id)
    counts = access.fetch_visible_row(viewer, _counts_of_client, thing_id=client_id)
    total = fetch_one(_count_all, access.binds(viewer, thing_id=client_id), practice=viewer.practice_id)
    assert counts is not None, "an aggregate always has a row"
    assert total is not None, "as above"
    return {
        "client_id": client_id,
        **counts,
        "assigned_by_colleagues": total["n"] - counts["assigned"],
        "summary": _summary(counts),
    }


def _counts_of_client(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Assignment.client_id == THING).with_only_columns(*_counts())


def _count_all() -> AnySelect:
    """The number of all assignments of a client, which every therapist in care may know."""
    return select(func.count().label("n")).where(
        Assignment.practice_id == PRACTICE, Assignment.client_id == THING, ~has_status(Status.WITHDRAWN)
    )


def get_my_progress(viewer: Viewer) -> dict[str, Any]:
    """The viewer's own progress."""
    counts = access.fetch_visible_row(viewer, _own_counts)
    assert counts is not None, "an aggregate always has a row"
    return {**counts, "summary": _summary(counts)}


def _own_counts(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).with_only_columns(*_counts())


def _summary(counts: dict[str, Any]) -> str:
    parts = [f"{counts['done']} of {counts['assigned']} done"]
    parts += [f"{counts[name]} {name}" for name in ("declined", "paused") if counts[name]]
    return ", ".join(parts)
