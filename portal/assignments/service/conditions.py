"""SQL conditions on assignments, and counts of them, shared by lists, care counts and progress."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, false, func

from portal.assignments.models import COMPLETED, OPEN, WORKABLE, Assignment, Status
from portal.caseload.models import Client
from portal.core.access import NOW
from portal.core.db.statements import is_one_of


def has_status(*statuses: Status) -> ColumnElement[bool]:
    return is_one_of(Assignment.status, statuses)


def is_overdue() -> ColumnElement[bool]:
    """Whether the due day has passed while the client can still work on it: not submitted, paused or declined."""
    return func.coalesce(Assignment.due_at <= NOW, false()) & has_status(*WORKABLE)


def is_scheduled() -> ColumnElement[bool]:
    return func.coalesce(Assignment.opens_at > NOW, false())


def is_frozen() -> ColumnElement[bool]:
    return Client.archived_at.is_not(None) & has_status(*OPEN)


def count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows of a query meet a condition."""
    return total_where(condition, 1)


def total_where(condition: ColumnElement[bool], value: Any) -> ColumnElement[int]:
    """The total of `value` over the rows of a query that meet a condition; 0 where there are none."""
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)


COUNTS_BY_STATUS = {
    "assigned": count_where(~has_status(Status.WITHDRAWN)),
    "done": count_where(has_status(*COMPLETED)),
    "waiting": count_where(has_status(Status.SUBMITTED)),
    "open": count_where(has_status(*WORKABLE)),
    "paused": count_where(has_status(Status.PAUSED)),
    "declined": count_where(has_status(Status.DECLINED)),
}
"""What a caseload and a progress report both count; `assigned` leaves out what was withdrawn."""
