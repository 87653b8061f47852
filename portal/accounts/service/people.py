"""People: the viewer, the staff with their capabilities, and names by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, case, select

from portal.accounts import facts, passwords, policy
from portal.accounts.models import Person, Practice
from portal.accounts.service import throttle
from portal.accounts.service.credentials import revoke_credentials, revoke_invitations
from portal.core import access, clock
from portal.core.access import PRACTICE, THING, VIEWER
from portal.core.audit_log.events import record
from portal.core.crypto import DataKey, Vault, create_vault, unwrap_vault, vault
from portal.core.db.engines import db
from portal.core.db.statements import fetch, fetch_one
from portal.core.db.tables import AnySelect, Id
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Fault, Invalid, NotVisible, Stale
from portal.core.ids import new_id
from portal.core.listing import Listing, ListRequest, Page, condition
from portal.core.viewer import Viewer

CAPABILITIES = ("owner", "therapist")
NOT_A_THERAPIST = "This is not an active therapist of the practice. See GET /staff."


def add_person(
    viewer: Viewer,
    *,
    kind: str,
    name: str,
    email: str,
    time_zone: str,
    owner: bool = False,
    therapist: bool = False,
) -> Person:
    """Insert a person who cannot sign in yet, in the open transaction; a client gets a data key of their own."""
    person_id = new_id()
    sealed = (
        create_vault(viewer.practice_id, person_id)
        if kind == "client"
        else vault(viewer.practice_id, viewer.practice_id)
    )
    person = Person(
        practice_id=viewer.practice_id,
        id=person_id,
        kind=kind,
        owner=owner,
        therapist=therapist,
        name=sealed.seal(Person.name, person_id, name),
        mail_address=sealed.seal(Person.mail_address, person_id, email),
        time_zone=time_zone,
        created_at=clock.now(),
    )
    db.session.add(person)
    db.session.flush()
    return person


def capabilities_of(row: dict[str, Any]) -> list[str]:
    return [capability for capability in CAPABILITIES if row[capability]]


def get_me(viewer: Viewer) -> dict[str, Any]:
    """The viewer as a person, with their practice."""
    row = fetch_one(_me, access.binds(viewer), practice=viewer.practice_id)
    if row is None:
        raise NotVisible
    opened = unwrap_vault(row["practice_id"], row["subject_id"], row["keyring_version"], row["wrapped"])
    return {
        **_with_name(row, opened),
        "practice": {"id": row["practice_id"], "slug": row["slug"], "name": row["practice_name"]},
    }


def _me() -> AnySelect:
    return (
        select(*Person.__table__.columns, Practice.slug, Practice.name.label("practice_name"), *KEY_COLUMNS)
        .join(Practice, Practice.id == Person.practice_id)
        .join(DataKey, _key_of_person())
        .where(Person.practice_id == PRACTICE, Person.id == VIEWER)
    )


KEY_COLUMNS = (DataKey.subject_id, DataKey.keyring_version, DataKey.wrapped)


def _key_of_person() -> Any:
    subject = case((Person.kind == "client", Person.id), else_=Person.practice_id)
    return (DataKey.practice_id == Person.practice_id) & (DataKey.subject_id == subject)


def _with_name(row: dict[str, Any], opened: Vault) -> dict[str, Any]:
    return {
        **row,
        "name": opened.open_text(Person.name, row["id"], row["name"]),
        "email": opened.open_text(Person.mail_address, row["id"], row["mail_address"]),
        "capabilities": capabilities_of(row),
        "status": "deactivated" if row["deactivated_at"] else "active" if row["activated_at"] else "invited",
    }


@transactional
def change_me(viewer: Viewer, expected: int, **changes: Any) -> dict[str, Any]:
    """Change the viewer's name or time zone."""
    person = access.get_for_update(viewer, Person, policy.visible_to, viewer.id or "")
    if person.version != expected:
        raise Stale(get_me(viewer))
    apply_changes(viewer, person, **changes)
    return get_me(viewer)


def apply_changes(viewer: Viewer, person: Person, *, name: str | None = None, time_zone: str | None = None) -> None:
    """Change a name or a time zone in the open transaction; due days move with the time zone."""
    if name is not None:
        person.name = vault(person.practice_id, person.subject_id).seal(Person.name, person.id, name)
    zone_changes = time_zone is not None and time_zone != person.time_zone
    person.time_zone = time_zone or person.time_zone
    person.version += 1
    db.session.flush()
    if zone_changes:
        record(viewer, facts.TIME_ZONE_CHANGED, person)


def change_password(viewer: Viewer, address: str, *, current_password: str, new_password: str) -> None:
    """Set a new password and end every other session.

    Raises Invalid if the current password is wrong, TooManyRequests after too many tries.
    """
    passwords.check_password(new_password, "#/new_password")
    attempt = throttle.count_try("password", viewer.id or "", address)
    stored = fetch_one(_own_password_hash, access.binds(viewer), practice=viewer.practice_id)
    if not passwords.hasher().verify(stored["password_hash"] if stored else None, current_password):
        raise Invalid(
            Fault("wrong_password", "This is not your current password. Check it and try again.").at(
                "#/current_password"
            )
        )
    throttle.forgive_tries(attempt)
    _set_password(viewer, viewer.id or "", passwords.hasher().hash(new_password), session_id=viewer.credential_id)


def _own_password_hash() -> AnySelect:
    return select(Person.password_hash).where(Person.practice_id == PRACTICE, Person.id == VIEWER)


@transactional
def _set_password(viewer: Viewer, person_id: str, password_hash: str, *, session_id: str | None) -> None:
    person = db.session.get_one(Person, (viewer.practice_id, person_id))
    person.password_hash = password_hash
    revoke_credentials(viewer.practice_id, person_id, except_id=session_id)
    record(viewer, facts.PASSWORD_CHANGED, person)


# Staff ---------------------------------------------------------------------------------------------------------

STAFF = Listing(
    base=policy.visible_to,
    columns=tuple(column for column in Person.__table__.columns if column.key != "password_hash"),
    filters={"active": condition(lambda: Person.activated_at.is_not(None) & Person.deactivated_at.is_(None))},
    sorts={"created_at": Person.created_at},
    default_sort="created_at",
    identity=Person.id,
    raw=False,
)


def list_staff(viewer: Viewer, asked: ListRequest) -> Page:
    opened = vault(viewer.practice_id, viewer.practice_id)
    return STAFF.page(viewer, asked).map(lambda row: _with_name(row, opened))


def get_staff(viewer: Viewer, person_id: str) -> dict[str, Any]:
    row = access.get_visible(viewer, _staff_member, person_id)
    return _with_name(row, vault(viewer.practice_id, viewer.practice_id))


def _staff_member(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Person.id == THING).with_only_columns(*STAFF.columns)


@transactional
def change_staff(viewer: Viewer, person_id: str, expected: int, *, capabilities: list[str]) -> dict[str, Any]:
    """Set a staff member's capabilities. Raises Conflict where the practice would lose its last owner."""
    access.require(policy.may_manage_practice(viewer), "Only an owner can change capabilities.")
    person = access.get_for_update(viewer, Person, policy.visible_to, person_id)
    if person.version != expected:
        raise Stale(get_staff(viewer, person_id))
    if person.owner and "owner" not in capabilities:
        _require_another_owner(viewer, person)
    if (person.owner and "owner" not in capabilities) or (person.therapist and "therapist" not in capabilities):
        revoke_invitations(viewer, sent_by=person.id)
    person.owner, person.therapist = "owner" in capabilities, "therapist" in capabilities
    person.version += 1
    db.session.flush()
    record(viewer, facts.STAFF_CHANGED, person, capabilities=sorted(capabilities))
    return get_staff(viewer, person_id)


@transactional
def deactivate(viewer: Viewer, person_id: str) -> dict[str, Any]:
    """End a staff member's access from their next request on. Raises Conflict for the last owner."""
    access.require(policy.may_manage_practice(viewer), "Only an owner can deactivate staff.")
    person = access.get_for_update(viewer, Person, policy.visible_to, person_id)
    if person.owner:
        _require_another_owner(viewer, person)
    if person.deactivated_at is None:
        person.deactivated_at = clock.now()
        person.version += 1
        revoke_credentials(viewer.practice_id, person.id)
        revoke_invitations(viewer, to=person.id)
        revoke_invitations(viewer, sent_by=person.id)
        db.session.flush()
        record(viewer, facts.STAFF_DEACTIVATED, person)
    return get_staff(viewer, person_id)


def _require_another_owner(viewer: Viewer, person: Person) -> None:
    owners = db.session.scalars(
        select(Person)
        .where(
            Person.practice_id == viewer.practice_id,
            Person.owner,
            Person.activated_at.is_not(None),
            Person.deactivated_at.is_(None),
        )
        .order_by(Person.id)
        .with_for_update()
    ).all()
    if [owner.id for owner in owners] == [person.id]:
        msg = "This is the last owner. Make somebody else an owner first."
        raise Conflict(msg, state="last_owner", allowed=[])


def require_therapist(viewer: Viewer, person_id: str, pointer: str) -> Person:
    """The active therapist with this id. Raises Invalid at `pointer` for anybody else."""
    try:
        person = access.get_for_update(viewer, Person, policy.visible_to, person_id)
    except NotVisible:
        person = None
    if person is None or not person.therapist or person.deactivated_at is not None or person.activated_at is None:
        raise Invalid(Fault("not_a_therapist", NOT_A_THERAPIST).at(pointer))
    return person


# Names ---------------------------------------------------------------------------------------------------------


def names_of(practice_id: str, person_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Names and email addresses by id, for callers that have established that the viewer may see these people."""
    rows = fetch(_names, {"practice": practice_id, "people": sorted(set(person_ids))}, practice=practice_id)
    return {
        row["id"]: _with_name(row, unwrap_vault(practice_id, row["subject_id"], row["keyring_version"], row["wrapped"]))
        for row in rows
    }


def _names() -> AnySelect:
    return (
        select(*(column for column in Person.__table__.columns if column.key != "password_hash"), *KEY_COLUMNS)
        .join(DataKey, _key_of_person())
        .where(
            Person.practice_id == bindparam("practice", type_=Id()),
            Person.id.in_(bindparam("people", expanding=True, type_=Id())),
        )
    )
