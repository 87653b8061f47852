"""microblog-api's stack: Flask with APIFairy, Flask-HTTPAuth, Flask-SQLAlchemy and marshmallow's own dump."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from apifairy import APIFairy, arguments, authenticate, response
from flask import Flask
from flask_httpauth import HTTPTokenAuth
from flask_marshmallow import Marshmallow
from flask_sqlalchemy import SQLAlchemy
from marshmallow import fields, validate
from sqlalchemy import event

from bench.peers.sealing import DATABASE, PRAGMAS
from bench.peers.tables import Assignment, Person, Version, page_of, session_of

INSTANT = "%Y-%m-%dT%H:%M:%SZ"

app = Flask(__name__, static_folder=None)
app.config["SQLALCHEMY_DATABASE_URI"] = DATABASE
if not DATABASE.startswith("sqlite"):
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"options": "-c timezone=UTC"}}
db, ma, apifairy, tokens = SQLAlchemy(app), Marshmallow(app), APIFairy(app), HTTPTokenAuth()


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for name, value in PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


with app.app_context():
    if db.engine.dialect.name == "sqlite":
        event.listen(db.engine, "connect", _set_up_sqlite)


class ResourceSchema(ma.SQLAlchemySchema):
    """The version that was assigned."""

    class Meta:
        model = Version

    id = ma.auto_field("resource_id")
    number = ma.auto_field()
    kind = ma.auto_field()
    title = ma.auto_field()
    minutes = ma.auto_field()
    intensity = ma.auto_field()


class ProgressSchema(ma.Schema):
    """How far it has come."""

    answered = fields.Integer()
    total = fields.Integer()


class AssignmentSchema(ma.SQLAlchemySchema):
    """One of a page."""

    class Meta:
        model = Assignment

    id = ma.auto_field()
    client_id = ma.auto_field()
    resource = fields.Nested(ResourceSchema)
    status = ma.auto_field()
    scheduled = fields.Boolean()
    overdue = fields.Boolean()
    frozen = fields.Boolean()
    progress = fields.Nested(ProgressSchema)
    attempt = ma.auto_field()
    opens_on = fields.Date()
    due_on = fields.Date()
    assigned_at = fields.DateTime(format=INSTANT)
    seen_at = fields.DateTime(format=INSTANT)
    started_at = fields.DateTime(format=INSTANT)
    submitted_at = fields.DateTime(format=INSTANT)
    reviewed_at = fields.DateTime(format=INSTANT)
    last_act_at = fields.DateTime(format=INSTANT)
    version = ma.auto_field()


class PageSchema(ma.Schema):
    """A page."""

    data = fields.Nested(AssignmentSchema(many=True))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)


class QuerySchema(ma.Schema):
    """What is asked for."""

    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


@tokens.verify_token
def verify(token: str) -> Person | None:
    credential = db.session.scalars(session_of(hashlib.sha256(token.encode()).hexdigest())).one_or_none()
    if credential is None or credential.person.deactivated_at is not None:
        return None
    return credential.person


@app.get("/api/v1/assignments")
@authenticate(tokens)
@arguments(QuerySchema, location="query")
@response(PageSchema)
def list_assignments(query: dict[str, Any]) -> dict[str, Any]:
    """List the assignments one has given"""
    limit = query["limit"]
    found = db.session.scalars(page_of(tokens.current_user(), limit)).all()
    shown, cursor = found[:limit], None
    if len(found) > limit:
        cursor = base64.urlsafe_b64encode(f"{shown[-1].assigned_at}|{shown[-1].id}".encode()).decode()
    return {"data": shown, "has_more": cursor is not None, "next_cursor": cursor}
