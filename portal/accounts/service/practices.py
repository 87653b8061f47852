"""Setting a practice up, and its settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from portal.accounts import facts, passwords, policy
from portal.accounts.models import Person, Practice, SetupLink
from portal.accounts.secrets import hashed, is_whole, mint
from portal.accounts.service import people, sessions
from portal.core import access, clock
from portal.core.audit_log.events import record
from portal.core.crypto import blind_index, create_vault
from portal.core.db.engines import db
from portal.core.db.statements import fetch_one
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.errors import Fault, Invalid, NotVisible, Stale
from portal.core.ids import new_id
from portal.core.viewer import PrincipalKind, Viewer

PREFIX = "set"
SETUP_LASTS = timedelta(days=2)
NO_LINK = "This set-up link is not valid, or has been used. Ask whoever runs the server for a new one."


@transactional(practice=NO_PRACTICE)
def mint_setup_link() -> str:
    """The secret of a new one-time set-up link; an unused earlier one ends."""
    secret, secret_hash = mint(PREFIX)
    now = clock.now()
    db.session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(used_at=now))
    db.session.add(SetupLink(secret_hash=secret_hash, created_at=now, expires_at=now + SETUP_LASTS))
    return secret


def exists_any() -> bool:
    return fetch_one(_any_practice, {}, practice=NO_PRACTICE) is not None


def _any_practice() -> AnySelect:
    return select(Practice.id).limit(1)


def set_up(viewer: Viewer, *, token: str, practice: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    """Make a practice and its owner, who is also a therapist unless they say otherwise.

    Raises NotVisible for a link that is unknown or used, Invalid for a slug that is taken or a weak password.
    """
    passwords.check(person["password"], "#/person/password")
    return _set_up(token, practice, person, passwords.hasher().hash(person["password"]))


@transactional(practice=NO_PRACTICE)
def _set_up(token: str, practice: dict[str, Any], person: dict[str, Any], password_hash: str) -> dict[str, Any]:
    _use_link(token)
    if sessions.find_practice(practice["slug"]) is not None:
        raise Invalid(
            Fault("invalid", "Another practice here has this short name. Choose another.").at("#/practice/slug")
        )
    row = Practice(id=new_id(), created_at=clock.now(), **practice)
    enter_practice(row.id)
    db.session.add(row)
    db.session.flush()
    create_vault(row.id, row.id)
    owner = people.add_person(
        Viewer(None, row.id, PrincipalKind.SYSTEM),
        kind="staff",
        name=person["name"],
        email=person["email"],
        time_zone=row.time_zone,
        owner=True,
        therapist=person.get("therapist", True),
    )
    owner.password_hash, owner.activated_at = password_hash, clock.now()
    owner.mail_index = blind_index(row.id, person["email"])
    db.session.flush()
    viewer = Viewer(owner.id, row.id, PrincipalKind.STAFF, owner=True, therapist=owner.therapist)
    record(viewer, facts.PRACTICE_SET_UP, row)
    return {"practice": get_practice(viewer), "person": people.get_me(viewer)}


def _use_link(token: str) -> None:
    used = (
        is_whole(token, PREFIX)
        and db.session.execute(
            update(SetupLink)
            .where(
                SetupLink.secret_hash == hashed(token), SetupLink.used_at.is_(None), SetupLink.expires_at > clock.now()
            )
            .values(used_at=clock.now())
            .returning(SetupLink.secret_hash)
        ).first()
    )
    if not used:
        raise NotVisible(NO_LINK)


def get_practice(viewer: Viewer) -> dict[str, Any]:
    row = access.fetch_visible_row(viewer, _practice)
    if row is None:
        raise NotVisible
    return row


def _practice(viewer: Viewer) -> AnySelect:
    return policy.practice_visible_to(viewer).with_only_columns(*Practice.__table__.columns)


@transactional
def change_practice(viewer: Viewer, expected: int, **changes: Any) -> dict[str, Any]:
    """Change the practice's settings. Raises Invalid where the one who covers is no therapist here."""
    access.require(policy.may_run_the_practice(viewer), "Only an owner changes the practice.")
    if changes.get("cover_id") is not None:  # first the person, then the practice: as when somebody leaves
        people.require_therapist(viewer, changes["cover_id"], "#/cover_id")
    practice = access.get_for_update(viewer, Practice, policy.practice_visible_to, viewer.practice_id)
    if practice.version != expected:
        raise Stale(get_practice(viewer))
    for name, value in changes.items():
        setattr(practice, name, value)
    practice.version += 1
    db.session.flush()
    record(viewer, facts.PRACTICE_CHANGED, practice, changed=sorted(changes))
    return get_practice(viewer)


@facts.STAFF_CHANGED.also
@facts.STAFF_DEACTIVATED.also
def clear_cover_of_inactive_therapist(viewer: Viewer, person: Person) -> None:
    """Who is no longer a therapist here stands in for nobody."""
    if person.therapist and person.deactivated_at is None:
        return
    practice = access.get_for_update(viewer, Practice, policy.practice_visible_to, person.practice_id)
    if practice.cover_id == person.id:
        practice.cover_id = None
        practice.version += 1
        db.session.flush()
        record(viewer, facts.PRACTICE_CHANGED, practice, changed=["cover_id"])
