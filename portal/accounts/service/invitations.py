"""Invitations: a link by mail and, for a client, a code from the session; or a link handed over once in person.

The secret is generated when the mail is sent, and only its hash is stored. Opening the link changes nothing; accepting
the invitation consumes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts import facts, passwords, policy
from portal.accounts.models import Credential, CredentialKind, Delivery, Invitation, Person, Practice
from portal.accounts.secrets import generate_code, hash_secret, is_well_formed, normalize_code
from portal.accounts.service import people, throttle
from portal.accounts.service.credentials import (
    issue_credential,
    revoke_credentials,
    revoke_invitation,
    revoke_invitations,
)
from portal.core import access, clock, mail
from portal.core.audit_log.events import record
from portal.core.crypto import blind_index, keyring, vault
from portal.core.db.engines import db
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.errors import Conflict, NotVisible, PortalError
from portal.core.jobs import enqueue
from portal.core.viewer import PrincipalKind, Viewer

PREFIX = "inv"
LIFETIME = timedelta(days=14)
MAX_WRONG_CODES = 5
SEND_INVITATION = "accounts.send_invitation"
REFUSED = "This invitation cannot be accepted. Check the link and the code, or ask for a new invitation."
ADDRESS_TAKEN = (
    "Somebody in this practice already signs in with this email address. Ask for an invitation to another one."
)


@transactional
def invite_staff(viewer: Viewer, *, name: str, email: str, capabilities: list[str]) -> dict[str, Any]:
    """Invite a person to work at the practice, by mail."""
    access.require(policy.may_manage_practice(viewer), "Only an owner can invite staff.")
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
    created = create_invitation(viewer, person, Delivery.MAIL, with_code=False)
    record(viewer, facts.STAFF_INVITED, person, capabilities=sorted(capabilities))
    return created


def create_invitation(viewer: Viewer, person: Person, delivery: str, *, with_code: bool) -> dict[str, Any]:
    """Create an invitation in the open transaction and revoke earlier ones to the same person.

    What it returns is the only place that ever shows the code, or the link that is handed over in person.
    """
    now = clock.now()
    revoke_invitations(viewer, to=person.id)
    invitation = Invitation(
        practice_id=viewer.practice_id, person_id=person.id, invited_by=viewer.id, delivery=delivery, created_at=now
    )
    db.session.add(invitation)
    db.session.flush()
    code = generate_code() if with_code and delivery == Delivery.MAIL else None
    invitation.code_hash = None if code is None else _code_hash(invitation.id, code)
    created = {
        "id": invitation.id,
        "person_id": person.id,
        "delivery": delivery,
        "created_at": now,
        "code": code,
        "link": None,
    }
    if delivery == Delivery.IN_PERSON:
        created["link"] = mail.public_url(f"/invitation#{_issue_link_secret(invitation)}")
    else:
        enqueue(viewer, SEND_INVITATION, invitation.id)
    return created


def _code_hash(invitation_id: str, code: str) -> str:
    return keyring().digest("index", f"code|{invitation_id}|{normalize_code(code)}".encode()).hex()


def _issue_link_secret(invitation: Invitation) -> str:
    """Issue the secret of the invitation's link; earlier ones end."""
    revoke_credentials(invitation.practice_id, invitation.person_id, kind=CredentialKind.INVITATION)
    secret, _ = issue_credential(
        invitation.practice_id, invitation.person_id, CredentialKind.INVITATION, PREFIX, LIFETIME
    )
    return secret


@dataclass(frozen=True, slots=True)
class InvitationMail:
    """What the mail of an invitation says. A client's names no practice, since the name alone may say too much."""

    to: str
    secret: str
    practice_name: str | None
    needs_code: bool


@transactional
def prepare_mail(practice_id: str, invitation_id: str) -> InvitationMail | None:
    """Generate the secret of an invitation that is about to be mailed; None if it is no longer open."""
    invitation = db.session.get(Invitation, (practice_id, invitation_id), with_for_update=True)
    if invitation is None or not invitation.is_open:
        return None
    person = db.session.get_one(Person, (practice_id, invitation.person_id))
    opened = vault(practice_id, person.subject_id)
    return InvitationMail(
        to=opened.open(Person.mail_address, person.id, person.mail_address).decode(),
        secret=_issue_link_secret(invitation),
        practice_name=None if person.kind == "client" else db.session.get_one(Practice, practice_id).name,
        needs_code=invitation.code_hash is not None,
    )


@transactional
def resend(viewer: Viewer, invitation: Invitation) -> dict[str, Any]:
    """Send an open invitation again, with a new secret and, where it needs one, a new code."""
    _require_open(invitation)
    person = db.session.get_one(Person, (viewer.practice_id, invitation.person_id))
    return create_invitation(viewer, person, invitation.delivery, with_code=invitation.code_hash is not None)


@transactional
def revoke(viewer: Viewer, invitation: Invitation) -> None:
    """Revoke an open invitation; its link ends at once."""
    _require_open(invitation)
    revoke_invitation(viewer, invitation)


def _require_open(invitation: Invitation) -> None:
    if not invitation.is_open:
        state = "accepted" if invitation.accepted_at else "revoked"
        msg = f"This invitation is {state}."
        raise Conflict(msg, state=state, allowed=[])


def accept(
    viewer: Viewer, address: str, *, token: str, password: str, code: str | None = None, time_zone: str | None = None
) -> dict[str, Any]:
    """Activate the account of an invitation. Of several acceptances at once exactly one succeeds.

    Raises the same NotVisible, after the same work, for a wrong code and for a link that is unknown, used or expired.
    """
    passwords.check_password(password)
    throttle.count_try("accept", hash_secret(token), address)
    password_hash = passwords.hasher().hash(password)
    outcome = _accept(token, code or "", password_hash, time_zone)
    if isinstance(outcome, PortalError):
        raise outcome
    return outcome


@transactional(practice=NO_PRACTICE)
def _accept(token: str, code: str, password_hash: str, time_zone: str | None) -> dict[str, Any] | PortalError:
    """Return a refusal instead of raising it, because a wrong code must be committed to be counted."""
    credential = db.session.scalars(
        select(Credential)
        .where(
            Credential.secret_hash == hash_secret(token),
            Credential.kind == CredentialKind.INVITATION,
            Credential.ended_at.is_(None),
            Credential.expires_at > clock.now(),
        )
        .with_for_update()
    ).first()
    if credential is None or not is_well_formed(token, PREFIX):
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
        if invitation.wrong_codes >= MAX_WRONG_CODES:
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
        return Conflict(ADDRESS_TAKEN, state="address_taken", allowed=[])
    person.password_hash, person.activated_at = password_hash, now
    invitation.accepted_at = credential.ended_at = now
    viewer = Viewer(person.id, person.practice_id, PrincipalKind(person.kind), person.owner, person.therapist)
    people.apply_changes(viewer, person, time_zone=time_zone)
    record(viewer, facts.CLIENT_ACTIVATED if person.kind == "client" else facts.STAFF_ACTIVATED, person)
    return people.get_me(viewer)
