"""What lists and details show of an assignment, to a therapist and to a client."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Date, false, func, literal

from portal.accounts.service import people
from portal.assignments import policy
from portal.assignments.models import OPEN, WORKABLE, Assignment
from portal.caseload import policy as caseload
from portal.caseload.models import Client
from portal.core import access
from portal.core.access import NOW, THING
from portal.core.crypto import DataKey, Vault, unwrap_vault
from portal.core.db.statements import is_one_of, nested
from portal.core.db.tables import AnySelect, Instant
from portal.core.listing import Listing, ListRequest, Page, any_of, at_least, below, condition, equals
from portal.core.viewer import Viewer
from portal.library.models import Version
from portal.library.service.versions import form_of_version

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def is_overdue() -> ColumnElement[bool]:
    """Due, and still with the client: not sent in, paused, declined or withdrawn."""
    return func.coalesce(Assignment.due_at <= NOW, false()) & is_one_of(Assignment.status, WORKABLE)


def is_scheduled() -> ColumnElement[bool]:
    return func.coalesce(Assignment.opens_at > NOW, false())


def is_frozen() -> ColumnElement[bool]:
    return Client.archived_at.is_not(None) & is_one_of(Assignment.status, OPEN)


def _joined(viewer: Viewer) -> AnySelect:
    return (
        policy.visible_to(viewer)
        .join(Version, (Version.practice_id == Assignment.practice_id) & (Version.id == Assignment.version_id))
        .join(Client, (Client.practice_id == Assignment.practice_id) & (Client.id == Assignment.client_id))
    )


LISTED = (
    Assignment.id,
    Assignment.client_id,
    *nested(
        "resource",
        id=Assignment.resource_id,
        number=Version.number,
        kind=Version.kind,
        title=Version.title,
        minutes=Version.minutes,
        intensity=Version.intensity,
    ),
    Assignment.status,
    is_scheduled().label("scheduled"),
    is_overdue().label("overdue"),
    is_frozen().label("frozen"),
    *nested("progress", answered=Assignment.answered, total=Assignment.total),
    Assignment.attempt,
    Assignment.opens_on,
    Assignment.due_on,
    Assignment.assigned_at,
    Assignment.seen_at,
    Assignment.started_at,
    Assignment.submitted_at,
    Assignment.reviewed_at,
    Assignment.last_act_at,
    Assignment.version,
)

ASSIGNMENTS = Listing(
    base=_joined,
    columns=LISTED,
    filters={
        "client_id": equals(Assignment.client_id),
        "resource_id": equals(Assignment.resource_id),
        "status": any_of(Assignment.status),
        "kind": any_of(Version.kind),
        "due_on[gte]": at_least(Assignment.due_on),
        "due_on[lt]": below(Assignment.due_on),
        "assigned_at[gte]": at_least(Assignment.assigned_at),
        "assigned_at[lt]": below(Assignment.assigned_at),
        "overdue": condition(is_overdue),
        "scheduled": condition(is_scheduled),
        "frozen": condition(is_frozen),
    },
    sorts={
        "assigned_at": Assignment.assigned_at,
        "due_on": func.coalesce(Assignment.due_on, literal(date.max, Date), type_=Date),
        "submitted_at": func.coalesce(Assignment.submitted_at, literal(LONG_AGO, Instant), type_=Instant),
    },
    default_sort="-assigned_at",
    identity=Assignment.id,
)


def _require_names(viewer: Viewer) -> None:
    access.require(caseload.may_name_clients(viewer), "Naming clients needs the scope clients:read.")


def list_assignments(viewer: Viewer, asked: ListRequest, expand: frozenset[str] = frozenset()) -> Page:
    """The assignments the viewer sees. `expand` may name `client`."""
    page = ASSIGNMENTS.page(viewer, asked)
    if "client" not in expand:
        return page
    _require_names(viewer)
    names = people.names_of(viewer.practice_id, {row["client_id"] for row in page.as_dicts()})
    return page.map(lambda row: {**row, "client": {"id": row["client_id"], "name": names[row["client_id"]]["name"]}})


_DETAILS = (
    *LISTED,
    Assignment.practice_id,
    Assignment.care_id,
    Assignment.therapist_id,
    Assignment.version_id,
    Assignment.why,
    Assignment.note,
    Assignment.plan,
    Assignment.reason,
    Assignment.did_something_else,
    Assignment.opens_at,
    Assignment.due_at,
    Version.summary,
    Version.content_note,
    DataKey.keyring_version,
    DataKey.wrapped,
)


def _look(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    return access.get_visible(viewer, _detail, assignment_id)


def _detail(viewer: Viewer) -> AnySelect:
    return (
        _joined(viewer)
        .join(DataKey, (DataKey.practice_id == Assignment.practice_id) & (DataKey.subject_id == Assignment.client_id))
        .where(Assignment.id == THING)
        .with_only_columns(*_DETAILS)
    )


def _opened(row: Mapping[str, Any]) -> dict[str, Any]:
    sealed = unwrap_vault(row["practice_id"], row["client_id"], row["keyring_version"], row["wrapped"])
    return {
        **row,
        "why": _text(sealed, Assignment.why, row),
        "note": _text(sealed, Assignment.note, row),
        "reason": _text(sealed, Assignment.reason, row),
        "plan": None if row["plan"] is None else orjson.loads(sealed.open(Assignment.plan, row["id"], row["plan"])),
    }


def _text(sealed: Vault, column: Any, row: Mapping[str, Any]) -> str | None:
    return sealed.open_text(column, row["id"], row[column.key])


def get_assignment(viewer: Viewer, assignment_id: str, expand: frozenset[str] = frozenset()) -> dict[str, Any]:
    """One assignment as its therapist sees it: everything but the answers."""
    shown = _opened(_look(viewer, assignment_id))
    if "client" in expand:
        _require_names(viewer)
        client = people.names_of(viewer.practice_id, {shown["client_id"]})[shown["client_id"]]
        shown["client"] = {"id": client["id"], "name": client["name"]}
    return shown


def get_my_assignment(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """One of one's own assignments, with what there is to do once it opens."""
    shown = _opened(_look(viewer, assignment_id))
    form = form_of_version(viewer.practice_id, shown["version_id"])
    return {**shown, "document": None if shown["scheduled"] else form.for_clients}
