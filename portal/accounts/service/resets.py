"""Password resets: a mailed link that sets a new password and ends every session.

A request reveals nothing about who has an account: the same job is enqueued for everybody, and the worker finds out
whose address it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from portal.accounts import facts, passwords
from portal.accounts.models import Credential, CredentialKind, Person
from portal.accounts.secrets import hash_secret, is_well_formed
from portal.accounts.service import sessions, throttle
from portal.accounts.service.credentials import issue_credential, revoke_credentials
from portal.core import clock
from portal.core.audit_log.events import record
from portal.core.crypto import blind_index, vault
from portal.core.db.engines import db
from portal.core.db.transactions import NO_PRACTICE, enter_practice, transactional
from portal.core.errors import NotVisible
from portal.core.jobs import enqueue
from portal.core.viewer import PrincipalKind, Viewer, system

PREFIX = "rst"
LIFETIME = timedelta(hours=1)
SEND_RESET = "accounts.send_reset"
REFUSED = "This link is not valid any more. Ask for a new one."


def request_reset(viewer: Viewer, address: str, *, email: str, practice: str | None = None) -> None:
    """Enqueue the mail of a reset. Raises TooManyRequests after too many requests."""
    practice_id = sessions.find_practice(practice)
    account = blind_index(practice_id or "unknown", email)
    throttle.count_try("reset", account, address)
    if practice_id is not None:
        _enqueue_mail(practice_id, account)


@transactional
def _enqueue_mail(practice_id: str, mail_index: str) -> None:
    enqueue(system(practice_id), SEND_RESET, mail_index)


@dataclass(frozen=True, slots=True)
class ResetMail:
    """What the mail of a reset says."""

    to: str
    secret: str


@transactional
def prepare_mail(practice_id: str, mail_index: str) -> ResetMail | None:
    """Generate the secret of a reset that is about to be mailed; None if nobody active has this address."""
    person = db.session.scalars(
        select(Person).where(
            Person.practice_id == practice_id,
            Person.mail_index == mail_index,
            Person.activated_at.is_not(None),
            Person.deactivated_at.is_(None),
        )
    ).first()
    if person is None:
        return None
    revoke_credentials(practice_id, person.id, kind=CredentialKind.RESET)
    secret, _ = issue_credential(practice_id, person.id, CredentialKind.RESET, PREFIX, LIFETIME)
    to = vault(practice_id, person.subject_id).open(Person.mail_address, person.id, person.mail_address).decode()
    return ResetMail(to, secret)


def complete_reset(viewer: Viewer, address: str, *, token: str, password: str) -> None:
    """Set a new password with a mailed secret, and end every session and link of the person."""
    passwords.check_password(password)
    throttle.count_try("complete-reset", hash_secret(token), address)
    _complete(token, passwords.hasher().hash(password))


@transactional(practice=NO_PRACTICE)
def _complete(token: str, password_hash: str) -> None:
    credential = db.session.scalars(
        select(Credential)
        .where(
            Credential.secret_hash == hash_secret(token),
            Credential.kind == CredentialKind.RESET,
            Credential.ended_at.is_(None),
            Credential.expires_at > clock.now(),
        )
        .with_for_update()
    ).first()
    if credential is None or not is_well_formed(token, PREFIX):
        raise NotVisible(REFUSED)
    enter_practice(credential.practice_id)
    person = db.session.get_one(Person, (credential.practice_id, credential.person_id))
    person.password_hash = password_hash
    revoke_credentials(person.practice_id, person.id)
    record(Viewer(person.id, person.practice_id, PrincipalKind(person.kind)), facts.PASSWORD_CHANGED, person)
