"""Routes of clients, care and notes."""

from __future__ import annotations

from typing import Any

from portal.accounts.schemas.invitation import InvitationSchema
from portal.accounts.service import people
from portal.caseload import schemas
from portal.caseload.service import care, clients, notes, opt_ins
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.http.blueprint import Blueprint
from portal.http.paging import asked
from portal.http.preconditions import expected_version
from portal.http.request import viewer

staff = Blueprint("caseload_staff", __name__, tag="Caseload")


@staff.route("/clients", scope="clients:read")
@staff.arguments(schemas.ClientQuerySchema(), location="query")
@staff.lists(schemas.ClientSchema(), refuses=[Invalid])
def list_clients(query: dict[str, Any]) -> Any:
    """List clients

    Clients in your care. Owners also see the names of the others.
    """
    return clients.list_clients(viewer(), asked(viewer(), query), query.get("q"))


@staff.route("/clients", methods=["POST"])
@staff.arguments(schemas.CreateClientSchema())
@staff.response(201, schemas.CreatedClientSchema(), refuses=[Forbidden])
def create_client(sent: dict[str, Any]) -> Any:
    """Create a client

    Invites a new client, who is then in your care. The code or link in the response is returned only once.
    """
    return clients.create_client(viewer(), **sent)


@staff.route("/clients/<id:client_id>", scope="clients:read")
@staff.response(200, schemas.ClientSchema())
def get_client(client_id: str) -> Any:
    """Get a client"""
    return clients.get_client(viewer(), client_id)


@staff.route("/clients/<id:client_id>", methods=["PATCH"], scope="clients:write")
@staff.changes_content
@staff.arguments(schemas.ChangeClientSchema())
@staff.response(200, schemas.ClientSchema())
def change_client(sent: dict[str, Any], client_id: str) -> Any:
    """Update a client

    Changes the name or the time zone.
    """
    return clients.change_client(viewer(), client_id, expected_version(), **sent)


@staff.route("/clients/<id:client_id>/invitation", methods=["POST"])
@staff.arguments(schemas.InviteClientAgainSchema())
@staff.response(201, InvitationSchema(), refuses=[Conflict])
def invite_client_again(sent: dict[str, Any], client_id: str) -> Any:
    """Invite a client again

    Creates a new link and a new code, returned only once. Earlier ones stop working.
    """
    return clients.invite_again(viewer(), client_id, **sent)


@staff.route("/clients/<id:client_id>/archive", methods=["POST"], scope="clients:write")
@staff.repeatable(clients.require_in_care)
@staff.response(200, schemas.ClientSchema())
def archive_client(client_id: str) -> Any:
    """Archive a client

    Open assignments are frozen until the client is restored.
    """
    return clients.archive(viewer(), client_id)


@staff.route("/clients/<id:client_id>/restore", methods=["POST"], scope="clients:write")
@staff.repeatable(clients.require_in_care)
@staff.response(200, schemas.ClientSchema())
def restore_client(client_id: str) -> Any:
    """Restore a client"""
    return clients.restore(viewer(), client_id)


@staff.route("/clients/<id:client_id>/care", scope="clients:read")
@staff.arguments(schemas.CareQuerySchema(), location="query")
@staff.lists(schemas.CareLinkSchema())
def list_care(query: dict[str, Any], client_id: str) -> Any:
    """List the care team of a client

    Present and former therapists.
    """
    return care.list_care(viewer(), client_id, asked(viewer(), query))


@staff.route("/clients/<id:client_id>/care", methods=["POST"])
@staff.repeatable(clients.get_client)
@staff.arguments(schemas.ChooseTherapistSchema())
@staff.response(201, schemas.CareLinkSchema(), refuses=[Conflict])
def start_care(sent: dict[str, Any], client_id: str) -> Any:
    """Add a therapist to the care team"""
    return care.start_care(viewer(), client_id, **sent)


@staff.route("/clients/<id:client_id>/care/<id:care_id>/end", methods=["POST"])
@staff.repeatable(clients.get_client)
@staff.response(204)
def end_care(client_id: str, care_id: str) -> None:
    """End your care for a client

    Ends your own care link: from the next request on you no longer see the client. To pass your work on, hand over
    instead.
    """
    care.end_care(viewer(), client_id, care_id)


@staff.route("/clients/<id:client_id>/hand-over", methods=["POST"])
@staff.repeatable(clients.get_client)
@staff.arguments(schemas.ChooseTherapistSchema())
@staff.response(204)
def hand_over_client(sent: dict[str, Any], client_id: str) -> None:
    """Hand over a client

    Your care link and its assignments go to a colleague.
    """
    care.hand_over(viewer(), client_id, **sent)


@staff.route("/staff/<id:person_id>/hand-over", methods=["POST"])
@staff.repeatable(people.get_staff)
@staff.arguments(schemas.ChooseTherapistSchema())
@staff.response(200, schemas.HandOverResultSchema(), refuses=[Forbidden])
def hand_over_caseload(sent: dict[str, Any], person_id: str) -> Any:
    """Hand over a caseload

    Every client of this therapist goes to a colleague. Owners only.
    """
    return care.hand_over_caseload(viewer(), person_id, **sent)


@staff.route("/clients/<id:client_id>/notes")
@staff.arguments(schemas.NoteQuerySchema(), location="query")
@staff.lists(schemas.NoteSchema())
def list_notes(query: dict[str, Any], client_id: str) -> Any:
    """List your notes on a client

    Private notes: each author sees only their own.
    """
    return notes.list_notes(viewer(), client_id, asked(viewer(), query))


@staff.route("/clients/<id:client_id>/notes", methods=["POST"])
@staff.repeatable(clients.require_in_care)
@staff.arguments(schemas.AddNoteSchema())
@staff.response(201, schemas.NoteSchema())
def add_note(sent: dict[str, Any], client_id: str) -> Any:
    """Add a note

    Private: only you can read it.
    """
    return notes.add_note(viewer(), client_id, **sent)


@staff.route("/invitations/<id:invitation_id>/resend", methods=["POST"])
@staff.response(201, InvitationSchema(), refuses=[Conflict])
def resend_invitation(invitation_id: str) -> Any:
    """Resend an invitation

    Creates a new link. The earlier one stops working.
    """
    return clients.resend_invitation(viewer(), invitation_id)


@staff.route("/invitations/<id:invitation_id>", methods=["DELETE"])
@staff.response(204, refuses=[Conflict])
def revoke_invitation(invitation_id: str) -> None:
    """Revoke an invitation

    Its link stops working.
    """
    clients.revoke_invitation(viewer(), invitation_id)


@staff.route("/integrations/<id:integration_id>/caseload")
@staff.response(200, schemas.CaseloadOptInSchema(), refuses=[Forbidden])
def get_opt_in(integration_id: str) -> Any:
    """Get the access of an integration to your caseload"""
    return opt_ins.get_opt_in(viewer(), integration_id)


@staff.route("/integrations/<id:integration_id>/caseload", methods=["PUT"])
@staff.response(200, schemas.CaseloadOptInSchema(), refuses=[Conflict, Forbidden])
def opt_in(integration_id: str) -> Any:
    """Give an integration access to your caseload

    Within its scopes. Only a therapist can decide this for their own caseload.
    """
    return opt_ins.opt_in(viewer(), integration_id)


@staff.route("/integrations/<id:integration_id>/caseload", methods=["DELETE"])
@staff.response(204, refuses=[Forbidden])
def opt_out(integration_id: str) -> None:
    """End the access of an integration to your caseload"""
    opt_ins.opt_out(viewer(), integration_id)
