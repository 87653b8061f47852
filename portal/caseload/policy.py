"""Who sees which clients: therapists those in their care; an owner, by name alone, those nobody cares for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from portal.accounts import policy as accounts
from portal.accounts.models import Invitation, Person
from portal.caseload.models import CareLink, Client, Note
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.viewer import Viewer


def in_care_of_viewer(client_id: Any) -> ColumnElement[bool]:
    """Whether the viewer is the therapist of a care link with this client that has not ended."""
    return (
        select(CareLink.id)
        .where(
            CareLink.practice_id == PRACTICE,
            CareLink.client_id == client_id,
            CareLink.therapist_id == VIEWER,
            CareLink.ended_at.is_(None),
        )
        .exists()
    )


def _cared_for(client_id: Any) -> ColumnElement[bool]:
    """Whether any therapist who still works here has an open care link with this client."""
    return (
        select(CareLink.id)
        .join(Person, (Person.practice_id == CareLink.practice_id) & (Person.id == CareLink.therapist_id))
        .where(
            CareLink.practice_id == PRACTICE,
            CareLink.client_id == client_id,
            CareLink.ended_at.is_(None),
            Person.deactivated_at.is_(None),
            Person.therapist,
        )
        .exists()
    )


def in_care(viewer: Viewer) -> Select[Client]:
    """The clients whose clinical side the viewer may see."""
    clients = select(Client).where(Client.practice_id == PRACTICE)
    if viewer.is_staff and viewer.therapist:
        return clients.where(in_care_of_viewer(Client.id))
    return clients.where(NOBODY)


def visible_to(viewer: Viewer) -> Select[Client]:
    """Those in the viewer's care; for an owner also those without a therapist (name and care team only)."""
    clients = select(Client).where(Client.practice_id == PRACTICE)
    if viewer.is_client:
        return clients.where(Client.id == VIEWER)
    seen: list[ColumnElement[bool]] = []
    if viewer.is_staff and viewer.therapist:
        seen.append(in_care_of_viewer(Client.id))
    if viewer.is_staff and viewer.owner:
        seen.append(~_cared_for(Client.id))
    return clients.where(or_(*seen) if seen else NOBODY)


def care_visible_to(viewer: Viewer) -> Select[CareLink]:
    """The care links, open and ended, of every client the viewer sees."""
    clients = visible_to(viewer).with_only_columns(Client.id).where(Client.id == CareLink.client_id)
    return select(CareLink).where(CareLink.practice_id == PRACTICE, clients.exists())


def open_care_of(viewer: Viewer) -> Select[CareLink]:
    """The viewer's own care links that have not ended."""
    links = select(CareLink).where(CareLink.practice_id == PRACTICE)
    if viewer.is_staff and viewer.therapist:
        return links.where(CareLink.therapist_id == VIEWER, CareLink.ended_at.is_(None))
    return links.where(NOBODY)


def invitations_visible_to(viewer: Viewer) -> Select[Invitation]:
    """Those to clients in one's care who may still come in; an owner's also those to staff."""
    own = select(Invitation.id).where(Invitation.practice_id == PRACTICE, in_care_of_viewer(Invitation.person_id))
    if not (viewer.is_staff and viewer.therapist):
        own = own.where(NOBODY)
    to_staff = accounts.staff_invitations_visible_to(viewer).with_only_columns(Invitation.id)
    return select(Invitation).where(
        Invitation.practice_id == PRACTICE, Invitation.id.in_(own) | Invitation.id.in_(to_staff)
    )


def notes_visible_to(viewer: Viewer) -> Select[Note]:
    """A note is its author's, and only while the client is in their care."""
    notes = select(Note).where(Note.practice_id == PRACTICE)
    if viewer.is_staff and viewer.therapist:
        return notes.where(Note.author_id == VIEWER, in_care_of_viewer(Note.client_id))
    return notes.where(NOBODY)


def may_take_on_clients(viewer: Viewer) -> bool:
    """Only a therapist brings a client in."""
    return viewer.is_staff and viewer.therapist


def may_hand_over_for_others(viewer: Viewer) -> bool:
    """Moving a colleague's whole caseload is the owner's."""
    return viewer.is_staff and viewer.owner
