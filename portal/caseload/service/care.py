"""Care links: who cares for whom, from when to when, and handing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.accounts.service import people
from portal.accounts.service.credentials import revoke_invitations
from portal.caseload import facts, policy
from portal.caseload.models import CareLink, Client
from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Fault, Invalid, NotVisible
from portal.core.listing import Listing, ListRequest, Page
from portal.core.viewer import Viewer

CARE = Listing(
    base=lambda viewer: policy.care_visible_to(viewer).where(CareLink.client_id == THING),
    columns=(CareLink.id, CareLink.therapist_id, CareLink.started_at, CareLink.ended_at),
    filters={},
    sorts={"started_at": CareLink.started_at},
    default_sort="started_at",
    identity=CareLink.id,
    raw=False,
)


def list_care(viewer: Viewer, client_id: str, asked: ListRequest) -> Page:
    """The care team, past and present, of a client the viewer sees."""
    access.get_visible(viewer, _client, client_id)
    page = CARE.page(viewer, asked, thing_id=client_id)
    names = people.names_of(viewer.practice_id, {row["therapist_id"] for row in page.as_dicts()})
    return page.map(lambda row: _with_therapist(row, names))


def _client(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Client.id == THING).with_only_columns(Client.id)


def _with_therapist(row: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    therapist = names[row["therapist_id"]]
    return {
        "id": row["id"],
        "therapist": {"id": therapist["id"], "name": therapist["name"], "status": therapist["status"]},
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
    }


def _shown_link(link: CareLink) -> dict[str, Any]:
    therapist = people.names_of(link.practice_id, {link.therapist_id})[link.therapist_id]
    return {
        "id": link.id,
        "therapist": therapist,
        "started_at": link.started_at,
        "ended_at": link.ended_at,
    }


def begin_care(viewer: Viewer, client: Client, therapist_id: str) -> CareLink:
    """Link a therapist to a client, inside the open transaction."""
    link = CareLink(
        practice_id=viewer.practice_id, client_id=client.id, therapist_id=therapist_id, started_at=clock.now()
    )
    db.session.add(link)
    db.session.flush()
    record(viewer, facts.CARE_STARTED, link, therapist=therapist_id)
    return link


@transactional
def start_care(viewer: Viewer, client_id: str, *, therapist_id: str) -> dict[str, Any]:
    """Bring another therapist into a client's care: by one in care, or by an owner where nobody is."""
    client = access.get_for_update(viewer, Client, policy.visible_to, client_id)
    people.require_therapist(viewer, therapist_id, "#/therapist_id")
    there = db.session.scalars(
        select(CareLink.id).where(
            CareLink.practice_id == viewer.practice_id,
            CareLink.client_id == client.id,
            CareLink.therapist_id == therapist_id,
            CareLink.ended_at.is_(None),
        )
    ).first()
    if there is not None:
        msg = "This therapist already cares for this client."
        raise Conflict(msg, state="in_care", allowed=[])
    return _shown_link(begin_care(viewer, client, therapist_id))


@transactional
def end_care(viewer: Viewer, client_id: str, care_id: str) -> None:
    """End one's own care for a client; sight ends with it, on the next request."""
    access.get_for_update(viewer, Client, policy.in_care, client_id)
    link = access.get_for_update(viewer, CareLink, policy.open_care_of, care_id)
    if link.client_id != client_id:
        raise NotVisible
    revoke_invitations(viewer, to=client_id)
    link.ended_at = clock.now()
    record(viewer, facts.CARE_ENDED, link, therapist=link.therapist_id)


@transactional
def hand_over(viewer: Viewer, client_id: str, *, therapist_id: str) -> None:
    """Move one's own care for a client to a colleague, with everything assigned through it."""
    access.get_for_update(viewer, Client, policy.in_care, client_id)
    _require_another(viewer, therapist_id, viewer.id)
    for link in _own_links(viewer, client_id):
        _move(viewer, link, therapist_id)


def _require_another(viewer: Viewer, therapist_id: str, giver_id: str | None) -> None:
    """Raise Invalid where this is no active therapist of the practice, or the one who hands over."""
    people.require_therapist(viewer, therapist_id, "#/therapist_id")
    if therapist_id == giver_id:
        raise Invalid(Fault("invalid", "This is who cares for them already. Choose a colleague.").at("#/therapist_id"))


def _own_links(viewer: Viewer, client_id: str) -> Sequence[CareLink]:
    """The viewer's open care links with a client, the oldest first, locked."""
    return db.session.scalars(
        policy.open_care_of(viewer)
        .where(CareLink.client_id == THING)
        .order_by(CareLink.started_at, CareLink.id)
        .with_for_update(key_share=True),
        access.binds(viewer, thing_id=client_id),
    ).all()


@transactional
def hand_over_caseload(viewer: Viewer, staff_id: str, *, therapist_id: str) -> dict[str, Any]:
    """Move every open care link of a member of the staff to a colleague; returns how many."""
    access.require(policy.may_hand_over_for_others(viewer), "Only an owner hands over a colleague's caseload.")
    leaver = people.get_staff(viewer, staff_id)
    _require_another(viewer, therapist_id, leaver["id"])
    links = db.session.scalars(
        select(CareLink)
        .where(
            CareLink.practice_id == viewer.practice_id,
            CareLink.therapist_id == leaver["id"],
            CareLink.ended_at.is_(None),
        )
        .order_by(CareLink.client_id, CareLink.started_at, CareLink.id)  # as whoever assigns to many locks them
        .with_for_update(key_share=True)
    ).all()
    for link in links:
        _move(viewer, link, therapist_id)
    return {"moved": len(links)}


@dataclass(frozen=True, slots=True)
class MergedCare:
    """A care link that went up in another one of the same therapist."""

    practice_id: str
    id: str
    client_id: str
    into: str


def _move(viewer: Viewer, link: CareLink, therapist_id: str) -> None:
    """Hand one link over; where the therapist already has one with this client, the two become one."""
    if link.ended_at is not None:  # it went up in another one just now
        return
    twin = db.session.scalars(
        select(CareLink)
        .where(
            CareLink.practice_id == link.practice_id,
            CareLink.client_id == link.client_id,
            CareLink.therapist_id == therapist_id,
            CareLink.id != link.id,
            CareLink.ended_at.is_(None),
        )
        .with_for_update(key_share=True)
    ).first()
    left, link.therapist_id = link.therapist_id, therapist_id
    if twin is not None:
        twin.ended_at = clock.now()
        record(viewer, facts.CARE_MERGED, MergedCare(link.practice_id, twin.id, link.client_id, link.id), into=link.id)
    db.session.flush()
    revoke_invitations(viewer, to=link.client_id)
    record(viewer, facts.CARE_HANDED_OVER, link, left=left, therapist=therapist_id)


def own_care(viewer: Viewer, client_id: str, therapist_id: str | None = None) -> CareLink:
    """The viewer's open care link with a client, locked; an integration's, the one of the therapist it names.

    Raises NotVisible where there is none, Invalid where the therapist named is not one of them, or none is named
    and there are several.
    """
    links = _own_links(viewer, client_id)
    if not links:
        raise NotVisible
    named = [link for link in links if therapist_id in {None, link.therapist_id}]
    if not named:
        raise Invalid(
            Fault("invalid", "This therapist does not care for this client, or not through you.").at("#/therapist_id")
        )
    if viewer.is_integration and len({link.therapist_id for link in named}) > 1:
        raise Invalid(
            Fault("invalid", "Several therapists care for this client. Say for whom you assign.").at("#/therapist_id")
        )
    return named[0]
