"""Routes of clients, care and notes."""

from __future__ import annotations

from typing import Any

from portal.accounts.schemas import InvitationSchema
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
    """List the clients one sees"""
    return clients.list_clients(viewer(), asked(viewer(), query), query.get("q"))


@staff.route("/clients", methods=["POST"])
@staff.arguments(schemas.CreateClientSchema())
@staff.response(201, schemas.CreatedClientSchema(), refuses=[Forbidden])
def create_client(sent: dict[str, Any]) -> Any:
    """Take a client on and invite them"""
    return clients.create_client(viewer(), **sent)


@staff.route("/clients/<id:client_id>", scope="clients:read")
@staff.response(200, schemas.ClientSchema())
def get_client(client_id: str) -> Any:
    """Read about a client"""
    return clients.get_client(viewer(), client_id)


@staff.route("/clients/<id:client_id>", methods=["PATCH"], scope="clients:write")
@staff.changes_content
@staff.arguments(schemas.ChangeClientSchema())
@staff.response(200, schemas.ClientSchema())
def change_client(sent: dict[str, Any], client_id: str) -> Any:
    """Change a client's name or time zone"""
    return clients.change_client(viewer(), client_id, expected_version(), **sent)


@staff.route("/clients/<id:client_id>/invitation", methods=["POST"])
@staff.arguments(schemas.InviteAgainSchema())
@staff.response(201, InvitationSchema(), refuses=[Conflict])
def invite_client_again(sent: dict[str, Any], client_id: str) -> Any:
    """Invite a client again, with a new link and code"""
    return clients.invite_again(viewer(), client_id, **sent)


@staff.route("/clients/<id:client_id>/archival", methods=["POST"], scope="clients:write")
@staff.repeatable(clients.require_in_care)
@staff.response(200, schemas.ClientSchema())
def archive_client(client_id: str) -> Any:
    """Archive a client; what is open freezes"""
    return clients.archive(viewer(), client_id)


@staff.route("/clients/<id:client_id>/restoration", methods=["POST"], scope="clients:write")
@staff.repeatable(clients.require_in_care)
@staff.response(200, schemas.ClientSchema())
def restore_client(client_id: str) -> Any:
    """Go on with an archived client"""
    return clients.restore(viewer(), client_id)


@staff.route("/clients/<id:client_id>/care", scope="clients:read")
@staff.arguments(schemas.CareQuerySchema(), location="query")
@staff.lists(schemas.CareSchema())
def list_care(query: dict[str, Any], client_id: str) -> Any:
    """List a client's care team, past and present"""
    return care.list_care(viewer(), client_id, asked(viewer(), query))


@staff.route("/clients/<id:client_id>/care", methods=["POST"])
@staff.repeatable(clients.get_client)
@staff.arguments(schemas.ToTherapistSchema())
@staff.response(201, schemas.CareSchema(), refuses=[Conflict])
def start_care(sent: dict[str, Any], client_id: str) -> Any:
    """Bring a therapist into a client's care"""
    return care.start_care(viewer(), client_id, **sent)


@staff.route("/clients/<id:client_id>/care/<id:care_id>/ending", methods=["POST"])
@staff.repeatable(clients.get_client)
@staff.response(204)
def end_care(client_id: str, care_id: str) -> None:
    """End one's own care for a client"""
    care.end_care(viewer(), client_id, care_id)


@staff.route("/clients/<id:client_id>/handover", methods=["POST"])
@staff.repeatable(clients.get_client)
@staff.arguments(schemas.ToTherapistSchema())
@staff.response(204)
def hand_over_client(sent: dict[str, Any], client_id: str) -> None:
    """Hand a client over to a colleague"""
    care.hand_over(viewer(), client_id, **sent)


@staff.route("/staff/<id:person_id>/handover", methods=["POST"])
@staff.repeatable(people.get_staff)
@staff.arguments(schemas.ToTherapistSchema())
@staff.response(200, schemas.HandedOverSchema(), refuses=[Forbidden])
def hand_over_caseload(sent: dict[str, Any], person_id: str) -> Any:
    """Hand a colleague's whole caseload over"""
    return care.hand_over_caseload(viewer(), person_id, **sent)


@staff.route("/clients/<id:client_id>/notes")
@staff.arguments(schemas.NoteQuerySchema(), location="query")
@staff.lists(schemas.NoteSchema())
def list_notes(query: dict[str, Any], client_id: str) -> Any:
    """List one's own private notes about a client"""
    return notes.list_notes(viewer(), client_id, asked(viewer(), query))


@staff.route("/clients/<id:client_id>/notes", methods=["POST"])
@staff.repeatable(clients.require_in_care)
@staff.arguments(schemas.AddNoteSchema())
@staff.response(201, schemas.NoteSchema())
def add_note(sent: dict[str, Any], client_id: str) -> Any:
    """Write a private note"""
    return notes.add_note(viewer(), client_id, **sent)


@staff.route("/invitations/<id:invitation_id>/resending", methods=["POST"])
@staff.response(201, InvitationSchema(), refuses=[Conflict])
def resend_invitation(invitation_id: str) -> Any:
    """Send an invitation again, with a new link"""
    return clients.resend_invitation(viewer(), invitation_id)


@staff.route("/invitations/<id:invitation_id>", methods=["DELETE"])
@staff.response(204, refuses=[Conflict])
def revoke_invitation(invitation_id: str) -> None:
    """Take an invitation back"""
    clients.revoke_invitation(viewer(), invitation_id)


@staff.route("/integrations/<id:integration_id>/caseload")
@staff.response(200, schemas.OptInSchema(), refuses=[Forbidden])
def get_opt_in(integration_id: str) -> Any:
    """Read whether an integration sees one's caseload"""
    return opt_ins.get_opt_in(viewer(), integration_id)


@staff.route("/integrations/<id:integration_id>/caseload", methods=["PUT"])
@staff.response(200, schemas.OptInSchema(), refuses=[Conflict, Forbidden])
def opt_in(integration_id: str) -> Any:
    """Let an integration see one's caseload, within its scopes"""
    return opt_ins.opt_in(viewer(), integration_id)


@staff.route("/integrations/<id:integration_id>/caseload", methods=["DELETE"])
@staff.response(204, refuses=[Forbidden])
def opt_out(integration_id: str) -> None:
    """Let an integration see one's caseload no longer"""
    opt_ins.opt_out(viewer(), integration_id)
