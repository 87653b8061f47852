"""Who sees which clients: therapists those in their care; owners, by name only, those without a therapist."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from portal.accounts import policy as accounts
from portal.accounts.models import Invitation, Person
from portal.caseload.models import CareLink, Client, Note, OptIn
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.viewer import Viewer


def open_links(client_id: Any) -> Select[CareLink]:
    """The care links with this client that have not ended."""
    return select(CareLink).where(
        CareLink.practice_id == PRACTICE, CareLink.client_id == client_id, CareLink.ended_at.is_(None)
    )


def active_links(client_id: Any) -> Select[CareLink]:
    """The open care links with this client whose therapist still works in the practice."""
    return (
        open_links(client_id)
        .join(Person, (Person.practice_id == CareLink.practice_id) & (Person.id == CareLink.therapist_id))
        .where(Person.deactivated_at.is_(None), Person.therapist)
    )


def _exists(links: Select[CareLink]) -> ColumnElement[bool]:
    return links.with_only_columns(CareLink.id).exists()


def is_cared_for(client_id: Any) -> ColumnElement[bool]:
    """Whether any therapist who still works in the practice has an open care link with this client."""
    return _exists(active_links(client_id))


def in_care_of_viewer(client_id: Any) -> ColumnElement[bool]:
    """Whether the viewer has an open care link with this client."""
    return _exists(open_links(client_id).where(CareLink.therapist_id == VIEWER))


def opted_in(therapist_id: Any) -> ColumnElement[bool]:
    """Whether a therapist has opted in to the viewer, an integration."""
    return (
        select(OptIn.id)
        .where(OptIn.practice_id == PRACTICE, OptIn.integration_id == VIEWER, OptIn.therapist_id == therapist_id)
        .exists()
    )


def opt_ins_for_integration() -> Select[OptIn]:
    """The opt-ins of therapists to the viewer, an integration."""
    return select(OptIn).where(OptIn.practice_id == PRACTICE, OptIn.integration_id == VIEWER)


def in_sight_of_integration(client_id: Any) -> ColumnElement[bool]:
    """Whether a therapist who opted in has an open care link with this client."""
    return _exists(open_links(client_id).where(opted_in(CareLink.therapist_id)))


def in_care(viewer: Viewer) -> Select[Client]:
    """The clients whose clinical side the viewer may see."""
    clients = select(Client).where(Client.practice_id == PRACTICE)
    if viewer.is_staff and viewer.therapist:
        return clients.where(in_care_of_viewer(Client.id))
    if viewer.is_integration:
        return clients.where(in_sight_of_integration(Client.id))
    return clients.where(NOBODY)


def visible_to(viewer: Viewer) -> Select[Client]:
    """Therapists see the clients in their care, owners also those without a therapist (name and care team only).

    Integrations see those in the care of therapists who opted in, clients themselves.
    """
    clients = select(Client).where(Client.practice_id == PRACTICE)
    if viewer.is_client:
        return clients.where(Client.id == VIEWER)
    if viewer.is_integration:
        return in_care(viewer)
    conditions: list[ColumnElement[bool]] = []
    if viewer.is_staff and viewer.therapist:
        conditions.append(in_care_of_viewer(Client.id))
    if viewer.is_staff and viewer.owner:
        conditions.append(~is_cared_for(Client.id))
    return clients.where(or_(*conditions) if conditions else NOBODY)


def care_visible_to(viewer: Viewer) -> Select[CareLink]:
    """The care links, open and ended, of every client the viewer sees."""
    clients = visible_to(viewer).with_only_columns(Client.id).where(Client.id == CareLink.client_id)
    return select(CareLink).where(CareLink.practice_id == PRACTICE, clients.exists())


def open_care_of(viewer: Viewer) -> Select[CareLink]:
    """The viewer's own open care links; for an integration, those of therapists who opted in."""
    links = select(CareLink).where(CareLink.practice_id == PRACTICE)
    if viewer.is_staff and viewer.therapist:
        return links.where(CareLink.therapist_id == VIEWER, CareLink.ended_at.is_(None))
    if viewer.is_integration:
        return links.where(CareLink.ended_at.is_(None), opted_in(CareLink.therapist_id))
    return links.where(NOBODY)


def opt_ins_visible_to(viewer: Viewer) -> Select[OptIn]:
    """The viewer's own opt-ins."""
    return select(OptIn).where(OptIn.practice_id == PRACTICE, OptIn.therapist_id == VIEWER)


def invitations_visible_to(viewer: Viewer) -> Select[Invitation]:
    """A therapist sees the invitations of clients in their care, an owner also those of staff."""
    own = select(Invitation.id).where(Invitation.practice_id == PRACTICE, in_care_of_viewer(Invitation.person_id))
    if not (viewer.is_staff and viewer.therapist):
        own = own.where(NOBODY)
    to_staff = accounts.staff_invitations_visible_to(viewer).with_only_columns(Invitation.id)
    return select(Invitation).where(
        Invitation.practice_id == PRACTICE, Invitation.id.in_(own) | Invitation.id.in_(to_staff)
    )


def notes_visible_to(viewer: Viewer) -> Select[Note]:
    """Authors see their own notes, while the client is in their care."""
    notes = select(Note).where(Note.practice_id == PRACTICE)
    if viewer.is_staff and viewer.therapist:
        return notes.where(Note.author_id == VIEWER, in_care_of_viewer(Note.client_id))
    return notes.where(NOBODY)


def may_create_clients(viewer: Viewer) -> bool:
    """Only a therapist may create clients."""
    return viewer.is_staff and viewer.therapist


def may_name_clients(viewer: Viewer) -> bool:
    """Staff may read the name of every client they see, an integration only with the scope clients:read."""
    return viewer.is_staff or viewer.holds("clients:read")


def may_opt_in(viewer: Viewer) -> bool:
    """Only a therapist may opt in, for their own caseload."""
    return viewer.is_staff and viewer.therapist


def may_hand_over_for_others(viewer: Viewer) -> bool:
    """Only an owner may hand over a colleague's caseload."""
    return viewer.is_staff and viewer.owner
