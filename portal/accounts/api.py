"""Routes of practices, people, sessions and invitations."""

from __future__ import annotations

from typing import Any

from portal.accounts.schemas.integration import (
    CreateIntegrationSchema,
    IntegrationQuerySchema,
    IntegrationSchema,
    IntegrationTokenSchema,
    RotateTokenSchema,
)
from portal.accounts.schemas.invitation import AcceptInvitationSchema, InvitationSchema, InviteStaffMemberSchema
from portal.accounts.schemas.person import (
    ChangeMeSchema,
    ChangePasswordSchema,
    ChangeStaffMemberSchema,
    PersonSchema,
    StaffMemberSchema,
    StaffQuerySchema,
)
from portal.accounts.schemas.practice import (
    ChangePracticeSchema,
    PracticeSchema,
    SetUpPracticeSchema,
    SetUpResultSchema,
)
from portal.accounts.schemas.session import (
    CompletePasswordResetSchema,
    NewSessionSchema,
    RequestPasswordResetSchema,
    SessionQuerySchema,
    SessionSchema,
    SignInSchema,
)
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
@guest.arguments(SetUpPracticeSchema())
@guest.response(201, SetUpResultSchema(), refuses=[NotVisible, TooManyRequests])
def set_up_practice(sent: dict[str, Any]) -> Any:
    """Set up a practice

    Needs the one-time link that `portal set-up-link` prints. The first person becomes the owner.
    """
    return practices.set_up(viewer(), **sent)


@guest.route("/sessions", methods=["POST"])
@guest.arguments(SignInSchema())
@guest.response(201, NewSessionSchema(), refuses=[TooManyRequests, Unauthenticated])
def sign_in(sent: dict[str, Any]) -> Any:
    """Sign in

    The token in the response is returned only once. Repeated failures are throttled.
    """
    return sessions.sign_in(viewer(), address(), **sent)


@guest.route("/password-resets", methods=["POST"])
@guest.arguments(RequestPasswordResetSchema())
@guest.response(202, refuses=[TooManyRequests])
def request_password_reset(sent: dict[str, Any]) -> None:
    """Request a password reset

    Mails a link if the account exists. The response is the same either way, so it reveals nothing.
    """
    resets.request_reset(viewer(), address(), **sent)


@guest.route("/password-resets/complete", methods=["POST"])
@guest.arguments(CompletePasswordResetSchema())
@guest.response(204, refuses=[NotVisible, TooManyRequests])
def complete_password_reset(sent: dict[str, Any]) -> None:
    """Complete a password reset

    Takes the secret from the mail. Every session of the person ends.
    """
    resets.complete_reset(viewer(), address(), **sent)


@guest.route("/invitations/accept", methods=["POST"])
@guest.arguments(AcceptInvitationSchema())
@guest.response(201, PersonSchema(), refuses=[Conflict, NotVisible, TooManyRequests])
def accept_invitation(sent: dict[str, Any]) -> Any:
    """Accept an invitation

    Sets the password, after which the person can sign in. Clients who were invited by mail also need the code
    they were told in person.
    """
    return invitations.accept(viewer(), address(), **sent)


@person.route("/sessions")
@person.arguments(SessionQuerySchema(), location="query")
@person.lists(SessionSchema())
def list_sessions(query: dict[str, Any]) -> Any:
    """List your sessions"""
    return sessions.list_sessions(viewer(), asked(viewer(), query))


@person.route("/sessions/current", methods=["DELETE"])
@person.response(204)
def sign_out() -> None:
    """Sign out

    Ends the session of the token that is sent.
    """
    sessions.end_session(viewer(), "current")


@person.route("/sessions/<id:session_id>", methods=["DELETE"])
@person.response(204)
def end_session(session_id: str) -> None:
    """End a session

    Ends one of your own sessions, for example on a lost phone.
    """
    sessions.end_session(viewer(), session_id)


@person.route("/me")
@person.response(200, PersonSchema())
def get_me() -> Any:
    """Get your account"""
    return people.get_me(viewer())


@person.route("/me", methods=["PATCH"])
@person.changes_content
@person.arguments(ChangeMeSchema())
@person.response(200, PersonSchema())
def change_me(sent: dict[str, Any]) -> Any:
    """Update your account

    Changes your name or time zone.
    """
    return people.change_me(viewer(), expected_version(), **sent)


@person.route("/me/password", methods=["PUT"])
@person.arguments(ChangePasswordSchema())
@person.response(204, refuses=[TooManyRequests])
def change_password(sent: dict[str, Any]) -> None:
    """Change your password

    Every other session of yours ends.
    """
    people.change_password(viewer(), address(), **sent)


@staff.route("/practice")
@staff.response(200, PracticeSchema())
def get_practice() -> Any:
    """Get the practice"""
    return practices.get_practice(viewer())


@staff.route("/practice", methods=["PATCH"])
@staff.changes_content
@staff.arguments(ChangePracticeSchema())
@staff.response(200, PracticeSchema(), refuses=[Forbidden])
def change_practice(sent: dict[str, Any]) -> Any:
    """Update the practice

    Owners only.
    """
    return practices.change_practice(viewer(), expected_version(), **sent)


@staff.route("/staff")
@staff.arguments(StaffQuerySchema(), location="query")
@staff.lists(StaffMemberSchema())
def list_staff(query: dict[str, Any]) -> Any:
    """List staff"""
    return people.list_staff(viewer(), asked(viewer(), query))


@staff.route("/staff/<id:person_id>")
@staff.response(200, StaffMemberSchema())
def get_staff(person_id: str) -> Any:
    """Get a member of the staff"""
    return people.get_staff(viewer(), person_id)


@staff.route("/staff/<id:person_id>", methods=["PATCH"])
@staff.changes_content
@staff.arguments(ChangeStaffMemberSchema())
@staff.response(200, StaffMemberSchema(), refuses=[Conflict, Forbidden])
def change_staff(sent: dict[str, Any], person_id: str) -> Any:
    """Update a member of the staff

    Changes what they may do. Owners only; a practice keeps at least one owner.
    """
    return people.change_staff(viewer(), person_id, expected_version(), **sent)


@staff.route("/staff/<id:person_id>/deactivate", methods=["POST"])
@staff.repeatable(people.get_staff)
@staff.response(200, StaffMemberSchema(), refuses=[Conflict, Forbidden])
def deactivate_staff(person_id: str) -> Any:
    """Deactivate a member of the staff

    Their sessions end at once. Owners only. Hand over their caseload with `POST /staff/{person_id}/hand-over`.
    """
    return people.deactivate(viewer(), person_id)


@staff.route("/invitations", methods=["POST"])
@staff.arguments(InviteStaffMemberSchema())
@staff.response(201, InvitationSchema(), refuses=[Forbidden])
def invite_staff(sent: dict[str, Any]) -> Any:
    """Invite a member of the staff

    Mails a link that works once, for 14 days. Owners only.
    """
    return invitations.invite_staff(viewer(), **sent)


@integration.route("/integrations")
@integration.arguments(IntegrationQuerySchema(), location="query")
@integration.lists(IntegrationSchema())
def list_integrations(query: dict[str, Any]) -> Any:
    """List integrations"""
    return integrations.list_integrations(viewer(), asked(viewer(), query))


@integration.route("/integrations", methods=["POST"])
@integration.arguments(CreateIntegrationSchema())
@integration.response(201, IntegrationTokenSchema(), refuses=[Forbidden])
def create_integration(sent: dict[str, Any]) -> Any:
    """Create an integration

    The token in the response is returned only once. Owners only.
    """
    return integrations.create_integration(viewer(), **sent)


@program.route("/integrations/current")
@program.response(200, IntegrationSchema())
def get_current_integration() -> Any:
    """Get the current integration

    Which scopes the token has, and when it expires.
    """
    return integrations.get_integration(viewer(), viewer().id or "")


@integration.route("/integrations/<id:integration_id>")
@integration.response(200, IntegrationSchema())
def get_integration(integration_id: str) -> Any:
    """Get an integration"""
    return integrations.get_integration(viewer(), integration_id)


@integration.route("/integrations/<id:integration_id>/rotate", methods=["POST"])
@integration.arguments(RotateTokenSchema())
@integration.response(201, IntegrationTokenSchema(), refuses=[Conflict, Forbidden])
def rotate_token(sent: dict[str, Any], integration_id: str) -> Any:
    """Rotate the token of an integration

    Returns a new token, only once. The old one can keep working for a while. Owners only.
    """
    return integrations.rotate(viewer(), integration_id, **sent)


@integration.route("/integrations/<id:integration_id>", methods=["DELETE"])
@integration.response(204, refuses=[Forbidden])
def revoke_integration(integration_id: str) -> None:
    """Revoke an integration

    Its tokens stop working at once, for good. Owners only.
    """
    integrations.revoke(viewer(), integration_id)
