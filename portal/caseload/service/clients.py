"""Create, invite, read, change, archive and restore clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from portal.accounts.models import Invitation, Person, Practice
from portal.accounts.service import invitations, people
from portal.caseload import facts, policy
from portal.caseload.models import Client
from portal.caseload.service.care import begin_care
from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.crypto import DataKey, unwrap_vault
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Fault, Invalid, Malformed, Stale
from portal.core.listing import Listing, ListRequest, Page, condition
from portal.core.viewer import Viewer

MAX_NAMES = 2_000
"""How many encrypted names are decrypted to search or sort by name; a list that is longer is refused."""


def _in_care() -> ColumnElement[bool]:
    return policy.in_care_of_viewer(Client.id) | policy.in_sight_of_integration(Client.id)


IN_CARE = _in_care().label("in_care")


def _with_person(viewer: Viewer) -> AnySelect:
    return (
        policy.visible_to(viewer)
        .join(Person, (Person.practice_id == Client.practice_id) & (Person.id == Client.id))
        .join(DataKey, (DataKey.practice_id == Client.practice_id) & (DataKey.subject_id == Client.id))
    )


CLIENTS = Listing(
    base=_with_person,
    columns=(
        Client.id,
        Client.practice_id,
        Client.created_at,
        Client.archived_at,
        Person.name,
        Person.mail_address,
        Person.time_zone,
        Person.version,
        Person.activated_at,
        IN_CARE,
        DataKey.keyring_version,
        DataKey.wrapped,
    ),
    filters={
        "archived": condition(lambda: Client.archived_at.is_not(None), among=_in_care),
        "activated": condition(lambda: Person.activated_at.is_not(None), among=_in_care),
    },
    sorts={"created_at": Client.created_at},
    default_sort="-created_at",
    identity=Client.id,
    raw=False,
)


def _decrypted(row: Mapping[str, Any]) -> dict[str, Any]:
    """A client as the viewer may see them: only the name where they are not in the viewer's care."""
    sealed = unwrap_vault(row["practice_id"], row["id"], row["keyring_version"], row["wrapped"])
    client = {
        "id": row["id"],
        "name": sealed.open_text(Person.name, row["id"], row["name"]),
        "email": None,
        "time_zone": None,
        "status": None,
        "in_care": bool(row["in_care"]),
        "archived_at": None,
        "created_at": row["created_at"],
        "version": row["version"],
    }
    if row["in_care"]:
        status = "archived" if row["archived_at"] else "active" if row["activated_at"] else "invited"
        client |= {
            "email": sealed.open_text(Person.mail_address, row["id"], row["mail_address"]),
            "time_zone": row["time_zone"],
            "status": status,
            "archived_at": row["archived_at"],
        }
    return client


def list_clients(viewer: Viewer, request: ListRequest, q: str | None = None) -> Page:
    """The clients the viewer sees; `q` finds a part of the name.

    Raises Invalid where a list of more than MAX_NAMES is searched or sorted by name, since names are encrypted.
    """
    if q is None and request.sort.lstrip("-") != "name":
        return CLIENTS.page(viewer, request).map(_decrypted)
    everyone = CLIENTS.page(viewer, replace(request, sort="", limit=MAX_NAMES, after=None)).map(_decrypted)
    if everyone.following is not None:
        raise Invalid(
            Fault(
                "too_many_names",
                "Names are encrypted, so at most {maximum} clients can be searched or sorted by name. "
                "Narrow the list with a filter first.",
                maximum=MAX_NAMES,
            ).at("#/q")
        )
    return _by_name(everyone, request, (q or "").casefold())


def _by_name(everyone: Page, request: ListRequest, part: str) -> Page:
    rows = [row for row in everyone.as_dicts() if part in row["name"].casefold()]
    rows.sort(key=lambda row: (row["name"].casefold(), row["id"]), reverse=request.sort.startswith("-"))
    start = 0
    if request.after is not None:
        positions = [index for index, row in enumerate(rows) if row["id"] == request.after[1]]
        if not positions:
            msg = "The list has changed since this cursor was issued. Start again without a cursor."
            raise Malformed(msg)
        start = positions[0] + 1
    page = rows[start : start + request.limit]
    following = ("", page[-1]["id"]) if start + request.limit < len(rows) else None
    total = len(rows) if request.include_total else None
    return Page(page, None, following, total)


def get_client(viewer: Viewer, client_id: str) -> dict[str, Any]:
    row = access.get_visible(viewer, _client, client_id)
    return _decrypted(row)


def _client(viewer: Viewer) -> AnySelect:
    return _with_person(viewer).where(Client.id == THING).with_only_columns(*CLIENTS.columns)


@transactional
def create_client(
    viewer: Viewer, *, name: str, email: str, time_zone: str | None = None, delivery: str = "mail"
) -> dict[str, Any]:
    """Create a client in the viewer's care, together with an invitation.

    The response is the same whether or not the address is known to the practice.
    """
    access.require(policy.may_create_clients(viewer), "Only a therapist may create clients.")
    zone = time_zone or db.session.get_one(Practice, viewer.practice_id).time_zone
    person = people.add_person(viewer, kind="client", name=name, email=email, time_zone=zone)
    client = Client(practice_id=viewer.practice_id, id=person.id, created_at=clock.now())
    db.session.add(client)
    db.session.flush()
    begin_care(viewer, client, viewer.id or "")
    invitation = invitations.create_invitation(viewer, person, delivery, with_code=True)
    record(viewer, facts.CLIENT_INVITED, client)
    return {**get_client(viewer, client.id), "invitation": invitation}


@transactional
def invite_again(viewer: Viewer, client_id: str, *, delivery: str = "mail") -> dict[str, Any]:
    """Replace the invitation of a client who has not accepted yet with a new one."""
    client = access.get_for_update(viewer, Client, policy.in_care, client_id)
    person = db.session.get_one(Person, (viewer.practice_id, client.id))
    if person.activated_at is not None:
        msg = "This client has already accepted an invitation."
        raise Conflict(msg, state="active", allowed=[])
    record(viewer, facts.CLIENT_INVITED, client)
    return invitations.create_invitation(viewer, person, delivery, with_code=True)


@transactional
def resend_invitation(viewer: Viewer, invitation_id: str) -> dict[str, Any]:
    """Send an invitation again, with a new link and, for a client, a new code; the old ones stop working."""
    return invitations.resend(
        viewer, access.get_for_update(viewer, Invitation, policy.invitations_visible_to, invitation_id)
    )


@transactional
def revoke_invitation(viewer: Viewer, invitation_id: str) -> None:
    """Revoke an invitation; its link stops working at once."""
    invitations.revoke(viewer, access.get_for_update(viewer, Invitation, policy.invitations_visible_to, invitation_id))


@transactional
def change_client(viewer: Viewer, client_id: str, expected: int, **changes: Any) -> dict[str, Any]:
    """Change a client's name or time zone."""
    client = access.get_for_update(viewer, Client, policy.in_care, client_id)
    person = db.session.get_one(Person, (viewer.practice_id, client.id), with_for_update={"key_share": True})
    if person.version != expected:
        raise Stale(get_client(viewer, client_id))
    people.apply_changes(viewer, person, **changes)
    record(viewer, facts.CLIENT_CHANGED, client, changed=sorted(changes))
    return get_client(viewer, client_id)


@transactional
def archive(viewer: Viewer, client_id: str) -> dict[str, Any]:
    """Archive a client: what is open is frozen until they are restored."""
    client = access.get_for_update(viewer, Client, policy.in_care, client_id)
    if client.archived_at is None:
        client.archived_at = clock.now()
        db.session.flush()
        record(viewer, facts.CLIENT_ARCHIVED, client)
    return get_client(viewer, client_id)


@transactional
def restore(viewer: Viewer, client_id: str) -> dict[str, Any]:
    """Restore an archived client: what was open goes on as it was."""
    client = access.get_for_update(viewer, Client, policy.in_care, client_id)
    if client.archived_at is not None:
        client.archived_at = None
        db.session.flush()
        record(viewer, facts.CLIENT_RESTORED, client)
    return get_client(viewer, client_id)


def require_in_care(viewer: Viewer, client_id: str) -> None:
    """Raise NotVisible unless the client is in the viewer's care."""
    access.get_visible(viewer, _client_in_care, client_id)


def _client_in_care(viewer: Viewer) -> AnySelect:
    return policy.in_care(viewer).where(Client.id == THING).with_only_columns(Client.id)
