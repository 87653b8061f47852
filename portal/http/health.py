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


STATUSES = {
    "ready": "Everything works.",
    "degraded": "Requests are answered, but the worker or the recovery file is missing.",
    "unavailable": "The database, its migrations or row-level security are not as they must be.",
}


def _check(description: str) -> fields.String:
    return fields.String(metadata={"description": description, "example": "ok"})


class HealthSchema(WireSchema):
    """The state of the install: as a whole, and check by check."""

    status = EnumString(STATUSES, required=True, metadata={"description": "The state as a whole.", "example": "ready"})
    database = _check("`ok`, or why the database cannot be used.")
    migrations = _check("`ok`, or that the tables are not those of this version.")
    practice_wall = _check("`ok`, or that row-level security does not hold for this role.")
    worker = _check("`ok`, or that the worker has not been seen for a minute.")
    recovery_file = _check("`ok`, or that the recovery file has not been exported.")


@health.route("/health/live")
@health.response(200, HealthSchema(), has_etag=False)
def check_live() -> Response:
    """Check that the process is up"""
    return Response(to_json({"status": "ready"}), mimetype="application/json")


@health.route("/health/ready")
@health.response(200, HealthSchema(), others={503: HealthSchema()}, has_etag=False)
def check_ready() -> Response:
    """Check that the install is ready"""
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
