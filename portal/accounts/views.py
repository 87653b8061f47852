"""The pages for people who cannot sign in yet: setting up a practice, accepting an invitation, resetting a password.

The secret of a link comes after its #, so no server sees it before the person sends the form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request

from portal.accounts.schemas.invitation import AcceptInvitationSchema
from portal.accounts.schemas.practice import SetUpFormSchema
from portal.accounts.schemas.session import CompletePasswordResetSchema
from portal.accounts.service import invitations, practices, resets
from portal.core.errors import Invalid, PortalError, TooManyRequests
from portal.http.request import address, form, viewer

guest = Blueprint("accounts_pages", __name__)

_invitation, _reset, _setup = (
    AcceptInvitationSchema(),
    CompletePasswordResetSchema(),
    SetUpFormSchema(),
)
CONFIRMATIONS: Mapping[str, str] = {
    "setup": "Your practice is ready. You can now sign in with your email address and your password.",
    "invitation": "Your account is ready. You can now sign in with your email address and your password.",
    "reset": "Your new password is saved. You can now sign in with it.",
}


@guest.route("/setup")
def show_setup() -> str:
    """Show the form; opening it changes nothing."""
    return render_template("accounts/setup.html", values={}, faults={})


@guest.route("/setup", methods=["POST"])
def set_up_practice() -> Response | tuple[str, int]:
    """Set a practice up."""

    def act() -> None:
        sent = form(_setup)
        practice = {name: sent[name] for name in ("slug", "country", "time_zone")}
        person = {name: sent[name] for name in ("name", "email", "password", "therapist")}
        practices.set_up(
            viewer(), token=sent["token"], practice={**practice, "name": sent["practice_name"]}, person=person
        )

    return _submit("setup", act)


@guest.route("/invitation")
def show_invitation() -> str:
    """Show the form; opening it changes nothing."""
    return render_template("accounts/invitation.html", values={}, faults={})


@guest.route("/invitation", methods=["POST"])
def accept_invitation() -> Response | tuple[str, int]:
    """Accept an invitation."""
    return _submit("invitation", lambda: invitations.accept(viewer(), address(), **form(_invitation)))


@guest.route("/reset")
def show_reset() -> str:
    """Show the form; opening it changes nothing."""
    return render_template("accounts/reset.html", values={}, faults={})


@guest.route("/reset", methods=["POST"])
def complete_password_reset() -> Response | tuple[str, int]:
    """Set a new password."""
    return _submit("reset", lambda: resets.complete_reset(viewer(), address(), **form(_reset)))


@guest.route("/done/<any(setup, invitation, reset):page>")
def show_confirmation(page: str) -> str:
    """Confirm that it worked."""
    return render_template("accounts/done.html", sentence=CONFIRMATIONS[page])


def _submit(page: str, act: Callable[[], Any]) -> Response | tuple[str, int]:
    """Redirect to the confirmation, or show the form again with what was typed and what to change."""
    try:
        act()
    except Invalid as error:
        faults = {fault.pointer.rsplit("/", 1)[-1]: fault.detail for fault in error.faults}
        return render_template(f"accounts/{page}.html", values=request.form, faults=faults), 422
    except TooManyRequests as error:
        form_again = render_template(f"accounts/{page}.html", values=request.form, faults={}, message=error.detail)
        return Response(form_again, 429, {"Retry-After": str(error.retry_after)})
    except PortalError as error:
        return render_template(f"accounts/{page}.html", values=request.form, faults={}, message=error.detail), 409
    return redirect(f"/done/{page}", 303)  # type: ignore[return-value]  # -- werkzeug's Response, which Flask takes
