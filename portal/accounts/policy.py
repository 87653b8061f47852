"""Who sees which people, invitations and sessions, and who may change them."""

from __future__ import annotations

from sqlalchemy import Select, bindparam, select

from portal.accounts.models import Credential, CredentialKind, Integration, Invitation, Person, Practice
from portal.core.access import NOBODY, NOW, PRACTICE, VIEWER
from portal.core.db.tables import Instant
from portal.core.viewer import Viewer

IDLE_SINCE = bindparam("idle_since", type_=Instant())


def practice_visible_to(viewer: Viewer) -> Select[Practice]:
    """The viewer's own practice."""
    return select(Practice).where(Practice.id == PRACTICE)


def visible_to(viewer: Viewer) -> Select[Person]:
    """Staff see the staff of their practice, a client only themself. Clients are visible through the caseload."""
    people = select(Person).where(Person.practice_id == PRACTICE)
    if viewer.is_staff:
        return people.where(Person.kind == "staff")
    return people.where(Person.id == VIEWER)


def staff_invitations_visible_to(viewer: Viewer) -> Select[Invitation]:
    """An owner sees the invitations to staff. Those to clients are visible through the caseload."""
    invitations = select(Invitation).where(Invitation.practice_id == PRACTICE)
    if not may_manage_practice(viewer):
        return invitations.where(NOBODY)
    return invitations.where(
        select(Person.id)
        .where(Person.practice_id == PRACTICE, Person.id == Invitation.person_id, Person.kind == "staff")
        .exists()
    )


def sessions_visible_to(viewer: Viewer) -> Select[Credential]:
    """The viewer's own sessions that have not ended, not expired and been used since IDLE_SINCE."""
    return select(Credential).where(
        Credential.practice_id == PRACTICE,
        Credential.person_id == VIEWER,
        Credential.kind == CredentialKind.SESSION,
        Credential.ended_at.is_(None),
        Credential.expires_at > NOW,
        Credential.last_used_at > IDLE_SINCE,
    )


def integrations_visible_to(viewer: Viewer) -> Select[Integration]:
    """Staff see the integrations of their practice; an integration sees itself."""
    integrations = select(Integration).where(Integration.practice_id == PRACTICE)
    if viewer.is_staff:
        return integrations
    return integrations.where(Integration.id == VIEWER)


def may_manage_practice(viewer: Viewer) -> bool:
    """Owners manage settings, staff, invitations to staff and integrations."""
    return viewer.is_staff and viewer.owner
