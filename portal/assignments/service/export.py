"""Assignments as a file: what the list shows, never an answer, and one row in the trail for each export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.accounts.service import people
from portal.assignments import facts, policy
from portal.assignments.service.queries import ASSIGNMENTS
from portal.caseload import policy as caseload
from portal.core import access
from portal.core.audit_log.events import record
from portal.core.csv_export import csv_lines
from portal.core.db.transactions import transactional
from portal.core.ids import new_id
from portal.core.listing import ListRequest, Page
from portal.core.viewer import Viewer

AT_ONCE = 500
COLUMNS = {
    "assignment_id": "id",
    "client_id": "client_id",
    "client_name": "client_name",
    "resource_id": "resource.id",
    "resource_title": "resource.title",
    "resource_kind": "resource.kind",
    "status": "status",
    "scheduled": "scheduled",
    "overdue": "overdue",
    "frozen": "frozen",
    "answered": "progress.answered",
    "total": "progress.total",
    "attempt": "attempt",
    "opens_on": "opens_on",
    "due_on": "due_on",
    "assigned_at": "assigned_at",
    "seen_at": "seen_at",
    "started_at": "started_at",
    "submitted_at": "submitted_at",
    "reviewed_at": "reviewed_at",
    "last_act_at": "last_act_at",
}
"""The header of each column, and where its value comes from."""
CLAIMS = frozenset({"scheduled", "overdue", "frozen"})


@dataclass(frozen=True, slots=True)
class Export:
    """One file that was made."""

    id: str


@transactional
def note_export(viewer: Viewer, filters: Mapping[str, Any]) -> None:
    """Leave word that the viewer takes a file away; without it there is none."""
    access.require(policy.may_export(viewer), "Only a therapist exports, or an integration with exports:create.")
    record(viewer, facts.EXPORTED, Export(new_id()), filtered_by=sorted(filters))


def export_assignments(viewer: Viewer, **filters: Any) -> Iterator[bytes]:
    """The assignments the viewer sees as CSV, in pieces, the newest first. Leaves one row in the trail."""
    note_export(viewer, filters)
    return csv_lines(tuple(COLUMNS), _rows(viewer, filters))


def _rows(viewer: Viewer, filters: Mapping[str, Any]) -> Iterator[list[Any]]:
    asked = ListRequest(filters=filters, limit=AT_ONCE)
    while True:
        page = ASSIGNMENTS.page(viewer, asked)
        yield from _with_names(viewer, page)
        if page.following is None:
            return
        key, last = page.following
        shown = key if isinstance(key, str) else key.isoformat()
        asked = ListRequest(filters=filters, limit=AT_ONCE, after=(shown, last))


def _with_names(viewer: Viewer, page: Page) -> Iterator[list[Any]]:
    """The rows as they are written; names only for who may read about clients."""
    rows = page.as_dicts()
    named = {row["client_id"] for row in rows} if caseload.may_name_clients(viewer) else set()
    names = people.names_of(viewer.practice_id, named)
    for row in rows:
        row["client_name"] = names[row["client_id"]]["name"] if named else None
        values = {name: _value_at(row, path) for name, path in COLUMNS.items()}
        yield [bool(value) if name in CLAIMS else value for name, value in values.items()]


def _value_at(row: Mapping[str, Any], path: str) -> Any:
    member, _, inner = path.partition(".")
    return row[member][inner] if inner else row[member]
