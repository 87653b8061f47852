"""Escalation: an alert that waits too long goes to the practice's cover, or to its owners where there is none.

An alert of a client for whom nobody cares any more escalates at once. Mails say that somebody is needed in the portal
and nothing else.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select

from portal.accounts.models import Person, Practice
from portal.caseload import policy as caseload
from portal.core import access, clock
from portal.core.access import PRACTICE
from portal.core.audit_log.events import record
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.statements import fetch
from portal.core.db.tables import AnySelect, Instant
from portal.core.db.transactions import NO_PRACTICE, transactional
from portal.core.jobs import enqueue
from portal.core.viewer import PrincipalKind, Viewer, system
from portal.safety import facts, policy
from portal.safety.models import Alert
from portal.safety.service.alerts import NOTIFY_THERAPIST

log = logging.getLogger("portal.worker")

NOTIFY_OWNER = "safety.notify_owner"
"""The job that mails an owner; its subject is the owner."""


def escalate_waiting() -> int:
    """Escalate every alert that has waited too long; returns how many. A failure does not stop the others."""
    practices = fetch(_practices, {}, practice=NO_PRACTICE)
    escalated = 0
    for practice in practices:
        portal = system(practice["id"])
        before = clock.now() - timedelta(hours=practice["alert_wait_hours"])
        for row in fetch(_waiting, access.binds(portal, before=before), practice=portal.practice_id):
            try:
                escalated += escalate(portal, row["id"])
            except Exception:
                log.exception("alert not escalated", extra={"alert": row["id"]})
    return escalated


def _practices() -> AnySelect:
    return select(Practice.id, Practice.alert_wait_hours)


def _waiting() -> AnySelect:
    return (
        select(Alert.id)
        .where(
            Alert.practice_id == PRACTICE,
            Alert.acknowledged_at.is_(None),
            Alert.escalated_at.is_(None),
            (Alert.raised_at <= bindparam("before", type_=Instant())) | ~caseload.is_cared_for(Alert.client_id),
        )
        .order_by(Alert.raised_at, Alert.id)
    )


@transactional
def escalate(viewer: Viewer, alert_id: str) -> bool:
    """Escalate an open alert to the cover, or to every owner where there is none; False where it needs none."""
    alert = db.session.scalars(
        select(Alert)
        .where(Alert.practice_id == viewer.practice_id, Alert.id == alert_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if alert.acknowledged_at is not None or alert.escalated_at is not None:
        return False
    cover = _cover(viewer.practice_id)
    alert.escalated_at, alert.covered_by = clock.now(), cover
    db.session.flush()
    record(viewer, facts.ESCALATED, alert)
    if cover is not None:
        enqueue(viewer, NOTIFY_THERAPIST, cover)
    else:
        for owner in _owners(viewer.practice_id):
            enqueue(viewer, NOTIFY_OWNER, owner)
    return True


def _cover(practice_id: str) -> str | None:
    """The id of the practice's cover, if they are an active therapist."""
    cover = (
        select(Person.id)
        .join(Practice, (Practice.id == Person.practice_id) & (Practice.cover_id == Person.id))
        .where(Person.practice_id == practice_id, Person.therapist, Person.deactivated_at.is_(None))
    )
    return db.session.scalars(cover).first()


def _owners(practice_id: str) -> list[str]:
    owners = select(Person.id).where(
        Person.practice_id == practice_id,
        Person.owner,
        Person.activated_at.is_not(None),
        Person.deactivated_at.is_(None),
    )
    return list(db.session.scalars(owners.order_by(Person.id)))


@transactional
def find_therapist_to_mail(practice_id: str, person_id: str) -> str | None:
    """The address of a therapist in care or the cover; None where no open alert is left for them to see."""
    person = _active_person(practice_id, person_id)
    if person is None:
        return None
    reader = Viewer(person.id, practice_id, PrincipalKind.STAFF, owner=person.owner, therapist=person.therapist)
    open_alerts = policy.visible_to(reader).where(Alert.acknowledged_at.is_(None)).with_only_columns(Alert.id).limit(1)
    return _mail_address(person) if db.session.execute(open_alerts, access.binds(reader)).first() else None


@transactional
def find_owner_to_mail(practice_id: str, person_id: str) -> str | None:
    """The address of an owner; None where there is a cover by now, or no alert waits any more."""
    person = _active_person(practice_id, person_id)
    if person is None or not person.owner or _cover(practice_id) is not None:
        return None
    waiting = select(Alert.id).where(
        Alert.practice_id == practice_id, Alert.escalated_at.is_not(None), Alert.acknowledged_at.is_(None)
    )
    return _mail_address(person) if db.session.scalars(waiting.limit(1)).first() else None


def _active_person(practice_id: str, person_id: str) -> Person | None:
    person: Any = db.session.get(Person, (practice_id, person_id))
    return person if person is not None and person.deactivated_at is None else None


def _mail_address(person: Person) -> str:
    sealed = vault(person.practice_id, person.subject_id)
    return sealed.open(Person.mail_address, person.id, person.mail_address).decode()
