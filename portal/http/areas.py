"""Areas: each blueprint belongs to one, and each area has a door that every request passes before its view.

A person's kind must fit the area; a wrong one gets the same 404 as a path that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint as PlainBlueprint
from flask import Flask, Request, current_app, request
from flask.sessions import SessionInterface
from flask_login import LoginManager
from flask_smorest import Api

from portal.core.errors import Forbidden, NotVisible, Unauthenticated
from portal.core.viewer import ANYONE, PrincipalKind, Viewer
from portal.http.csrf import refuse_foreign_forms
from portal.http.request import viewer

API_PREFIX = "/api/v1"


class Principal:
    """What Flask-Login hands around: a viewer and nothing else."""

    __slots__ = ("viewer",)

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def get_id(self) -> str | None:
        return self.viewer.id


class Anonymous:
    """Nobody in particular, to Flask-Login."""

    viewer = ANYONE
    is_authenticated = False
    is_active = False
    is_anonymous = True

    def get_id(self) -> None:
        return None


class NoSessions(SessionInterface):
    """The API has no cookies: Flask's session is empty and refuses to be written."""

    def open_session(self, _app: Flask, _request: Request) -> None:
        return None


class BearerOnly(LoginManager):
    """Flask-Login reading the Authorization header alone.

    As shipped it first looks for its session and remember-me cookies, and a junk cookie of that name stops the
    header from being read at all; and it looks at every answer for a cookie to set.
    """

    def init_app(self, app: Flask, add_context_processor: bool = True) -> None:  # noqa: FBT002 -- Flask-Login's signature
        super().init_app(app, add_context_processor)
        app.after_request_funcs[None].remove(self._update_remember_cookie)

    def _load_user(self) -> None:
        self._update_request_context_with_user(self._load_user_from_request(request))


def bearer_token(asked: Request) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750), or None."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


def anyone() -> None:
    """Anyone; the routes behind it check a secret in the body, or tell nothing."""


def _known() -> Viewer:
    found = viewer()
    if found is ANYONE:
        raise Unauthenticated
    return found


def signed_in() -> None:
    """Any person with a credential that has not ended."""
    if _known().kind is PrincipalKind.INTEGRATION:
        raise NotVisible


def staff() -> None:
    """Owners and therapists; and at routes that name a scope, the integrations whose token has it."""
    found = _known()
    if found.kind is PrincipalKind.INTEGRATION:
        _require_scope(found)
    elif found.kind is not PrincipalKind.STAFF:
        raise NotVisible


def _require_scope(integration: Viewer) -> None:
    scope: str | None = getattr(current_app.view_functions[str(request.endpoint)], "scope", None)
    if scope is None:
        raise NotVisible
    if not integration.holds(scope):
        msg = f"This token lacks the scope {scope}. An owner makes one that has it."
        raise Forbidden(msg)


def program() -> None:
    """Integrations alone."""
    if _known().kind is not PrincipalKind.INTEGRATION:
        raise NotVisible


def client() -> None:
    """Clients; a client is a person in therapy."""
    if _known().kind is not PrincipalKind.CLIENT:
        raise NotVisible


def page_of_a_guest() -> None:
    """A page before any account: a form is taken from our own pages only."""
    refuse_foreign_forms()


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the house: the door before it and the blueprints behind it. Without a `prefix`: HTML pages."""

    name: str
    door: Callable[[], None]
    blueprints: tuple[PlainBlueprint, ...]
    prefix: str | None = API_PREFIX


def open_areas(app: Flask, api: Api, areas: tuple[Area, ...]) -> None:
    """Register every blueprint behind the door of its area."""
    for area in areas:
        for blueprint in area.blueprints:
            if area.prefix is None:
                app.register_blueprint(blueprint)
            else:
                api.register_blueprint(blueprint, url_prefix=area.prefix)
            app.before_request_funcs.setdefault(blueprint.name, []).insert(0, area.door)
            app.extensions.setdefault("areas", {})[blueprint.name] = area
