"""Who sees which people, invitations and sessions, and who may change them."""

from __future__ import annotations

from sqlalchemy import Select, or_, select

from portal.accounts.models import Credential, CredentialKind, Invitation, Person, Practice
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.viewer import Viewer


def practice_visible_to(viewer: Viewer) -> Select[Practice]:
    """Everyone who belongs to it."""
    return select(Practice).where(Practice.id == PRACTICE)


def visible_to(viewer: Viewer) -> Select[Person]:
    """Staff see the staff of their practice; a client sees only themself. Clients are seen through caseload."""
    people = select(Person).where(Person.practice_id == PRACTICE)
    if viewer.is_staff:
        return people.where(Person.kind == "staff")
    return people.where(Person.id == VIEWER)


def invitations_visible_to(viewer: Viewer) -> Select[Invitation]:
    """Staff see the invitations they sent; an owner also those to staff."""
    invitations = select(Invitation).where(Invitation.practice_id == PRACTICE)
    if not viewer.is_staff:
        return invitations.where(NOBODY)
    if not viewer.owner:
        return invitations.where(Invitation.invited_by == VIEWER)
    invited_staff = (
        select(Person.id)
        .where(Person.practice_id == PRACTICE, Person.id == Invitation.person_id, Person.kind == "staff")
        .exists()
    )
    return invitations.where(or_(Invitation.invited_by == VIEWER, invited_staff))


def sessions_visible_to(viewer: Viewer) -> Select[Credential]:
    """One's own, as long as they have not ended."""
    return select(Credential).where(
        Credential.practice_id == PRACTICE,
        Credential.person_id == VIEWER,
        Credential.kind == CredentialKind.SESSION,
        Credential.ended_at.is_(None),
    )


def may_run_the_practice(viewer: Viewer) -> bool:
    """Settings, staff and invitations to staff are the owner's."""
    return viewer.is_staff and viewer.owner
