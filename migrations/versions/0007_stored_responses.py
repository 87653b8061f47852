"""The table of stored responses gets its name; it was called kept_replies.

What it holds is sealed under the table's name and lives for a day, so it is dropped both ways: a request that is
repeated across this migration is carried out again.

Revision: 0007
After: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import Id, Instant
from migrations.rls import enable_rls

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("kept_replies")
    op.create_table(
        "stored_responses",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_stored_responses_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_stored_responses")),
        sa.UniqueConstraint("practice_id", "key", name=op.f("uq_stored_responses_practice_id_key")),
    )
    _open_to_workers("stored_responses")


def downgrade() -> None:
    op.drop_table("stored_responses")
    op.create_table(
        "kept_replies",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_kept_replies_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_kept_replies")),
        sa.UniqueConstraint("practice_id", "key", name=op.f("uq_kept_replies_practice_id_key")),
    )
    _open_to_workers("kept_replies")


def _open_to_workers(table: str) -> None:
    """Show the rows of the current practice, and all rows to the worker that deletes expired ones."""
    enable_rls(op, table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE POLICY every_practice ON {table} USING ((SELECT current_setting('app.practice', true)) = '*')"
        )
