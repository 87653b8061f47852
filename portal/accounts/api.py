"""Routes of practices, people, sessions and invitations."""

from __future__ import annotations

from typing import Any

from portal.accounts import schemas
from portal.accounts.service import integrations, invitations, people, practices, resets, sessions
from portal.core.errors import Conflict, Forbidden, NotVisible, TooManyRequests, Unauthenticated
from portal.http.blueprint import Blueprint
from portal.http.paging import asked
from portal.http.preconditions import expected_version
from portal.http.request import address, viewer

TAG = "Accounts"
guest = Blueprint("accounts_guest", __name__, tag=TAG, guest=True)
person = Blueprint("accounts_person", __name__, tag=TAG)
staff = Blueprint("accounts_staff", __name__, tag=TAG)
integration = Blueprint("accounts_integrations", __name__, tag="Integrations")
program = Blueprint("accounts_program", __name__, tag="Integrations")


@guest.route("/setup", methods=["POST"])
@guest.arguments(schemas.SetUpSchema())
@guest.response(201, schemas.SetUpDoneSchema(), refuses=[NotVisible, TooManyRequests])
def set_up(sent: dict[str, Any]) -> Any:
    """Set a practice up with the one-time link"""
    return practices.set_up(viewer(), **sent)


@guest.route("/sessions", methods=["POST"])
@guest.arguments(schemas.SignInSchema())
@guest.response(201, schemas.SignedInSchema(), refuses=[TooManyRequests, Unauthenticated])
def sign_in(sent: dict[str, Any]) -> Any:
    """Sign in"""
    return sessions.sign_in(viewer(), address(), **sent)


@guest.route("/password-resets", methods=["POST"])
@guest.arguments(schemas.RequestResetSchema())
@guest.response(202, refuses=[TooManyRequests])
def request_password_reset(sent: dict[str, Any]) -> None:
    """Ask for a new password; the answer is the same for everybody"""
    resets.request_reset(viewer(), address(), **sent)


@guest.route("/password-resets/completion", methods=["POST"])
@guest.arguments(schemas.CompleteResetSchema())
@guest.response(204, refuses=[NotVisible, TooManyRequests])
def complete_password_reset(sent: dict[str, Any]) -> None:
    """Set a new password with the mailed secret"""
    resets.complete_reset(viewer(), address(), **sent)


@guest.route("/invitations/acceptance", methods=["POST"])
@guest.arguments(schemas.AcceptSchema())
@guest.response(201, schemas.PersonSchema(), refuses=[Conflict, NotVisible, TooManyRequests])
def accept_invitation(sent: dict[str, Any]) -> Any:
    """Accept an invitation and choose a password"""
    return invitations.accept(viewer(), address(), **sent)


@person.route("/sessions")
@person.arguments(schemas.SessionQuerySchema(), location="query")
@person.lists(schemas.SessionSchema())
def list_sessions(query: dict[str, Any]) -> Any:
    """List one's own sessions"""
    return sessions.list_sessions(viewer(), asked(viewer(), query))


@person.route("/sessions/current", methods=["DELETE"])
@person.response(204)
def sign_out() -> None:
    """Sign out"""
    sessions.end_session(viewer(), "current")


@person.route("/sessions/<id:session_id>", methods=["DELETE"])
@person.response(204)
def end_session(session_id: str) -> None:
    """End one of one's own sessions"""
    sessions.end_session(viewer(), session_id)


@person.route("/me")
@person.response(200, schemas.PersonSchema())
def get_me() -> Any:
    """Read about oneself"""
    return people.get_me(viewer())


@person.route("/me", methods=["PATCH"])
@person.changes_content
@person.arguments(schemas.ChangeMeSchema())
@person.response(200, schemas.PersonSchema())
def change_me(sent: dict[str, Any]) -> Any:
    """Change one's name or time zone"""
    return people.change_me(viewer(), expected_version(), **sent)


@person.route("/me/password", methods=["PUT"])
@person.arguments(schemas.ChangePasswordSchema())
@person.response(204, refuses=[TooManyRequests])
def change_password(sent: dict[str, Any]) -> None:
    """Change one's password; every other session ends"""
    people.change_password(viewer(), address(), **sent)


@staff.route("/practice")
@staff.response(200, schemas.PracticeSchema())
def get_practice() -> Any:
    """Read the practice's settings"""
    return practices.get_practice(viewer())


@staff.route("/practice", methods=["PATCH"])
@staff.changes_content
@staff.arguments(schemas.ChangePracticeSchema())
@staff.response(200, schemas.PracticeSchema(), refuses=[Forbidden])
def change_practice(sent: dict[str, Any]) -> Any:
    """Change the practice's settings"""
    return practices.change_practice(viewer(), expected_version(), **sent)


@staff.route("/staff")
@staff.arguments(schemas.StaffQuerySchema(), location="query")
@staff.lists(schemas.StaffSchema())
def list_staff(query: dict[str, Any]) -> Any:
    """List the staff"""
    return people.list_staff(viewer(), asked(viewer(), query))


@staff.route("/staff/<id:person_id>")
@staff.response(200, schemas.StaffSchema())
def get_staff(person_id: str) -> Any:
    """Read about a member of the staff"""
    return people.get_staff(viewer(), person_id)


@staff.route("/staff/<id:person_id>", methods=["PATCH"])
@staff.changes_content
@staff.arguments(schemas.ChangeStaffSchema())
@staff.response(200, schemas.StaffSchema(), refuses=[Conflict, Forbidden])
def change_staff(sent: dict[str, Any], person_id: str) -> Any:
    """Change what a member of the staff may do"""
    return people.change_staff(viewer(), person_id, expected_version(), **sent)


@staff.route("/staff/<id:person_id>/deactivation", methods=["POST"])
@staff.repeatable(people.get_staff)
@staff.response(200, schemas.StaffSchema(), refuses=[Conflict, Forbidden])
def deactivate_staff(person_id: str) -> Any:
    """End a member's access, on their next request"""
    return people.deactivate(viewer(), person_id)


@staff.route("/invitations", methods=["POST"])
@staff.arguments(schemas.InviteStaffSchema())
@staff.response(201, schemas.InvitationSchema(), refuses=[Forbidden])
def invite_staff(sent: dict[str, Any]) -> Any:
    """Invite someone to the staff"""
    return invitations.invite_staff(viewer(), **sent)


@integration.route("/integrations")
@integration.arguments(schemas.IntegrationQuerySchema(), location="query")
@integration.lists(schemas.IntegrationSchema())
def list_integrations(query: dict[str, Any]) -> Any:
    """List the other systems the practice has let in"""
    return integrations.list_integrations(viewer(), asked(viewer(), query))


@integration.route("/integrations", methods=["POST"])
@integration.arguments(schemas.CreateIntegrationSchema())
@integration.response(201, schemas.NewTokenSchema(), refuses=[Forbidden])
def create_integration(sent: dict[str, Any]) -> Any:
    """Let another system in; its token is shown this once"""
    return integrations.create_integration(viewer(), **sent)


@program.route("/integrations/current")
@program.response(200, schemas.IntegrationSchema())
def get_current_integration() -> Any:
    """Read about oneself, as an integration: scopes, and when the token ends"""
    return integrations.get_integration(viewer(), viewer().id or "")


@integration.route("/integrations/<id:integration_id>")
@integration.response(200, schemas.IntegrationSchema())
def get_integration(integration_id: str) -> Any:
    """Read about an integration"""
    return integrations.get_integration(viewer(), integration_id)


@integration.route("/integrations/<id:integration_id>/rotation", methods=["POST"])
@integration.arguments(schemas.RotateSchema())
@integration.response(201, schemas.NewTokenSchema(), refuses=[Conflict, Forbidden])
def rotate_token(sent: dict[str, Any], integration_id: str) -> Any:
    """Change an integration's token; the new one is shown this once"""
    return integrations.rotate(viewer(), integration_id, **sent)


@integration.route("/integrations/<id:integration_id>", methods=["DELETE"])
@integration.response(204, refuses=[Forbidden])
def revoke_integration(integration_id: str) -> None:
    """Shut another system out, from its next request on"""
    integrations.revoke(viewer(), integration_id)
