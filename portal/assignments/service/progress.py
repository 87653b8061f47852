"""Honest counts: what is done, declined, open and waiting; no streaks and no shares of a hundred."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from portal.assignments import policy
from portal.assignments.models import COMPLETED, WORKABLE, Assignment, Status
from portal.assignments.service.queries import is_overdue, is_scheduled
from portal.caseload.service import clients
from portal.core import access
from portal.core.access import PRACTICE, THING
from portal.core.db.statements import fetch_one, is_one_of
from portal.core.db.tables import AnySelect
from portal.core.viewer import Viewer


def _how_many(claim: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((claim, 1), else_=0)), 0)


def _of(*statuses: Status) -> ColumnElement[bool]:
    return is_one_of(Assignment.status, statuses)


def _counts() -> tuple[ColumnElement[Any], ...]:
    return (
        _how_many(~_of(Status.WITHDRAWN)).label("assigned"),
        _how_many(_of(*COMPLETED)).label("done"),
        _how_many(_of(Status.SUBMITTED)).label("waiting_for_review"),
        _how_many(_of(*WORKABLE)).label("open"),
        _how_many(_of(Status.PAUSED)).label("paused"),
        _how_many(_of(Status.DECLINED)).label("declined"),
        _how_many(_of(Status.WITHDRAWN)).label("withdrawn"),
        _how_many(is_overdue()).label("overdue"),
        _how_many(is_scheduled() & _of(Status.ASSIGNED)).label("scheduled"),
        func.coalesce(func.sum(case((_of(Status.WITHDRAWN), 0), else_=Assignment.answered)), 0).label("answered"),
        func.coalesce(func.sum(case((_of(Status.WITHDRAWN), 0), else_=Assignment.total)), 0).label("questions"),
        func.max(Assignment.last_act_at).label("last_act_at"),
    )


def progress_of_client(viewer: Viewer, client_id: str) -> dict[str, Any]:
    """How a client in one's care gets on; of what colleagues assigned, only that it is there."""
    clients.require_in_care(viewer, client_id)
    counts = access.fetch_visible_row(viewer, _counts_of_client, thing_id=client_id)
    everything = fetch_one(_everything, access.binds(viewer, thing_id=client_id), practice=viewer.practice_id)
    assert counts is not None, "an aggregate always has a row"
    assert everything is not None, "as above"
    return {
        "client_id": client_id,
        **counts,
        "assigned_by_colleagues": everything["n"] - counts["assigned"],
        "summary": _sentence(counts),
    }


def _counts_of_client(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Assignment.client_id == THING).with_only_columns(*_counts())


def _everything() -> AnySelect:
    """How many are assigned to a client in all: the fact of them, which every therapist in care may know."""
    return select(func.count().label("n")).where(
        Assignment.practice_id == PRACTICE, Assignment.client_id == THING, ~_of(Status.WITHDRAWN)
    )


def my_progress(viewer: Viewer) -> dict[str, Any]:
    """How one gets on oneself."""
    counts = access.fetch_visible_row(viewer, _own_counts)
    assert counts is not None, "an aggregate always has a row"
    return {**counts, "summary": _sentence(counts)}


def _own_counts(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).with_only_columns(*_counts())


def _sentence(counts: dict[str, Any]) -> str:
    parts = [f"{counts['done']} of {counts['assigned']} done"]
    parts += [f"{counts[name]} {name}" for name in ("declined", "paused") if counts[name]]
    return ", ".join(parts)
