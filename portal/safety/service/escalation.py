"""What happens to an alert that waits: the practice's cover is told, or its owners where nobody covers.

An alert that nobody in care is left to see does not wait at all. Mails say that something in the portal needs
somebody, and nothing else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select

from portal.accounts.models import Person, Practice
from portal.caseload.models import CareLink
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

NOTIFY_OWNER = "safety.tell_owner"
"""The job of mailing an owner that nobody covers; its subject is the owner."""


def escalate_waiting() -> int:
    """Escalate every alert that has waited too long; returns how many. One that cannot be does not stop the others."""
    practices = fetch(_practices, {}, practice=NO_PRACTICE)
    done = 0
    for practice in practices:
        portal = system(practice["id"])
        before = clock.now() - timedelta(hours=practice["alert_wait_hours"])
        for row in fetch(_waiting, access.binds(portal, before=before), practice=portal.practice_id):
            try:
                done += escalate(portal, row["id"])
            except Exception:
                log.exception("alert not escalated", extra={"alert": row["id"]})
    return done


def _practices() -> AnySelect:
    return select(Practice.id, Practice.alert_wait_hours)


def _waiting() -> AnySelect:
    somebody_cares = (
        select(CareLink.id)
        .join(Person, (Person.practice_id == CareLink.practice_id) & (Person.id == CareLink.therapist_id))
        .where(
            CareLink.practice_id == PRACTICE,
            CareLink.client_id == Alert.client_id,
            CareLink.ended_at.is_(None),
            Person.therapist,
            Person.deactivated_at.is_(None),
        )
        .exists()
    )
    return (
        select(Alert.id)
        .where(
            Alert.practice_id == PRACTICE,
            Alert.acknowledged_at.is_(None),
            Alert.escalated_at.is_(None),
            (Alert.raised_at <= bindparam("before", type_=Instant())) | ~somebody_cares,
        )
        .order_by(Alert.raised_at, Alert.id)
    )


@transactional
def escalate(viewer: Viewer, alert_id: str) -> bool:
    """Pass an open alert on, once: to the cover, or to every owner where nobody covers. Whether there was need."""
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
    """Who stands in, where they are still a therapist at work here."""
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


# Mails ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """To whom a mail goes."""

    to: str


@transactional
def prepare_letter(practice_id: str, person_id: str) -> Letter | None:
    """The mail to a therapist, or to whoever covers; None where no open alert is left for them to see."""
    person = _still_here(practice_id, person_id)
    if person is None:
        return None
    reader = Viewer(person.id, practice_id, PrincipalKind.STAFF, owner=person.owner, therapist=person.therapist)
    open_alerts = policy.visible_to(reader).where(Alert.acknowledged_at.is_(None)).with_only_columns(Alert.id).limit(1)
    return _letter(person) if db.session.execute(open_alerts, access.binds(reader)).first() else None


@transactional
def prepare_letter_to_owner(practice_id: str, person_id: str) -> Letter | None:
    """The mail to an owner; None where somebody covers by now, or nothing waits any more."""
    person = _still_here(practice_id, person_id)
    if person is None or not person.owner or _cover(practice_id) is not None:
        return None
    waiting = select(Alert.id).where(
        Alert.practice_id == practice_id, Alert.escalated_at.is_not(None), Alert.acknowledged_at.is_(None)
    )
    return _letter(person) if db.session.scalars(waiting.limit(1)).first() else None


def _still_here(practice_id: str, person_id: str) -> Person | None:
    person: Any = db.session.get(Person, (practice_id, person_id))
    return person if person is not None and person.deactivated_at is None else None


def _letter(person: Person) -> Letter:
    opened = vault(person.practice_id, person.subject_id)
    return Letter(opened.open(Person.mail_address, person.id, person.mail_address).decode())
