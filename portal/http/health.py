"""Health checks for load balancers and operators: whether the process runs, and whether it can serve requests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import Response
from marshmallow import fields
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

import portal
from portal.core import clock, crypto, jobs
from portal.core.db.engines import READ, db, is_postgresql
from portal.core.errors import Unavailable
from portal.core.wire import EnumString, WireSchema
from portal.http.blueprint import Blueprint
from portal.http.serializer import to_json

WORKER = "worker"
WORKER_TIMEOUT = timedelta(seconds=60)
CAN_BYPASS = """
SELECT bool_or(
    role.rolsuper OR role.rolbypassrls OR pg_has_role(current_user, owned.relowner, 'MEMBER')
    OR NOT owned.relrowsecurity
)
FROM pg_roles AS role, pg_class AS owned
WHERE role.rolname = current_user AND owned.oid = 'people'::regclass
"""
STATUSES = {
    "ready": "Everything works.",
    "degraded": "Requests are served, but something needs attention.",
    "unavailable": "Requests cannot be served.",
}
MIGRATIONS = Path(__file__).parents[2] / "migrations"

health = Blueprint("health", __name__, tag="Health", guest=True)


class HealthSchema(WireSchema):
    """The state of this installation, with what to do about each part that is not ok."""

    status = EnumString(STATUSES, required=True, metadata={"description": "The state as a whole."})
    version = fields.String(metadata={"description": "The version that runs here.", "example": "0.1.0"})
    database = fields.String(metadata={"description": "Whether the database answers.", "example": "ok"})
    migrations = fields.String(metadata={"description": "Whether the database has the newest schema.", "example": "ok"})
    row_level_security = fields.String(
        metadata={"description": "Whether row-level security keeps practices apart.", "example": "ok"}
    )
    worker = fields.String(
        metadata={"description": "Whether a worker was active within the last minute.", "example": "ok"}
    )
    recovery_file = fields.String(
        metadata={"description": "Whether the recovery file of the keyring was exported.", "example": "ok"}
    )


@health.route("/health/live")
@health.response(200, HealthSchema(), has_etag=False)
def check_live() -> Response:
    """Check that the process runs"""
    return Response(to_json({"status": "ready"}), mimetype="application/json")


@health.route("/health/ready")
@health.response(200, HealthSchema(), others={503: HealthSchema()}, has_etag=False)
def check_ready() -> Response:
    """Check that everything a request needs is available"""
    checks = {"database": "ok", "migrations": "ok", "row_level_security": "ok", "worker": "ok", "recovery_file": "ok"}
    try:
        checks["migrations"] = _migrations()
        if checks["migrations"] == "ok":
            checks["row_level_security"] = _row_level_security()
            checks["worker"] = _worker()
    except (SQLAlchemyError, Unavailable):
        checks["database"] = "not reachable"
    if crypto.Keyring.load(crypto.keyring().path).exported_at is None:
        checks["recovery_file"] = "missing: run `flask keys export`"
    unavailable = {checks[name] for name in ("database", "migrations", "row_level_security")} != {"ok"}
    degraded = checks["worker"] != "ok" or checks["recovery_file"] != "ok"
    status = "unavailable" if unavailable else "degraded" if degraded else "ready"
    body = {"status": status, "version": portal.__version__, **checks}
    return Response(to_json(body), 503 if unavailable else 200, mimetype="application/json")


def _migrations() -> str:
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with db.engines[READ].connect() as connection:
        migrated = inspect(connection).has_table("alembic_version")
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if migrated else None
    return "ok" if current == head else "behind: run `flask db upgrade`"


def _row_level_security() -> str:
    """Whether row-level security is on and binds the role of this process, which is no superuser and no owner."""
    if not is_postgresql():
        return "ok"
    with db.engines[READ].connect() as connection:
        can_bypass = connection.execute(text(CAN_BYPASS)).scalar()
    return "bypassed: give the portal a role of its own, see docs/operations.md" if can_bypass else "ok"


def _worker() -> str:
    seen = jobs.last_heartbeat(WORKER)
    return "ok" if seen is not None and clock.now() - seen < WORKER_TIMEOUT else "late: start `flask worker`"
