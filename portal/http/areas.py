"""Areas: each blueprint belongs to one, and each area has a door that every request passes before its view.

A viewer of the wrong kind gets the same 404 as for a path that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Flask, Request, current_app, request
from flask.sessions import SessionInterface
from flask_login import LoginManager

from portal.core.errors import Forbidden, NotVisible, Unauthenticated
from portal.core.viewer import ANYONE, PrincipalKind, Viewer
from portal.http.blueprint import IdConverter
from portal.http.csrf import refuse_cross_site_forms
from portal.http.request import viewer

API_PREFIX = "/api/v1"


class Principal:
    """The current user of Flask-Login: a viewer and nothing else."""

    __slots__ = ("viewer",)

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def get_id(self) -> str | None:
        return self.viewer.id


class Anonymous:
    """The current user of Flask-Login without a credential."""

    viewer = ANYONE
    is_authenticated = False
    is_active = False
    is_anonymous = True

    def get_id(self) -> None:
        return None


class NoSessions(SessionInterface):
    """No cookies: Flask's session is empty and cannot be written."""

    def open_session(self, _app: Flask, _request: Request) -> None:
        return None


class BearerOnly(LoginManager):
    """Flask-Login that reads the Authorization header alone.

    As shipped it looks for its session and remember-me cookies first, where a junk cookie of that name keeps it from
    reading the header, and it inspects every response for a cookie to set.
    """

    def init_app(self, app: Flask, add_context_processor: bool = True) -> None:  # noqa: FBT002 -- Flask-Login's signature
        super().init_app(app, add_context_processor)
        app.after_request_funcs[None].remove(self._update_remember_cookie)

    def _load_user(self) -> None:
        self._update_request_context_with_user(self._load_user_from_request(request))


def bearer_token(request: Request) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


def anyone() -> None:
    """Let anyone in; the routes check a secret in the body or reveal nothing."""


def _authenticated() -> Viewer:
    current = viewer()
    if current is ANYONE:
        raise Unauthenticated
    return current


def signed_in() -> None:
    """Let in people with a valid credential."""
    if _authenticated().kind is PrincipalKind.INTEGRATION:
        raise NotVisible


def staff() -> None:
    """Let in owners and therapists and, at routes that name a scope, integrations whose token has it."""
    current = _authenticated()
    if current.kind is PrincipalKind.INTEGRATION:
        _require_scope(current)
    elif current.kind is not PrincipalKind.STAFF:
        raise NotVisible


def _require_scope(integration: Viewer) -> None:
    scope: str | None = getattr(current_app.view_functions[str(request.endpoint)], "scope", None)
    if scope is None:
        raise NotVisible
    if not integration.holds(scope):
        msg = f"This token lacks the scope {scope}. Ask an owner for a token that has it."
        raise Forbidden(msg)


def program() -> None:
    """Let in integrations alone."""
    if _authenticated().kind is not PrincipalKind.INTEGRATION:
        raise NotVisible


def client() -> None:
    """Let in clients, the people in therapy."""
    if _authenticated().kind is not PrincipalKind.CLIENT:
        raise NotVisible


def guest_page() -> None:
    """Let anyone open a page before there is an account; a form must come from a page of ours."""
    refuse_cross_site_forms()


@dataclass(frozen=True, slots=True)
class Area:
    """A door, a sentence about who it lets in, and the blueprints behind it. Without a `prefix`: HTML pages."""

    name: str
    door: Callable[[], None]
    audience: str
    blueprints: tuple[Blueprint, ...]
    prefix: str | None = API_PREFIX


def open_areas(app: Flask, areas: tuple[Area, ...]) -> None:
    """Register every blueprint behind the door of its area."""
    app.url_map.converters["id"] = IdConverter
    for area in areas:
        for blueprint in area.blueprints:
            app.register_blueprint(blueprint, url_prefix=area.prefix)
            app.before_request_funcs.setdefault(blueprint.name, []).insert(0, area.door)
            app.extensions.setdefault("areas", {})[blueprint.name] = area
