"""The pages before there is an account: set-up, accepting an invitation, a new password.

The secret of a link stands behind its #, so no server sees it before the person sends the form.
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
DONE: Mapping[str, str] = {
    "setup": "Your practice is ready. Sign in with the short name, your mail address and your password.",
    "invitation": "Your account is ready. Sign in with your mail address and your password.",
    "reset": "Your new password is saved. Sign in with it.",
}


@guest.route("/setup")
def setup_page() -> str:
    """Show the form; opening it changes nothing."""
    return render_template("accounts/setup.html", values={}, faults={})


@guest.route("/setup", methods=["POST"])
def set_up() -> Response | tuple[str, int]:
    """Set a practice up."""

    def work() -> None:
        sent = form(_setup)
        practice = {name: sent[name] for name in ("slug", "country", "time_zone")}
        person = {name: sent[name] for name in ("name", "email", "password", "therapist")}
        practices.set_up(
            viewer(), token=sent["token"], practice={**practice, "name": sent["practice_name"]}, person=person
        )

    return _done("setup", work)


@guest.route("/invitation")
def invitation_page() -> str:
    """Show the form; opening it changes nothing."""
    return render_template("accounts/invitation.html", values={}, faults={})


@guest.route("/invitation", methods=["POST"])
def accept() -> Response | tuple[str, int]:
    """Accept an invitation."""
    return _done("invitation", lambda: invitations.accept(viewer(), address(), **form(_invitation)))


@guest.route("/reset")
def reset_page() -> str:
    """Show the form; opening it changes nothing."""
    return render_template("accounts/reset.html", values={}, faults={})


@guest.route("/reset", methods=["POST"])
def reset() -> Response | tuple[str, int]:
    """Set a new password."""
    return _done("reset", lambda: resets.complete_reset(viewer(), address(), **form(_reset)))


@guest.route("/done/<any(setup, invitation, reset):what>")
def done(what: str) -> str:
    """Say that it worked."""
    return render_template("accounts/done.html", sentence=DONE[what])


def _done(what: str, work: Callable[[], Any]) -> Response | tuple[str, int]:
    """Go on to the closing page, or show the form again with what was typed and what to change."""
    try:
        work()
    except Invalid as error:
        faults = {fault.pointer.rsplit("/", 1)[-1]: fault.detail for fault in error.faults}
        return render_template(f"accounts/{what}.html", values=request.form, faults=faults), 422
    except TooManyRequests as error:
        page = render_template(f"accounts/{what}.html", values=request.form, faults={}, message=error.detail)
        return Response(page, 429, {"Retry-After": str(error.retry_after)})
    except PortalError as error:
        return render_template(f"accounts/{what}.html", values=request.form, faults={}, message=error.detail), 409
    return redirect(f"/done/{what}", 303)  # type: ignore[return-value]  # -- werkzeug's Response, which Flask takes
