"""The foundation: every table of accounts, caseload, library, assignments and the kernel.

Revision: 0001
After: None
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import Id, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_key", "attempts", ["key", "at"], unique=False)

    op.create_table(
        "data_keys",
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("keyring_version", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("practice_id", "subject_id", name=op.f("pk_data_keys")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "practices",
        sa.Column("id", Id(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("quiet_days", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practices")),
        sa.UniqueConstraint("slug", name=op.f("uq_practices_slug")),
    )
    op.create_table(
        "setup_links",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_setup_links")),
    )
    op.create_table(
        "events",
        sa.Column("fact", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", Id(), nullable=True),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.LargeBinary(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_events_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_client", "events", ["practice_id", "client_id", "fact", "position"], unique=False)
    op.create_index("ix_events_position", "events", ["practice_id", "position"], unique=True)
    op.create_index(
        "ix_events_unsealed",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )

    op.create_table(
        "jobs",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("gave_up", sa.Boolean(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_jobs_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.create_table(
        "people",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("owner", sa.Boolean(), nullable=False),
        sa.Column("therapist", sa.Boolean(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("mail_address", sa.LargeBinary(), nullable=False),
        sa.Column("mail_index", sa.String(length=64), nullable=True),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("activated_at", Instant(), nullable=True),
        sa.Column("deactivated_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.CheckConstraint(
            "kind = 'staff' OR (NOT owner AND NOT therapist)", name=op.f("ck_people_clients_stand_alone")
        ),
        sa.CheckConstraint("kind IN ('staff', 'client')", name=op.f("ck_people_kind")),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_people_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_people")),
        sa.UniqueConstraint("practice_id", "mail_index", name=op.f("uq_people_practice_id_mail_index")),
    )
    op.create_table(
        "resources",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("origin_key", sa.String(length=64), nullable=True),
        sa.Column("origin_digest", sa.String(length=64), nullable=True),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("latest_number", sa.Integer(), nullable=True),
        sa.Column("published_from", sa.Integer(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("archived_at", Instant(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("intensity", sa.String(length=8), nullable=False),
        sa.Column("content_note", sa.Text(), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_resources_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_resources")),
        sa.UniqueConstraint("practice_id", "origin_key", name=op.f("uq_resources_practice_id_origin_key")),
    )
    op.create_index("ix_resources_listed", "resources", ["practice_id", "updated_at"], unique=False)

    op.create_table(
        "clients",
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("archived_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "id"], ["people.practice_id", "people.id"], name=op.f("fk_clients_practice_id_id")
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_clients_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_clients")),
    )
    op.create_table(
        "credentials",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("person_id", Id(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "person_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_credentials_practice_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_credentials_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_credentials_secret_hash")),
    )
    op.create_index("ix_credentials_person", "credentials", ["practice_id", "person_id", "kind"], unique=False)

    op.create_table(
        "invitations",
        sa.Column("person_id", Id(), nullable=False),
        sa.Column("invited_by", Id(), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("accepted_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "invited_by"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_invitations_practice_id_invited_by"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "person_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_invitations_practice_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_invitations_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_person", "invitations", ["practice_id", "person_id"], unique=False)

    op.create_table(
        "resource_versions",
        sa.Column("resource_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("published_by", Id(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("intensity", sa.String(length=8), nullable=False),
        sa.Column("content_note", sa.Text(), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "resource_id"],
            ["resources.practice_id", "resources.id"],
            name=op.f("fk_resource_versions_practice_id_resource_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_resource_versions_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_resource_versions")),
        sa.UniqueConstraint(
            "practice_id", "resource_id", "number", name=op.f("uq_resource_versions_practice_id_resource_id_number")
        ),
    )
    op.create_table(
        "care_links",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("therapist_id", Id(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "client_id"],
            ["clients.practice_id", "clients.id"],
            name=op.f("fk_care_links_practice_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "therapist_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_care_links_practice_id_therapist_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_care_links_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_care_links")),
    )
    op.create_index("ix_care_links_client", "care_links", ["practice_id", "client_id"], unique=False)
    op.create_index(
        "ix_care_links_open",
        "care_links",
        ["practice_id", "therapist_id", "client_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.create_table(
        "notes",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("author_id", Id(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "author_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_notes_practice_id_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "client_id"],
            ["clients.practice_id", "clients.id"],
            name=op.f("fk_notes_practice_id_client_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_notes_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_author", "notes", ["practice_id", "client_id", "author_id", "created_at"], unique=False)

    op.create_table(
        "assignments",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("care_id", Id(), nullable=False),
        sa.Column("therapist_id", Id(), nullable=False),
        sa.Column("resource_id", Id(), nullable=False),
        sa.Column("version_id", Id(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_before", sa.String(length=40), nullable=True),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("plan", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("did_something_else", sa.Boolean(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("opens_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("assigned_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=True),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("submitted_at", Instant(), nullable=True),
        sa.Column("reviewed_at", Instant(), nullable=True),
        sa.Column("last_act_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.CheckConstraint("answered >= 0 AND answered <= total", name=op.f("ck_assignments_progress")),
        sa.ForeignKeyConstraint(
            ["practice_id", "care_id"],
            ["care_links.practice_id", "care_links.id"],
            name=op.f("fk_assignments_practice_id_care_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "client_id"],
            ["clients.practice_id", "clients.id"],
            name=op.f("fk_assignments_practice_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "resource_id"],
            ["resources.practice_id", "resources.id"],
            name=op.f("fk_assignments_practice_id_resource_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "therapist_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_assignments_practice_id_therapist_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "version_id"],
            ["resource_versions.practice_id", "resource_versions.id"],
            name=op.f("fk_assignments_practice_id_version_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_assignments_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_care", "assignments", ["practice_id", "care_id", "status"], unique=False)
    op.create_index(
        "ix_assignments_client", "assignments", ["practice_id", "client_id", "assigned_at", "id"], unique=False
    )
    op.create_index(
        "ix_assignments_therapist", "assignments", ["practice_id", "therapist_id", "assigned_at", "id"], unique=False
    )

    op.create_table(
        "comments",
        sa.Column("assignment_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("block", sa.String(length=64), nullable=True),
        sa.Column("author_id", Id(), nullable=False),
        sa.Column("author_kind", sa.String(length=8), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "assignment_id"],
            ["assignments.practice_id", "assignments.id"],
            name=op.f("fk_comments_practice_id_assignment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "author_id"],
            ["people.practice_id", "people.id"],
            name=op.f("fk_comments_practice_id_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "client_id"],
            ["clients.practice_id", "clients.id"],
            name=op.f("fk_comments_practice_id_client_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_comments_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_comments")),
    )
    op.create_index(
        "ix_comments_assignment", "comments", ["practice_id", "assignment_id", "created_at", "id"], unique=False
    )

    op.create_table(
        "responses",
        sa.Column("assignment_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("draft", sa.LargeBinary(), nullable=True),
        sa.Column("submission", sa.LargeBinary(), nullable=True),
        sa.Column("feedback", sa.LargeBinary(), nullable=True),
        sa.Column("private_count", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=True),
        sa.Column("submitted_at", Instant(), nullable=True),
        sa.Column("reviewed_at", Instant(), nullable=True),
        sa.Column("returned_at", Instant(), nullable=True),
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "assignment_id"],
            ["assignments.practice_id", "assignments.id"],
            name=op.f("fk_responses_practice_id_assignment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "client_id"],
            ["clients.practice_id", "clients.id"],
            name=op.f("fk_responses_practice_id_client_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_responses_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "id", name=op.f("pk_responses")),
        sa.UniqueConstraint(
            "practice_id", "assignment_id", "attempt", name=op.f("uq_responses_practice_id_assignment_id_attempt")
        ),
    )


def downgrade() -> None:
    for table in (
        "responses",
        "comments",
        "assignments",
        "notes",
        "care_links",
        "resource_versions",
        "invitations",
        "credentials",
        "clients",
        "resources",
        "people",
        "jobs",
        "events",
        "setup_links",
        "practices",
        "heartbeats",
        "data_keys",
        "attempts",
    ):
        op.drop_table(table)
