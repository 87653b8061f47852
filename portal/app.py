"""The application: its extensions, and the one table of areas, doors and blueprints."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config, from_environment
from portal.accounts import api as accounts
from portal.accounts import facts as accounts_facts
from portal.accounts import jobs as accounts_jobs
from portal.accounts import passwords, views
from portal.accounts import reactions as accounts_reactions
from portal.accounts.service import integrations, sessions
from portal.assignments import api as assignments
from portal.assignments import facts as assignments_facts
from portal.assignments import reactions as assignments_reactions
from portal.assignments.schemas.problems import DuplicateAssignmentSchema, OutdatedReviewSchema
from portal.audit import api as audit
from portal.audit import jobs as audit_jobs
from portal.caseload import api as caseload
from portal.caseload import facts as caseload_facts
from portal.caseload import reactions as caseload_reactions
from portal.core import crypto, mail
from portal.core.db.engines import db, engine_settings, prepare_engines
from portal.core.errors import Conflict, Duplicate
from portal.core.facts import facts_of
from portal.core.viewer import ANYONE, Viewer
from portal.forms.definition.scores import BandSchema, BoundedNumber, ScoreSchema
from portal.forms.kinds.schemas import Number
from portal.http import areas, headers, problems
from portal.http.areas import Anonymous, Area, BearerOnly, NoSessions, Principal, bearer_token
from portal.http.description import DomainParts, describe
from portal.http.docs import docs
from portal.http.health import health
from portal.http.pages import pages
from portal.http.request import viewer
from portal.http.unions import Union
from portal.library import api as library
from portal.library import facts as library_facts
from portal.library import jobs as library_jobs
from portal.library import reactions as library_reactions
from portal.library.schemas import documents
from portal.safety import api as safety
from portal.safety import facts as safety_facts
from portal.safety import jobs as safety_jobs
from portal.safety import reactions as safety_reactions
from portal.safety.schemas import AlertAcknowledgedSchema

AREAS = (
    Area("guest", areas.anyone, "Open to anyone; needs no token.", (accounts.guest,)),
    Area("person", areas.signed_in, "For everybody who is signed in.", (accounts.person,)),
    Area("program", areas.program, "For integrations.", (accounts.program,)),
    Area(
        "staff",
        areas.staff,
        "For owners and therapists.",
        (
            accounts.staff,
            accounts.integration,
            caseload.staff,
            library.staff,
            safety.staff,
            assignments.staff,
            audit.staff,
        ),
    ),
    Area("client", areas.client, "For clients.", (assignments.client, safety.client, audit.client)),
    Area("operator", areas.anyone, "Open to anyone; needs no token.", (health,), prefix=""),
    Area("guest pages", areas.guest_page, "For browsers.", (views.guest, pages, docs), prefix=None),
)
DECLARING = (
    accounts_jobs,
    audit_jobs,
    library_jobs,
    safety_jobs,
    accounts_reactions,
    caseload_reactions,
    library_reactions,
    safety_reactions,
    assignments_reactions,
)
"""Imported for the jobs and ticks they declare, and for what they attach to facts."""
ANSWER = "The value of an answer; null for none. An example by the type of the block, in a list if it is `multiple`.\n"
DESCRIBED = DomainParts(
    unions={
        "Document": Union("An exercise or a reading, told apart by `schema`.", "schema", documents.DOCUMENTS),
        documents.BLOCK: Union("One block of a document, told apart by `type`.", "type", documents.BLOCKS),
        "AnswerValue": Union(
            "\n".join([ANSWER, *(f"- `{kind}`: `{answer}`." for kind, answer in documents.ANSWER_EXAMPLES.items())]),
            None,
            documents.ANSWER_OBJECTS,
            ({"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}),
        ),
    },
    free_form={"document": "Document", "source": "Document", "draft": "Document", "Answer.value": "AnswerValue"},
    field_types={Number: "number", BoundedNumber: "number"},
    names={ScoreSchema: "ScoreRule", BandSchema: "ScoreRuleBand"},
    facts=facts_of((accounts_facts, assignments_facts, caseload_facts, library_facts, safety_facts)),
    problem_members=(
        (Duplicate, DuplicateAssignmentSchema()),
        (Conflict, OutdatedReviewSchema()),
        (Conflict, AlertAcknowledgedSchema()),
    ),
)

LARGEST_BODY = 1_000_000
MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Portal(Flask):
    """Flask without coroutines: nothing here is one, and looking costs a microsecond a function."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(config: Config | None = None) -> Flask:
    """A ready application. Raises ConfigurationError or KeyringError where it must not start."""
    config = from_environment() if config is None else config
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = Portal(__name__, static_folder=None)
    app.config.update(
        engine_settings(config.database_url, config.owner_url),
        PORTAL=config,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        TESTING=config.testing,
        SECRET_KEY=None,
    )
    app.url_map.merge_slashes = False
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=config.proxies, x_host=config.proxies)  # type: ignore[method-assign]  # -- Flask's documented way
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    with app.app_context():
        prepare_engines()
        crypto.open_keyring(config.keyring)
    mail.use_transport(mail.Transport(config.mail_from, config.outbox, config.base_url, config.smtp_url))
    passwords.use_hasher(config.argon2_cost)
    _open_doors(app, config)
    return app


def _open_doors(app: Flask, config: Config) -> None:
    headers.add_headers(app, secure=config.secure)
    app.session_interface = NoSessions()
    login = BearerOnly(app)
    login.session_protection = None
    login.anonymous_user = Anonymous
    login.request_loader(lambda _request: Principal(viewer()) if viewer() is not ANYONE else None)
    app.extensions["identify"] = _identify
    areas.open_areas(app, AREAS)
    _serve_description(app, config.base_url)
    problems.shape_errors(app)


def _identify(request: Request) -> Viewer:
    """The person or the integration that the request's token belongs to."""
    token = bearer_token(request)
    if token is None:
        return ANYONE
    return sessions.identify(token) or integrations.identify(token) or ANYONE


def _serve_description(app: Flask, base_url: str) -> None:
    description = app.extensions["description"] = lru_cache(lambda: describe(AREAS, base_url, DESCRIBED))

    @app.route("/api/v1/openapi.json")
    def openapi() -> Response:
        return Response(description(), mimetype="application/json")
