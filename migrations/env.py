"""How Alembic reaches the database: as the role that owns the tables."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from portal.core.db.engines import OWNER, db
from portal.core.db.tables import Id, Instant
from portal.library.models import JsonText, is_mapped

OWN_TYPES = (Id, Instant)


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | bool:
    """Write our own column types by name; JSON text is plain text to the database."""
    if kind == "type" and isinstance(item, OWN_TYPES):
        autogen.imports.add("from portal.core.db import Id, Instant")
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, JsonText):
        return "sa.Text()"
    return False


def run() -> None:
    with db.engines[OWNER].connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=current_app.extensions["migrate"].db.Model.metadata,
            render_item=render_item,
            include_name=is_mapped,
            render_as_batch=True,
            compare_type=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
