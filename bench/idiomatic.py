"""The same page of assignments as most would write it today: Flask-Login, ORM entities, marshmallow, flask-smorest.

Nothing here is done badly: related rows come with selectinload, the order is by keyset, sessions are looked up by
their hash. It is what the portal's techniques are worth, kept where it can be measured.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.views import MethodView
from flask_login import LoginManager, UserMixin, current_user, login_required
from flask_smorest import Api, Blueprint
from flask_sqlalchemy import SQLAlchemy
from marshmallow import Schema, fields
from sqlalchemy import event, exists, select
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, relationship, selectinload
from werkzeug.wrappers import Request

from portal.accounts import models as accounts
from portal.assignments import models as assignments
from portal.caseload import models as caseload
from portal.core.db.engines import SQLITE_PRAGMAS
from portal.library import models as library

IDLE = timedelta(minutes=30)
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class Base(DeclarativeBase):
    """Entities of their own over the portal's tables; annotations tell the type checker what those bring."""

    __allow_unmapped__ = True


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class Person(UserMixin, Base):
    """Who signs in."""

    __table__ = accounts.Person.__table__
    deactivated_at: Any


class Credential(Base):
    """What they sign in with."""

    __table__ = accounts.Credential.__table__
    person: Mapped[Person] = relationship(Person, viewonly=True)


class Version(Base):
    """What was assigned."""

    __table__ = library.Version.__table__


class Client(Base):
    """Who it was assigned to."""

    __table__ = caseload.Client.__table__
    archived_at: Any


class CareLink(Base):
    """Through which care."""

    __table__ = caseload.CareLink.__table__


class Assignment(Base):
    """An assignment with what a list shows of it."""

    __table__ = assignments.Assignment.__table__
    resource: Mapped[Version] = relationship(Version, viewonly=True)
    client: Mapped[Client] = relationship(Client, viewonly=True)
    id: Any
    status: Any
    assigned_at: Any
    opens_at: Any
    due_at: Any

    @property
    def scheduled(self) -> bool:
        return self.opens_at is not None and self.opens_at > datetime.now(UTC)

    @property
    def overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= datetime.now(UTC) and self.status in assignments.WORKABLE

    @property
    def frozen(self) -> bool:
        return self.client.archived_at is not None and self.status in assignments.OPEN

    @property
    def progress(self) -> Assignment:
        return self


class ResourceSchema(Schema):
    """The version that was assigned."""

    id = fields.String(attribute="resource_id")
    number = fields.Integer()
    kind = fields.String()
    title = fields.String()
    minutes = fields.Integer()
    intensity = fields.String()


class ProgressSchema(Schema):
    """How far it has come."""

    answered = fields.Integer()
    total = fields.Integer()


class AssignmentSchema(Schema):
    """One of a page."""

    id = fields.String()
    client_id = fields.String()
    resource = fields.Nested(ResourceSchema)
    status = fields.String()
    scheduled = fields.Boolean()
    overdue = fields.Boolean()
    frozen = fields.Boolean()
    progress = fields.Nested(ProgressSchema)
    attempt = fields.Integer()
    opens_on = fields.Date()
    due_on = fields.Date()
    assigned_at = fields.DateTime(format=INSTANT)
    seen_at = fields.DateTime(format=INSTANT)
    started_at = fields.DateTime(format=INSTANT)
    submitted_at = fields.DateTime(format=INSTANT)
    reviewed_at = fields.DateTime(format=INSTANT)
    last_act_at = fields.DateTime(format=INSTANT)
    version = fields.Integer()


class PageSchema(Schema):
    """A page."""

    data = fields.List(fields.Nested(AssignmentSchema))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)


class QuerySchema(Schema):
    """What is asked for."""

    limit = fields.Integer(load_default=20)


routes = Blueprint("assignments", __name__)


@routes.route("/assignments")
class Assignments(MethodView):
    """The therapist's assignments."""

    @login_required
    @routes.arguments(QuerySchema, location="query")
    @routes.response(200, PageSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        limit = query["limit"]
        found = db.session.scalars(_visible_to(current_user).limit(limit + 1)).all()
        shown, cursor = found[:limit], None
        if len(found) > limit:
            cursor = base64.urlsafe_b64encode(f"{shown[-1].assigned_at}|{shown[-1].id}".encode()).decode()
        return {"data": shown, "has_more": cursor is not None, "next_cursor": cursor}


def _visible_to(person: Any) -> Any:
    own_care = exists().where(
        CareLink.__table__.c.practice_id == Assignment.__table__.c.practice_id,
        CareLink.__table__.c.id == Assignment.__table__.c.care_id,
        CareLink.__table__.c.therapist_id == person.id,
        CareLink.__table__.c.ended_at.is_(None),
    )
    columns = Assignment.__table__.c
    return (
        select(Assignment)
        .where(columns.practice_id == person.practice_id, columns.therapist_id == person.id, own_care)
        .options(selectinload(Assignment.resource), selectinload(Assignment.client))
        .order_by(columns.assigned_at.desc(), columns.id.desc())
    )


def load_person(request: Request) -> Person | None:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    columns, now = Credential.__table__.c, datetime.now(UTC)
    credential = db.session.scalars(
        select(Credential)
        .options(joinedload(Credential.person))
        .where(
            columns.secret_hash == hashlib.sha256(token.encode()).hexdigest(),
            columns.kind == "session",
            columns.ended_at.is_(None),
            columns.expires_at > now,
            columns.last_used_at > now - IDLE,
        )
    ).one_or_none()
    if credential is None or credential.person.deactivated_at is not None:
        return None
    return credential.person


def create_app(url: str) -> Flask:
    app = Flask("idiomatic", static_folder=None)
    app.config.update(
        SECRET_KEY="a made-up key",
        SQLALCHEMY_DATABASE_URI=url,
        API_TITLE="Idiomatic",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
    )
    db.init_app(app)
    LoginManager(app).request_loader(load_person)
    Api(app).register_blueprint(routes, url_prefix="/api/v1")
    if url.startswith("sqlite"):
        with app.app_context():
            event.listen(db.engine, "connect", _set_up_sqlite)
    return app


def _set_up_sqlite(connection: Any, _record: object) -> None:
    for name, value in SQLITE_PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={value}")
