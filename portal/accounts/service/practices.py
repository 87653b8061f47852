"""Set up a practice, read and change its settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from portal.accounts import facts, passwords, policy
from portal.accounts.models import Person, Practice, SetupLink
from portal.accounts.secrets import generate_secret, hash_secret, is_well_formed
from portal.accounts.service import people, sessions
from portal.core import access, clock
from portal.core.audit_log.events import record
from portal.core.crypto import blind_index, create_vault
from portal.core.db.engines import db
from portal.core.db.statements import fetch, fetch_one
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.errors import Fault, Invalid, NotVisible, Stale
from portal.core.ids import new_id
from portal.core.viewer import PrincipalKind, Viewer

PREFIX = "set"
SETUP_LIFETIME = timedelta(days=2)
LINK_REFUSED = "This set-up link is not valid or has been used. Ask the person who runs the server for a new one."


@transactional(practice=NO_PRACTICE)
def create_setup_link() -> str:
    """Create a one-time set-up link and return its secret; an unused earlier link ends."""
    secret, secret_hash = generate_secret(PREFIX)
    now = clock.now()
    db.session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(used_at=now))
    db.session.add(SetupLink(secret_hash=secret_hash, created_at=now, expires_at=now + SETUP_LIFETIME))
    return secret


def any_practice_exists() -> bool:
    return fetch_one(_any_practice, {}, practice=NO_PRACTICE) is not None


def _any_practice() -> AnySelect:
    return select(Practice.id).limit(1)


def list_practice_ids() -> list[str]:
    """The id of every practice, for what the portal does for each of them."""
    return [row["id"] for row in fetch(_practice_ids, {}, practice=NO_PRACTICE)]


def _practice_ids() -> AnySelect:
    return select(Practice.id)


def set_up(viewer: Viewer, *, token: str, practice: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    """Create a practice and its owner, who is a therapist as well unless `person` says otherwise.

    Raises NotVisible for a link that is unknown or used, Invalid for a slug that is taken or a weak password.
    """
    passwords.check_password(person["password"], "#/person/password")
    return _set_up(token, practice, person, passwords.hasher().hash(person["password"]))


@transactional(practice=NO_PRACTICE)
def _set_up(token: str, practice: dict[str, Any], person: dict[str, Any], password_hash: str) -> dict[str, Any]:
    _consume_link(token)
    if sessions.find_practice(practice["slug"]) is not None:
        raise Invalid(
            Fault("slug_taken", "Another practice here has this short name. Choose another.").at("#/practice/slug")
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


def _consume_link(token: str) -> None:
    used = (
        is_well_formed(token, PREFIX)
        and db.session.execute(
            update(SetupLink)
            .where(
                SetupLink.secret_hash == hash_secret(token),
                SetupLink.used_at.is_(None),
                SetupLink.expires_at > clock.now(),
            )
            .values(used_at=clock.now())
            .returning(SetupLink.secret_hash)
        ).first()
    )
    if not used:
        raise NotVisible(LINK_REFUSED)


def get_practice(viewer: Viewer) -> dict[str, Any]:
    row = access.fetch_visible_row(viewer, _practice)
    if row is None:
        raise NotVisible
    return row


def _practice(viewer: Viewer) -> AnySelect:
    return policy.practice_visible_to(viewer).with_only_columns(*Practice.__table__.columns)


@transactional
def change_practice(viewer: Viewer, expected: int, **changes: Any) -> dict[str, Any]:
    """Change the practice's settings. Raises Invalid if the cover is not an active therapist."""
    access.require(policy.may_manage_practice(viewer), "Only an owner can change the practice.")
    if changes.get("cover_id") is not None:  # locks person before practice, as deactivation does
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


def clear_cover_of_inactive_therapist(viewer: Viewer, person: Person) -> None:
    """A person who is no longer a therapist of the practice stops being its cover."""
    if person.therapist and person.deactivated_at is None:
        return
    practice = access.get_for_update(viewer, Practice, policy.practice_visible_to, person.practice_id)
    if practice.cover_id == person.id:
        practice.cover_id = None
        practice.version += 1
        db.session.flush()
        record(viewer, facts.PRACTICE_CHANGED, practice, changed=["cover_id"])
