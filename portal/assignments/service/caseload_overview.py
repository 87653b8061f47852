"""The caseload, whole, in the order in which clients need attention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select

from portal.accounts.models import Person, Practice
from portal.assignments import policy
from portal.assignments.models import Assignment, CareCount
from portal.assignments.service.queries import is_overdue
from portal.caseload import policy as caseload
from portal.caseload.models import CareLink, Client
from portal.core import access, clock
from portal.core.access import NOW, PRACTICE
from portal.core.crypto import DataKey, unwrap_vault
from portal.core.db.tables import AnySelect
from portal.core.viewer import Viewer
from portal.safety.service.alerts import waiting_since

COUNTED = ("assigned", "done", "waiting", "open", "paused", "declined")
NEEDS = ("safety", "review", "overdue", "quiet")
"""What a client can need, the most pressing first."""


def list_caseload(viewer: Viewer) -> dict[str, Any]:
    """Every client in one's care who is not archived: first open alerts, then what waits longest for review, then what
    is overdue, then who has gone quiet (something is open, and for the practice's `quiet_days` nothing happened), then
    by name.
    """
    access.require(policy.may_assign(viewer), "Only a therapist has a caseload.")
    now = clock.now()
    rows = [_shown(row, now) for row in access.fetch_visible(viewer, _caseload)]
    return {"data": [row for _, row in sorted(rows, key=lambda pair: pair[0])]}


def _caseload(viewer: Viewer) -> AnySelect:
    overdue = (
        select(func.count())
        .where(Assignment.practice_id == PRACTICE, Assignment.care_id == CareLink.id, is_overdue())
        .scalar_subquery()
    )
    return (
        caseload.open_care_of(viewer)
        .join(Client, (Client.practice_id == CareLink.practice_id) & (Client.id == CareLink.client_id))
        .join(Person, (Person.practice_id == CareLink.practice_id) & (Person.id == CareLink.client_id))
        .join(DataKey, (DataKey.practice_id == CareLink.practice_id) & (DataKey.subject_id == CareLink.client_id))
        .outerjoin(CareCount, (CareCount.practice_id == CareLink.practice_id) & (CareCount.care_id == CareLink.id))
        .where(Client.archived_at.is_(None))
        .with_only_columns(
            CareLink.practice_id,
            CareLink.client_id,
            CareLink.id.label("care_id"),
            Person.name,
            Person.activated_at,
            select(Practice.quiet_days).where(Practice.id == PRACTICE).scalar_subquery().label("quiet_days"),
            DataKey.keyring_version,
            DataKey.wrapped,
            *(func.coalesce(getattr(CareCount, name), 0).label(name) for name in COUNTED),
            CareCount.waiting_since,
            CareCount.next_due_at,
            CareCount.last_assigned_at,
            CareCount.last_act_at,
            case((CareCount.next_due_at <= NOW, overdue), else_=0).label("overdue"),
            waiting_since(CareLink.client_id).label("alerted_at"),
        )
    )


def _shown(row: Mapping[str, Any], now: datetime) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A row with what it is ordered by."""
    sealed = unwrap_vault(row["practice_id"], row["client_id"], row["keyring_version"], row["wrapped"])
    name = sealed.open_text(Person.name, row["client_id"], row["name"]) or ""
    need, since = _need(row, now)
    place = (NEEDS.index(need) if need else len(NEEDS), since or now, name.casefold(), row["client_id"])
    client = {"id": row["client_id"], "name": name, "status": "active" if row["activated_at"] else "invited"}
    return place, {**row, "client": client, "needs": need, "needs_since": since}


def _need(row: Mapping[str, Any], now: datetime) -> tuple[str | None, datetime | None]:
    """What a client needs most, and since when."""
    if row["alerted_at"] is not None:
        return "safety", row["alerted_at"]
    if row["waiting"]:
        return "review", row["waiting_since"]
    if row["overdue"]:
        return "overdue", row["next_due_at"]
    acts = [at for at in (row["last_act_at"], row["last_assigned_at"]) if at is not None]
    if row["open"] and max(acts) <= now - timedelta(days=row["quiet_days"]):
        return "quiet", max(acts)
    return None, None
