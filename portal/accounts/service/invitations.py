"""Invitations: a link by mail and, for a client, a code from the session; or a link handed over once in person.

The secret is minted when the mail is sent and only its hash is kept. Opening the link changes nothing; accepting
consumes it, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts import facts, passwords, policy
from portal.accounts.models import Credential, CredentialKind, Delivery, Invitation, Person, Practice
from portal.accounts.secrets import hashed, is_whole, mint_code, normal_code
from portal.accounts.service import people, throttle
from portal.accounts.service.credentials import end_credentials, end_invitation, end_invitations, issue
from portal.core import access, clock, mail
from portal.core.audit_log.events import record
from portal.core.crypto import blind_index, keyring, vault
from portal.core.db.engines import db
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.errors import Conflict, NotVisible, PortalError
from portal.core.jobs import enqueue
from portal.core.viewer import PrincipalKind, Viewer

PREFIX = "inv"
LASTS = timedelta(days=14)
WRONG_CODES = 5
SEND = "accounts.send_invitation"
REFUSED = "This invitation cannot be accepted. Check the link and the code, or ask for a new invitation."
TAKEN = "Somebody in this practice already signs in with this mail address. Ask to be invited at another one."


@transactional
def invite_staff(viewer: Viewer, *, name: str, email: str, capabilities: list[str]) -> dict[str, Any]:
    """Invite someone to the staff by mail."""
    access.require(policy.may_run_the_practice(viewer), "Only an owner invites staff.")
    time_zone = db.session.get_one(Practice, viewer.practice_id).time_zone
    person = people.add_person(
        viewer,
        kind="staff",
        name=name,
        email=email,
        time_zone=time_zone,
        owner="owner" in capabilities,
        therapist="therapist" in capabilities,
    )
    shown = open_invitation(viewer, person, Delivery.MAIL, with_code=False)
    record(viewer, facts.STAFF_INVITED, person, capabilities=sorted(capabilities))
    return shown


def open_invitation(viewer: Viewer, person: Person, delivery: str, *, with_code: bool) -> dict[str, Any]:
    """Invite `person` inside the open transaction; earlier invitations to them end.

    The answer is the only place where the code, or the link of one handed over in person, is ever shown.
    """
    now = clock.now()
    end_invitations(viewer, to=person.id)
    invitation = Invitation(
        practice_id=viewer.practice_id, person_id=person.id, invited_by=viewer.id, delivery=delivery, created_at=now
    )
    db.session.add(invitation)
    db.session.flush()
    code = mint_code() if with_code and delivery == Delivery.MAIL else None
    invitation.code_hash = None if code is None else _code_hash(invitation.id, code)
    shown = {
        "id": invitation.id,
        "person_id": person.id,
        "delivery": delivery,
        "created_at": now,
        "code": code,
        "link": None,
    }
    if delivery == Delivery.IN_PERSON:
        shown["link"] = mail.public_url(f"/invitation#{_mint_secret(invitation)}")
    else:
        enqueue(viewer, SEND, invitation.id)
    return shown


def _code_hash(invitation_id: str, code: str) -> str:
    return keyring().digest("index", f"code|{invitation_id}|{normal_code(code)}".encode()).hex()


def _mint_secret(invitation: Invitation) -> str:
    """A new secret for the invitation; earlier ones end."""
    end_credentials(invitation.practice_id, invitation.person_id, kind=CredentialKind.INVITATION)
    secret, _ = issue(invitation.practice_id, invitation.person_id, CredentialKind.INVITATION, PREFIX, LASTS)
    return secret


@dataclass(frozen=True, slots=True)
class Letter:
    """What the mail of an invitation needs. A client's names no practice: the name alone may say too much."""

    to: str
    secret: str
    practice_name: str | None
    needs_code: bool


@transactional
def prepare_letter(practice_id: str, invitation_id: str) -> Letter | None:
    """Mint the secret of an invitation that is about to be mailed; None where it is no longer open."""
    invitation = db.session.get(Invitation, (practice_id, invitation_id), with_for_update=True)
    if invitation is None or not invitation.is_open:
        return None
    person = db.session.get_one(Person, (practice_id, invitation.person_id))
    opened = vault(practice_id, person.subject_id)
    return Letter(
        to=opened.open(Person.mail_address, person.id, person.mail_address).decode(),
        secret=_mint_secret(invitation),
        practice_name=None if person.kind == "client" else db.session.get_one(Practice, practice_id).name,
        needs_code=invitation.code_hash is not None,
    )


@transactional
def resend(viewer: Viewer, invitation: Invitation) -> dict[str, Any]:
    """Send an open invitation the viewer has seen again, with a new secret (and a new code, where one is needed)."""
    _require_open(invitation)
    person = db.session.get_one(Person, (viewer.practice_id, invitation.person_id))
    return open_invitation(viewer, person, invitation.delivery, with_code=invitation.code_hash is not None)


@transactional
def revoke(viewer: Viewer, invitation: Invitation) -> None:
    """Take an open invitation the viewer has seen back; its link ends at once."""
    _require_open(invitation)
    end_invitation(viewer, invitation)


def _require_open(invitation: Invitation) -> None:
    if not invitation.is_open:
        state = "accepted" if invitation.accepted_at else "revoked"
        msg = f"This invitation is {state}."
        raise Conflict(msg, state=state, allowed=[])


def accept(
    viewer: Viewer, address: str, *, token: str, password: str, code: str | None = None, time_zone: str | None = None
) -> dict[str, Any]:
    """Make the account an invitation is for. Exactly one of any number of acceptances succeeds.

    Raises NotVisible alike for a link that is unknown, used or expired and for a wrong code, after the same work.
    """
    passwords.check(password)
    throttle.begin("accept", hashed(token), address)
    password_hash = passwords.hasher().hash(password)
    outcome = _accept(token, code or "", password_hash, time_zone)
    if isinstance(outcome, PortalError):
        raise outcome
    return outcome


@transactional(practice=NO_PRACTICE)
def _accept(token: str, code: str, password_hash: str, time_zone: str | None) -> dict[str, Any] | PortalError:
    """A refusal is returned, not raised: a wrong code must stay counted."""
    credential = db.session.scalars(
        select(Credential)
        .where(
            Credential.secret_hash == hashed(token),
            Credential.kind == CredentialKind.INVITATION,
            Credential.ended_at.is_(None),
            Credential.expires_at > clock.now(),
        )
        .with_for_update()
    ).first()
    if credential is None or not is_whole(token, PREFIX):
        return NotVisible(REFUSED)
    enter_practice(credential.practice_id)
    invitation = db.session.scalars(
        select(Invitation).where(
            Invitation.practice_id == credential.practice_id,
            Invitation.person_id == credential.person_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
    ).one()
    if invitation.code_hash is not None and invitation.code_hash != _code_hash(invitation.id, code):
        invitation.wrong_codes += 1
        if invitation.wrong_codes >= WRONG_CODES:
            credential.ended_at = clock.now()
        return NotVisible(REFUSED)
    return _activate(invitation, credential, password_hash, time_zone)


def _activate(
    invitation: Invitation, credential: Credential, password_hash: str, time_zone: str | None
) -> dict[str, Any] | PortalError:
    person = db.session.get_one(Person, (invitation.practice_id, invitation.person_id))
    opened = vault(person.practice_id, person.subject_id)
    email = opened.open(Person.mail_address, person.id, person.mail_address).decode()
    now = clock.now()
    try:
        with db.session.begin_nested():
            person.mail_index = blind_index(person.practice_id, email)
    except IntegrityError:
        return Conflict(TAKEN, state="address_taken", allowed=[])
    person.password_hash, person.activated_at = password_hash, now
    invitation.accepted_at = credential.ended_at = now
    viewer = Viewer(person.id, person.practice_id, PrincipalKind(person.kind), person.owner, person.therapist)
    people.apply_changes(viewer, person, time_zone=time_zone)
    record(viewer, facts.CLIENT_ACTIVATED if person.kind == "client" else facts.STAFF_ACTIVATED, person)
    return people.get_me(viewer)
