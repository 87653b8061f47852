"""Integrations and what therapists let them see, replies kept for a day, and the counts of each care link.

Existing assignments are counted. Going back, tokens of integrations are dropped; facts recorded with a care link
keep a chain link that says so, which the earlier version cannot compute.

Revision: 0002
After: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import Id, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTED = """
INSERT INTO care_counts (
    practice_id, care_id, assigned, done, waiting, open, paused, declined,
    waiting_since, next_due_at, last_assigned_at, last_act_at
)
SELECT practice_id, care_id,
    sum(CASE WHEN status <> 'withdrawn' THEN 1 ELSE 0 END),
    sum(CASE WHEN status IN ('submitted', 'reviewed') THEN 1 ELSE 0 END),
    sum(CASE WHEN status = 'submitted' THEN 1 ELSE 0 END),
    sum(CASE WHEN status IN ('assigned', 'seen', 'in_progress') THEN 1 ELSE 0 END),
    sum(CASE WHEN status = 'paused' THEN 1 ELSE 0 END),
    sum(CASE WHEN status = 'declined' THEN 1 ELSE 0 END),
    min(CASE WHEN status = 'submitted' THEN submitted_at END),
    min(CASE WHEN status IN ('assigned', 'seen', 'in_progress') THEN due_at END),
    max(assigned_at),
    max(last_act_at)
FROM assignments
GROUP BY practice_id, care_id
"""


def upgrade() -> None:
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
    op.create_table(
        "integrations",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_by", Id(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "created_by"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_integrations_practice_id_created_by"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_integrations_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_integrations")),
    )
    op.create_table(
        "opt_ins",
        sa.Column("integration_id", Id(), nullable=False),
        sa.Column("therapist_id", Id(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "integration_id"],
            ["integrations.practice_id", "integrations.id"],
            name=op.f("fk_opt_ins_practice_id_integration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "therapist_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_opt_ins_practice_id_therapist_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_opt_ins_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_opt_ins")),
        sa.UniqueConstraint(
            "practice_id",
            "integration_id",
            "therapist_id",
            name=op.f("uq_opt_ins_practice_id_integration_id_therapist_id"),
        ),
    )
    op.create_table(
        "care_counts",
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("care_id", Id(), nullable=False),
        sa.Column("assigned", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("declined", sa.Integer(), nullable=False),
        sa.Column("waiting_since", Instant(), nullable=True),
        sa.Column("next_due_at", Instant(), nullable=True),
        sa.Column("last_assigned_at", Instant(), nullable=True),
        sa.Column("last_act_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["practice_id", "care_id"],
            ["care_links.practice_id", "care_links.id"],
            name=op.f("fk_care_counts_practice_id_care_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_care_counts_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "care_id", name=op.f("pk_care_counts")),
    )
    with op.batch_alter_table("assignments", schema=None) as batch_op:
        batch_op.create_index("ix_assignments_practice", ["practice_id", "assigned_at", "id"], unique=False)

    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("integration_id", Id(), nullable=True))
        batch_op.alter_column("person_id", existing_type=Id(), nullable=True)
        batch_op.create_check_constraint(
            batch_op.f("ck_credentials_one_holder"), "(person_id IS NULL) <> (integration_id IS NULL)"
        )
        batch_op.create_index("ix_credentials_integration", ["practice_id", "integration_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_credentials_practice_id_integration_id"),
            "integrations",
            ["practice_id", "integration_id"],
            ["practice_id", "id"],
        )

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("care_id", Id(), nullable=True))

    op.execute(COUNTED)


def downgrade() -> None:
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_column("care_id")

    op.execute("DELETE FROM credentials WHERE integration_id IS NOT NULL")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_credentials_one_holder"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_credentials_practice_id_integration_id"), type_="foreignkey")
        batch_op.drop_index("ix_credentials_integration")
        batch_op.alter_column("person_id", existing_type=Id(), nullable=False)
        batch_op.drop_column("integration_id")

    with op.batch_alter_table("assignments", schema=None) as batch_op:
        batch_op.drop_index("ix_assignments_practice")

    op.drop_table("care_counts")
    op.drop_table("opt_ins")
    op.drop_table("integrations")
    op.drop_table("kept_replies")
