"""Issue and revoke credentials; revoke invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from portal.accounts import facts
from portal.accounts.models import Credential, CredentialKind, Invitation, Person
from portal.accounts.secrets import generate_secret
from portal.core import clock
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.statements import execute
from portal.core.db.transactions import transactional
from portal.core.ids import new_id
from portal.core.viewer import Viewer


def issue_credential(
    practice_id: str,
    person_id: str | None,
    kind: CredentialKind,
    prefix: str,
    lifetime: timedelta,
    *,
    integration_id: str | None = None,
) -> tuple[str, Credential]:
    """Insert a credential of a person or an integration in the open transaction; returns its secret and its row.

    Only the secret's hash is stored.
    """
    secret, secret_hash = generate_secret(prefix)
    now = clock.now()
    row = {
        "practice_id": practice_id,
        "id": new_id(),
        "kind": kind,
        "person_id": person_id,
        "integration_id": integration_id,
        "secret_hash": secret_hash,
        "created_at": now,
        "last_used_at": now,
        "expires_at": now + lifetime,
    }
    execute(_insert_credential, row)
    return secret, Credential(**row)


def _insert_credential() -> Any:
    return insert(Credential).values({name: bindparam(name) for name in _COLUMNS})


_COLUMNS = (
    "practice_id",
    "id",
    "kind",
    "person_id",
    "integration_id",
    "secret_hash",
    "created_at",
    "last_used_at",
    "expires_at",
)


@transactional
def revoke_credentials(
    practice_id: str, person_id: str, *, except_id: str | None = None, kind: CredentialKind | None = None
) -> None:
    """Revoke a person's credentials (all, or those of one kind), from their next request on."""
    ended = update(Credential).where(
        Credential.practice_id == practice_id, Credential.person_id == person_id, Credential.ended_at.is_(None)
    )
    if except_id is not None:
        ended = ended.where(Credential.id != except_id)
    if kind is not None:
        ended = ended.where(Credential.kind == kind)
    db.session.execute(ended.values(ended_at=clock.now()))


@transactional
def revoke_invitations(viewer: Viewer, *, to: str | None = None, sent_by: str | None = None) -> None:
    """Revoke every open invitation to a person, or by somebody who may no longer invite anyone."""
    still_open = select(Invitation).where(
        Invitation.practice_id == viewer.practice_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.person_id == to if to is not None else Invitation.invited_by == sent_by,
    )
    for invitation in db.session.scalars(still_open.with_for_update()).all():
        revoke_invitation(viewer, invitation)


@transactional
def record_use(practice_id: str, credential_id: str) -> None:
    """Record that a credential was just used; callers do so once a minute at most."""
    db.session.execute(
        update(Credential)
        .where(Credential.practice_id == practice_id, Credential.id == credential_id)
        .values(last_used_at=clock.now())
    )


def revoke_invitation(viewer: Viewer, invitation: Invitation) -> None:
    """Revoke one open invitation and its link, inside the open transaction."""
    invitation.revoked_at = clock.now()
    db.session.flush()
    revoke_credentials(invitation.practice_id, invitation.person_id, kind=CredentialKind.INVITATION)
    person = db.session.get_one(Person, (invitation.practice_id, invitation.person_id))
    record(viewer, facts.INVITATION_REVOKED, invitation, client_id=person.client_id)
