"""Signing in, being recognised, signing out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from portal.accounts import facts, policy
from portal.accounts.models import Credential, CredentialKind, Person, Practice
from portal.accounts.passwords import hasher
from portal.accounts.secrets import hashed, is_whole
from portal.accounts.service import people, throttle
from portal.accounts.service.credentials import issue, note_use
from portal.core import access, clock
from portal.core.audit_log.events import record
from portal.core.crypto import blind_index
from portal.core.db.engines import db
from portal.core.db.statements import fetch, fetch_one, fetch_tuples
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.db.transactions import NO_PRACTICE, transactional
from portal.core.errors import Fault, Invalid, NotVisible, Unauthenticated
from portal.core.ids import is_id
from portal.core.listing import Listing, ListRequest, Page
from portal.core.viewer import PrincipalKind, Viewer

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
NOTED_EVERY = timedelta(minutes=1)
PREFIX = "ses"
REFUSED = "The practice, the mail address or the password is not right."


def sign_in(viewer: Viewer, address: str, *, email: str, password: str, practice: str | None = None) -> dict[str, Any]:
    """A token for 30 idle minutes and 8 hours at most.

    Raises Unauthenticated alike for an unknown practice, person and password, after the same work; TooMany.
    """
    practice_id = find_practice(practice)
    account = blind_index(practice_id or "unknown", email)
    attempt = throttle.begin("sign-in", account, address)
    person = _person_behind(practice_id or "", account)
    if not hasher().verify(person["password_hash"] if person else None, password):
        raise Unauthenticated(REFUSED)
    assert person is not None, "verify() is False where nothing is stored"
    starting = Viewer(person["id"], person["practice_id"], PrincipalKind(person["kind"]))
    return _start(starting, attempt, password, person["password_hash"])


def find_practice(slug: str | None) -> str | None:
    """The practice meant. Raises Invalid where several exist and none is named."""
    if slug is not None:
        found = fetch_one(_practice_by_slug, {"slug": slug}, practice=NO_PRACTICE)
        return None if found is None else str(found["id"])
    rows = fetch(_first_two_practices, {}, practice=NO_PRACTICE)
    if len(rows) > 1:
        raise Invalid(Fault("invalid", "Say which practice: this portal serves several.").at("#/practice"))
    return str(rows[0]["id"]) if rows else None


def _first_two_practices() -> AnySelect:
    return select(Practice.id).limit(2)


def _practice_by_slug() -> AnySelect:
    return select(Practice.id).where(Practice.slug == bindparam("slug"))


def _person_behind(practice_id: str, index: str) -> dict[str, Any] | None:
    return fetch_one(_person_by_mail, {"practice": practice_id or None, "index": index}, practice=practice_id)


def _person_by_mail() -> AnySelect:
    return select(Person.practice_id, Person.id, Person.kind, Person.password_hash).where(
        Person.practice_id == bindparam("practice", type_=Id()),
        Person.mail_index == bindparam("index"),
        Person.activated_at.is_not(None),
        Person.deactivated_at.is_(None),
    )


@transactional
def _start(viewer: Viewer, attempt: throttle.Try, password: str, stored: str) -> dict[str, Any]:
    throttle.forgive(attempt)
    token, session = issue(viewer.practice_id, viewer.id or "", CredentialKind.SESSION, PREFIX, LONGEST)
    if hasher().is_outdated(stored):
        db.session.execute(
            update(Person)
            .where(Person.practice_id == viewer.practice_id, Person.id == viewer.id)
            .values(password_hash=hasher().hash(password))
        )
    record(viewer, facts.SESSION_STARTED, session)
    return {"token": token, "expires_at": session.expires_at, "person": people.get_me(viewer)}


def identify(token: str | None) -> Viewer | None:
    """The viewer a session token stands for; None once it has ended, idled out or expired, or its person left."""
    if not token or not is_whole(token, PREFIX):
        return None
    now = clock.now()
    values = {"hash": hashed(token), "now": now, "idle_since": now - IDLE, "noted_before": now - NOTED_EVERY}
    rows = fetch_tuples(_identity, values, practice=None)
    if rows and rows[0][3] is None:  # the connection was in another practice
        rows = fetch_tuples(_identity, values, practice=rows[0][1])
    if not rows or rows[0][3] is None:
        return None
    credential_id, practice_id, person_id, kind, owner, therapist, unnoted = rows[0]
    if unnoted:
        note_use(practice_id, credential_id)
    return Viewer(person_id, practice_id, PrincipalKind(kind), bool(owner), bool(therapist), credential_id)


def _identity() -> AnySelect:
    now, idle_since = bindparam("now", type_=Instant()), bindparam("idle_since", type_=Instant())
    return (
        select(
            Credential.id,
            Credential.practice_id,
            Person.id.label("person_id"),
            Person.kind,
            Person.owner,
            Person.therapist,
            (Credential.last_used_at <= bindparam("noted_before", type_=Instant())).label("unnoted"),
        )
        .outerjoin(
            Person,
            (Person.practice_id == Credential.practice_id)
            & (Person.id == Credential.person_id)
            & Person.deactivated_at.is_(None),
        )
        .where(
            Credential.secret_hash == bindparam("hash"),
            Credential.kind == CredentialKind.SESSION,
            Credential.ended_at.is_(None),
            Credential.expires_at > now,
            Credential.last_used_at > idle_since,
        )
    )


SESSIONS = Listing(
    base=policy.sessions_visible_to,
    columns=(Credential.id, Credential.created_at, Credential.last_used_at, Credential.expires_at),
    filters={},
    sorts={"created_at": Credential.created_at},
    default_sort="-created_at",
    identity=Credential.id,
)


def list_sessions(viewer: Viewer, asked: ListRequest) -> Page:
    return SESSIONS.page(viewer, asked, idle_since=clock.now() - IDLE)


@transactional
def end_session(viewer: Viewer, session_id: str) -> None:
    """End one of one's own sessions at once; `current` is the one that asks."""
    wanted = viewer.credential_id if session_id == "current" else session_id
    if wanted is None or not is_id(wanted):
        raise NotVisible
    session = access.get_for_update(
        viewer, Credential, policy.sessions_visible_to, wanted, idle_since=clock.now() - IDLE
    )
    session.ended_at = clock.now()
    record(viewer, facts.SESSION_ENDED, session)
