"""The crisis card, alerts, and who is told when one waits too long.

Going back, alerts and the practices' own cards are dropped.

Revision: 0004
After: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import Id, Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("crisis_cards", "alerts")
CURRENT = "(SELECT nullif(nullif(current_setting('app.practice', true), ''), '*')::uuid)"


def upgrade() -> None:
    op.add_column("practices", sa.Column("cover_id", Id(), nullable=True))
    op.add_column("practices", sa.Column("alert_wait_hours", sa.Integer(), nullable=False, server_default="24"))
    op.create_table(
        "crisis_cards",
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_crisis_cards_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", name=op.f("pk_crisis_cards")),
    )
    op.create_table(
        "alerts",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("care_id", Id(), nullable=False),
        sa.Column("assignment_id", Id(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("acknowledged_by", Id(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("escalated_at", Instant(), nullable=True),
        sa.Column("covered_by", Id(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "acknowledged_by"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_alerts_practice_id_acknowledged_by"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "care_id"],
            ["care_links.practice_id", "care_links.id"],
            name=op.f("fk_alerts_practice_id_care_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "client_id"],
            ["clients.practice_id", "clients.id"],
            name=op.f("fk_alerts_practice_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "covered_by"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_alerts_practice_id_covered_by"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_alerts_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_client", "alerts", ["practice_id", "client_id", "raised_at", "id"])
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["practice_id", "client_id", "raised_at"],
        sqlite_where=sa.text("acknowledged_at IS NULL"),
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            _wall(table)


def _wall(table: str) -> None:
    """One practice at a time, as 0003 has it for every table of a practice."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY practice ON {table} USING (practice_id = {CURRENT})")


def downgrade() -> None:
    op.drop_table("alerts")
    op.drop_table("crisis_cards")
    op.drop_column("practices", "alert_wait_hours")
    op.drop_column("practices", "cover_id")
