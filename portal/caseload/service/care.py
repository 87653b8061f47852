"""Care links: which therapist cares for which client, from when to when, and handing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

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


def list_care(viewer: Viewer, client_id: str, request: ListRequest) -> Page:
    """The care links, open and ended, of a client the viewer sees."""
    access.get_visible(viewer, _client, client_id)
    page = CARE.page(viewer, request, thing_id=client_id)
    names = people.names_of(viewer.practice_id, {row["therapist_id"] for row in page.as_dicts()})
    return page.map(lambda row: _with_therapist(row, names))


def _client(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Client.id == THING).with_only_columns(Client.id)


def _with_therapist(link: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    therapist = names[link["therapist_id"]]
    return {
        "id": link["id"],
        "therapist": {"id": therapist["id"], "name": therapist["name"], "status": therapist["status"]},
        "started_at": link["started_at"],
        "ended_at": link["ended_at"],
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
    """Add a therapist to a client's care: a therapist in care may, or an owner where the client has none."""
    client = access.get_for_update(viewer, Client, policy.visible_to, client_id)
    people.require_therapist(viewer, therapist_id, "#/therapist_id")
    if _lock_link_of(viewer, client.id, therapist_id) is not None:
        msg = "This therapist already cares for this client."
        raise Conflict(msg, state="in_care", allowed=[])
    link = begin_care(viewer, client, therapist_id)
    row = {name: getattr(link, name) for name in CARE.names}
    return _with_therapist(row, people.names_of(viewer.practice_id, {therapist_id}))


@transactional
def end_care(viewer: Viewer, client_id: str, care_id: str) -> None:
    """End the viewer's care for a client; from the next request on they no longer see the client."""
    access.get_for_update(viewer, Client, policy.in_care, client_id)
    link = access.get_for_update(viewer, CareLink, policy.open_care_of, care_id)
    if link.client_id != client_id:
        raise NotVisible
    revoke_invitations(viewer, to=client_id)
    link.ended_at = clock.now()
    record(viewer, facts.CARE_ENDED, link, therapist=link.therapist_id)


@transactional
def hand_over(viewer: Viewer, client_id: str, *, therapist_id: str) -> None:
    """Hand the viewer's care for a client over to a colleague, with everything assigned through it."""
    access.get_for_update(viewer, Client, policy.in_care, client_id)
    _require_colleague(viewer, therapist_id, viewer.id)
    for link in _lock_own_links(viewer, client_id):
        _move(viewer, link, therapist_id)


def _require_colleague(viewer: Viewer, therapist_id: str, from_id: str | None) -> None:
    """Raise Invalid unless this is an active therapist of the practice, and not the one who hands over."""
    people.require_therapist(viewer, therapist_id, "#/therapist_id")
    if therapist_id == from_id:
        raise Invalid(
            Fault("already_in_care", "This therapist already cares for the client. Choose a colleague.").at(
                "#/therapist_id"
            )
        )


def _lock_own_links(viewer: Viewer, client_id: str) -> Sequence[CareLink]:
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
    """Hand every open care link of a staff member over to a colleague; returns how many."""
    access.require(policy.may_hand_over_for_others(viewer), "Only an owner hands over a colleague's caseload.")
    leaver = people.get_staff(viewer, staff_id)
    _require_colleague(viewer, therapist_id, leaver["id"])
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
class MergedCareLink:
    """A care link merged into another."""

    practice_id: str
    id: str
    client_id: str
    into: str


def _move(viewer: Viewer, link: CareLink, therapist_id: str) -> None:
    """Hand one link over; where the therapist already has one with this client, that one merges into it."""
    if link.ended_at is not None:  # merged into another one in this transaction
        return
    twin = _lock_link_of(viewer, link.client_id, therapist_id)
    left, link.therapist_id = link.therapist_id, therapist_id
    if twin is not None:
        twin.ended_at = clock.now()
        merged = MergedCareLink(link.practice_id, twin.id, link.client_id, into=link.id)
        record(viewer, facts.CARE_MERGED, merged, into=link.id)
    db.session.flush()
    revoke_invitations(viewer, to=link.client_id)
    record(viewer, facts.CARE_HANDED_OVER, link, left=left, therapist=therapist_id)


def follow_merger(entity: Any, merged: MergedCareLink) -> None:
    """Move the rows of `entity`, a mapped class with a `care_id`, to the care link that remains."""
    moved = update(entity).where(entity.practice_id == merged.practice_id, entity.care_id == merged.id)
    db.session.execute(moved.values(care_id=merged.into))


def _lock_link_of(viewer: Viewer, client_id: str, therapist_id: str) -> CareLink | None:
    """Return a therapist's open care link with a client, locked."""
    links = policy.open_links(client_id).where(CareLink.therapist_id == therapist_id)
    return db.session.scalars(links.with_for_update(key_share=True), access.binds(viewer)).first()


def list_therapists_in_care(viewer: Viewer, client_id: str) -> list[str]:
    """The ids of the therapists in a client's care who still work in the practice."""
    therapists = policy.active_links(client_id).with_only_columns(CareLink.therapist_id)
    return sorted(set(db.session.scalars(therapists, access.binds(viewer))))


def lock_care_link(viewer: Viewer, client_id: str, therapist_id: str | None = None) -> CareLink:
    """Return the viewer's open care link with a client, locked; an integration's is that of the therapist it names.

    Raises NotVisible where there is none, Invalid where the named therapist has none, or where an integration names
    no therapist and several have one.
    """
    links = _lock_own_links(viewer, client_id)
    if not links:
        raise NotVisible
    candidates = [link for link in links if therapist_id in {None, link.therapist_id}]
    if not candidates:
        raise Invalid(
            Fault(
                "not_in_care",
                "This therapist does not care for this client, or has not opted in to your integration.",
            ).at("#/therapist_id")
        )
    if viewer.is_integration and len({link.therapist_id for link in candidates}) > 1:
        raise Invalid(
            Fault("ambiguous_therapist", "Several therapists care for this client. Say which one assigns.").at(
                "#/therapist_id"
            )
        )
    return candidates[0]
