"""Alerts: raised with what a client sends in, seen by the therapists in care, acknowledged by one of them by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ScalarSelect, case, func, select, update

from portal.accounts.models import Person
from portal.accounts.service import people
from portal.caseload.facts import CARE_MERGED
from portal.caseload.models import CareLink
from portal.caseload.service.care import MergedCare
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

NOTIFY_THERAPIST = "safety.tell"
"""The job of mailing somebody that something needs them; its subject is the person."""


def in_care_of(practice_id: str, client_id: str) -> list[str]:
    """The therapists at work here whose care for a client has not ended."""
    therapists = (
        select(Person.id)
        .join(CareLink, (CareLink.practice_id == Person.practice_id) & (CareLink.therapist_id == Person.id))
        .where(
            CareLink.practice_id == practice_id,
            CareLink.client_id == client_id,
            CareLink.ended_at.is_(None),
            Person.therapist,
            Person.deactivated_at.is_(None),
        )
    )
    return sorted(set(db.session.scalars(therapists)))


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
    """Raise an alert for everyone in care, in the transaction of what raises it; returns how many are told.

    `items` are the blocks concerned, with their labels.
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
    told = in_care_of(viewer.practice_id, client_id)
    for therapist in told:
        enqueue(viewer, NOTIFY_THERAPIST, therapist)
    return len(told)


def waiting_since(client_id: Any) -> ScalarSelect[Any]:
    """Since when the oldest open alert of a client waits, as part of another query; null where there is none."""
    return (
        select(func.min(Alert.raised_at, type_=Instant()))
        .where(Alert.practice_id == PRACTICE, Alert.client_id == client_id, Alert.acknowledged_at.is_(None))
        .scalar_subquery()
    )


# Seen ----------------------------------------------------------------------------------------------------------


def _seen(viewer: Viewer) -> AnySelect:
    """What the viewer sees, beside the care link it came through where that is theirs."""
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
    base=_seen,
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
NOT_YOURS = "Alerts go to therapists. An owner chooses who covers in the practice's settings (cover_id)."


def list_alerts(viewer: Viewer, asked: ListRequest) -> Page:
    """The alerts of the clients in one's care, and those one covers; the latest first."""
    access.require(policy.may_answer_alerts(viewer), NOT_YOURS)
    page = ALERTS.page(viewer, asked)
    names = _names(viewer, page.as_dicts())
    return page.map(lambda row: _shown(row, names))


def _names(viewer: Viewer, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The names of clients and of those who acknowledged: whoever sees an alert knows them."""
    ids = {row["client_id"] for row in rows} | {row["acknowledged_by"] for row in rows if row["acknowledged_by"]}
    return {one: person["name"] for one, person in people.names_of(viewer.practice_id, ids).items()} if ids else {}


def _shown(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    by = row["acknowledged_by"]
    return {
        **row,
        "client": {"id": row["client_id"], "name": names[row["client_id"]]},
        "acknowledged_by": None if by is None else {"id": by, "name": names[by]},
    }


def _look(viewer: Viewer, alert_id: str) -> dict[str, Any]:
    return access.get_visible(viewer, _alert_details, alert_id)


def _alert_details(viewer: Viewer) -> AnySelect:
    return _seen(viewer).where(Alert.id == THING).with_only_columns(*LISTED, Alert.care_id, Alert.items, Alert.note)


def require_in_sight(viewer: Viewer, alert_id: str) -> None:
    """Raise NotVisible unless the viewer sees this alert now."""
    _look(viewer, alert_id)


@transactional
def open_alert(viewer: Viewer, alert_id: str) -> dict[str, Any]:
    """An alert with what is said about it; to whom it came through their own care link, with the blocks concerned.

    Those leave `safety.opened` in the transaction that decrypts; where that cannot be written, nothing is read.
    """
    row = _look(viewer, alert_id)
    items = None
    sealed = vault(viewer.practice_id, row["client_id"])
    if row["assignment_id"] is not None:
        alert = db.session.get_one(Alert, (viewer.practice_id, alert_id))
        record(viewer, facts.OPENED, alert)
        items = orjson.loads(sealed.open(Alert.items, alert_id, row["items"]))
    note = sealed.open_text(Alert.note, alert_id, row["note"])
    return {**_shown(row, _names(viewer, [row])), "items": items, "note": note}


# Acknowledged --------------------------------------------------------------------------------------------------


@transactional
def acknowledge(viewer: Viewer, alert_id: str, *, note: str | None = None) -> dict[str, Any]:
    """Say by name that one takes care of it; the first one does. Raises Conflict with who has, and when."""
    alert = access.get_for_update(viewer, Alert, policy.visible_to, alert_id)
    if alert.acknowledged_at is not None:
        by = people.names_of(viewer.practice_id, {alert.acknowledged_by or ""})[alert.acknowledged_by or ""]
        msg = "This alert has been acknowledged already. The answer says by whom, and when."
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
    row = _look(viewer, alert_id)
    return _shown(row, _names(viewer, [row]))


@CARE_MERGED.also
def follow_merger(_viewer: Viewer, merged: MergedCare) -> None:
    """What came through a care link that went up in another one belongs to that one now."""
    db.session.execute(
        update(Alert)
        .where(Alert.practice_id == merged.practice_id, Alert.care_id == merged.id)
        .values(care_id=merged.into)
    )
