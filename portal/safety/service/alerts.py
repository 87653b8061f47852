"""Alerts: raised by a submission, seen by the therapists in care, acknowledged by one of them by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ScalarSelect, case, func, select

from portal.accounts.service import people
from portal.caseload.service.care import list_therapists_in_care
from portal.core import access, clock
from portal.core.access import PRACTICE, THING
from portal.core.audit_log.events import record
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect, Instant
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.core.jobs import enqueue
from portal.core.listing import Listing, ListRequest, Page, condition, equals
from portal.core.viewer import Viewer
from portal.safety import facts, policy
from portal.safety.models import Alert

NOTIFY_THERAPIST = "safety.notify_therapist"
"""The job that mails a therapist in care, or the cover; its subject is the person."""


@transactional
def raise_alert(
    viewer: Viewer,
    *,
    client_id: str,
    care_id: str,
    assignment_id: str,
    attempt: int,
    items: Sequence[Mapping[str, Any]],
) -> int:
    """Raise an alert in the transaction of the submission; returns how many therapists are notified.

    `items` are the risky blocks, with their labels.
    """
    alert_id = new_id()
    alert = Alert(
        practice_id=viewer.practice_id,
        id=alert_id,
        client_id=client_id,
        care_id=care_id,
        assignment_id=assignment_id,
        attempt=attempt,
        items=vault(viewer.practice_id, client_id).seal(Alert.items, alert_id, orjson.dumps(items)),
        raised_at=clock.now(),
    )
    db.session.add(alert)
    db.session.flush()
    record(viewer, facts.FLAGGED, alert)
    therapists = list_therapists_in_care(viewer, client_id)
    for therapist_id in therapists:
        enqueue(viewer, NOTIFY_THERAPIST, therapist_id)
    return len(therapists)


def waiting_since(client_id: Any) -> ScalarSelect[Any]:
    """When a client's oldest open alert was raised, as a subquery; null where none is open."""
    return (
        select(func.min(Alert.raised_at, type_=Instant()))
        .where(Alert.practice_id == PRACTICE, Alert.client_id == client_id, Alert.acknowledged_at.is_(None))
        .scalar_subquery()
    )


def _visible_with_own_link(viewer: Viewer) -> AnySelect:
    """The visible alerts, joined with the care link they came through where that is the viewer's."""
    return policy.visible_to(viewer).outerjoin(policy.OwnLink, policy.through_own_care())


LISTED = (
    Alert.id,
    Alert.client_id,
    case((policy.OwnLink.id.is_not(None), Alert.assignment_id)).label("assignment_id"),
    case((policy.OwnLink.id.is_not(None), Alert.attempt)).label("attempt"),
    Alert.raised_at,
    Alert.escalated_at,
    Alert.acknowledged_at,
    Alert.acknowledged_by,
)
ALERTS = Listing(
    base=_visible_with_own_link,
    columns=LISTED,
    filters={
        "client_id": equals(Alert.client_id),
        "open": condition(lambda: Alert.acknowledged_at.is_(None)),
        "acknowledged": condition(lambda: Alert.acknowledged_at.is_not(None)),
    },
    sorts={"raised_at": Alert.raised_at},
    default_sort="-raised_at",
    identity=Alert.id,
    raw=False,
)
FOR_THERAPISTS = "Only therapists see alerts. An owner chooses the cover in the practice's settings (cover_id)."


def list_alerts(viewer: Viewer, request: ListRequest) -> Page:
    """The alerts of the clients in the viewer's care, and those they cover; the latest first."""
    access.require(policy.may_answer_alerts(viewer), FOR_THERAPISTS)
    page = ALERTS.page(viewer, request)
    names = _names(viewer, page.as_dicts())
    return page.map(lambda row: _detail(row, names))


def _names(viewer: Viewer, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The names of the clients and of those who acknowledged, by id: whoever sees an alert may read them."""
    ids = {row["client_id"] for row in rows} | {row["acknowledged_by"] for row in rows if row["acknowledged_by"]}
    return (
        {person_id: person["name"] for person_id, person in people.names_of(viewer.practice_id, ids).items()}
        if ids
        else {}
    )


def _detail(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    by = row["acknowledged_by"]
    return {
        **row,
        "client": {"id": row["client_id"], "name": names[row["client_id"]]},
        "acknowledged_by": None if by is None else {"id": by, "name": names[by]},
    }


def _get_visible(viewer: Viewer, alert_id: str) -> dict[str, Any]:
    return access.get_visible(viewer, _alert_details, alert_id)


def _alert_details(viewer: Viewer) -> AnySelect:
    return (
        _visible_with_own_link(viewer)
        .where(Alert.id == THING)
        .with_only_columns(*LISTED, Alert.care_id, Alert.items, Alert.note)
    )


def require_visible(viewer: Viewer, alert_id: str) -> None:
    """Raise NotVisible unless the viewer sees this alert now."""
    _get_visible(viewer, alert_id)


@transactional
def open_alert(viewer: Viewer, alert_id: str) -> dict[str, Any]:
    """An alert with its note; with the risky blocks too where it came through the viewer's own care link.

    Decrypting the blocks records `safety.opened` in the same transaction: what cannot be recorded is not read.
    """
    row = _get_visible(viewer, alert_id)
    items = None
    sealed = vault(viewer.practice_id, row["client_id"])
    if row["assignment_id"] is not None:
        alert = db.session.get_one(Alert, (viewer.practice_id, alert_id))
        record(viewer, facts.OPENED, alert)
        items = orjson.loads(sealed.open(Alert.items, alert_id, row["items"]))
    note = sealed.open_text(Alert.note, alert_id, row["note"])
    return {**_detail(row, _names(viewer, [row])), "items": items, "note": note}


@transactional
def acknowledge(viewer: Viewer, alert_id: str, *, note: str | None = None) -> dict[str, Any]:
    """Acknowledge an alert by name. Raises Conflict, with who has and when, if somebody already did."""
    alert = access.get_for_update(viewer, Alert, policy.visible_to, alert_id)
    if alert.acknowledged_at is not None:
        by = people.names_of(viewer.practice_id, {alert.acknowledged_by or ""})[alert.acknowledged_by or ""]
        msg = "This alert has already been acknowledged. See acknowledged_by and acknowledged_at."
        raise Conflict(
            msg,
            state="acknowledged",
            allowed=[],
            acknowledged_by={"id": by["id"], "name": by["name"]},
            acknowledged_at=f"{alert.acknowledged_at:%Y-%m-%dT%H:%M:%SZ}",
        )
    alert.acknowledged_at, alert.acknowledged_by = clock.now(), viewer.id
    alert.note = vault(viewer.practice_id, alert.client_id).seal_optional(Alert.note, alert.id, note)
    db.session.flush()
    record(viewer, facts.ACKNOWLEDGED, alert)
    row = _get_visible(viewer, alert_id)
    return _detail(row, _names(viewer, [row]))
