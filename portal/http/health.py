"""Whether the portal lives, and whether it is ready: what a load balancer and an operator ask."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import Response
from marshmallow import fields
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from portal.core import clock, crypto, jobs
from portal.core.db.engines import READ, db, is_postgresql
from portal.core.errors import Unavailable
from portal.core.wire import EnumString, WireSchema
from portal.http.blueprint import Blueprint
from portal.http.serializer import to_json

WORKER = "worker"
LATE = timedelta(seconds=60)
CAN_BYPASS = """
SELECT bool_or(
    role.rolsuper OR role.rolbypassrls OR pg_has_role(current_user, owned.relowner, 'MEMBER')
    OR NOT owned.relrowsecurity
)
FROM pg_roles AS role, pg_class AS owned
WHERE role.rolname = current_user AND owned.oid = 'people'::regclass
"""
MIGRATIONS = Path(__file__).parents[2] / "migrations"

health = Blueprint("health", __name__, tag="Health", guest=True)


class HealthSchema(WireSchema):
    """How things stand: degraded still answers, unavailable does not."""

    status = EnumString(("ready", "degraded", "unavailable"), required=True)
    database = fields.String(metadata={"example": "ok"})
    migrations = fields.String(metadata={"example": "ok"})
    practice_wall = fields.String(metadata={"example": "ok"})
    worker = fields.String(metadata={"example": "ok"})
    recovery_file = fields.String(metadata={"example": "ok"})


@health.route("/health/live")
@health.response(200, HealthSchema(), has_etag=False)
def check_live() -> Response:
    """Say that the process answers"""
    return Response(to_json({"status": "ready"}), mimetype="application/json")


@health.route("/health/ready")
@health.response(200, HealthSchema(), others={503: HealthSchema()}, has_etag=False)
def check_ready() -> Response:
    """Say whether everything a request needs is there"""
    checks = {"database": "ok", "migrations": "ok", "practice_wall": "ok", "worker": "ok", "recovery_file": "ok"}
    try:
        checks["migrations"] = _migrations()
        if checks["migrations"] == "ok":
            checks["practice_wall"] = _practice_wall()
            checks["worker"] = _worker()
    except (SQLAlchemyError, Unavailable):
        checks["database"] = "not reachable"
    if crypto.Keyring.load(crypto.keyring().path).exported_at is None:
        checks["recovery_file"] = "missing: run `flask keys export`"
    down = {checks[name] for name in ("database", "migrations", "practice_wall")} != {"ok"}
    late = checks["worker"] != "ok" or checks["recovery_file"] != "ok"
    status = "unavailable" if down else "degraded" if late else "ready"
    return Response(to_json({"status": status, **checks}), 503 if down else 200, mimetype="application/json")


def _migrations() -> str:
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with db.engines[READ].connect() as connection:
        begun = inspect(connection).has_table("alembic_version")
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if begun else None
    return "ok" if current == head else "behind: run `flask db upgrade`"


def _practice_wall() -> str:
    """Whether row-level security is there and holds for the role of this process: no superuser, no owner."""
    if not is_postgresql():
        return "ok"
    with db.engines[READ].connect() as connection:
        open_to_role = connection.execute(text(CAN_BYPASS)).scalar()
    return "open: give the portal a role of its own, see docs/operations.md" if open_to_role else "ok"


def _worker() -> str:
    seen = jobs.last_heartbeat(WORKER)
    return "ok" if seen is not None and clock.now() - seen < LATE else "late: start `flask worker`"
