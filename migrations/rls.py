"""Row-level security for the tables that migrations create.

Released migrations call this, so it imports nothing of the product and what it does never changes: a different policy
is a function of its own.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection

CURRENT_PRACTICE = "(SELECT nullif(nullif(current_setting('app.practice', true), ''), '*')::uuid)"


class Operations(Protocol):
    """The part of `alembic.op` that is used here."""

    def get_bind(self) -> Connection: ...

    def execute(self, sqltext: str) -> None: ...


def enable_rls(op: Operations, table: str) -> None:
    """Show the application's role only the rows of the practice in `app.practice`; the owner still sees every row.

    The table needs a `practice_id` column. Does nothing on SQLite; dropping the table drops its policies.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY practice ON {table} USING (practice_id = {CURRENT_PRACTICE})")
