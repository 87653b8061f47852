"""The environment Alembic runs in: connected as the role that owns the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import messaging
from flask import current_app

from portal.core.db.engines import OWNER, db
from portal.core.db.tables import Id, Instant
from portal.library.models import JsonText, is_mapped

OWN_TYPES = (Id, Instant)
NO_CHANGE = (
    "Nothing to migrate: the database is as the models say. "
    "A new domain's models are found once portal/app.py imports its blueprint."
)


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Render our own column types by name, and JSON text as the plain text it is to the database."""
    if kind == "type" and isinstance(item, OWN_TYPES):
        autogen.imports.add("from migrations.columns import Id, Instant")
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, JsonText):
        return "sa.Text()"
    return False


def number_revision(
    _migration: MigrationContext,
    _revision: str | Iterable[str | None] | Iterable[str],
    scripts: list[MigrationScript],
) -> None:
    """Give a new revision the number after the newest; write none where autogenerate finds no difference."""
    script, options = scripts[0], context.config.cmd_opts
    if getattr(options, "autogenerate", False) and script.upgrade_ops and script.upgrade_ops.is_empty():
        messaging.msg(NO_CHANGE)
        scripts.clear()
        return
    head = ScriptDirectory.from_config(context.config).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04}"


def run() -> None:
    with db.engines[OWNER].connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=current_app.extensions["migrate"].db.Model.metadata,
            render_item=render_item,
            include_name=is_mapped,
            process_revision_directives=number_revision,
            render_as_batch=True,
            compare_type=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
