"""Row-level security on PostgreSQL: the application's role sees the rows of one practice at a time.

Which one stands in `app.practice`; without it, none. `credentials` is left out, as the door reads it before it knows
the practice; a practice's name can be read by all, since signing in looks it up. What a worker looks through for all
practices opens to `*`. The owner of the tables sees everything: migrations and backups.

SQLite has nothing of the kind and stays as it is.

Revision: 0003
After: 0002
"""

from __future__ import annotations

from alembic import op
from flask import current_app
from sqlalchemy import make_url, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OF_ONE_PRACTICE = (
    "assignments",
    "care_counts",
    "care_links",
    "clients",
    "comments",
    "data_keys",
    "integrations",
    "invitations",
    "notes",
    "opt_ins",
    "people",
    "resource_versions",
    "resources",
    "responses",
)
WORKED_THROUGH = ("events", "jobs", "kept_replies")
CURRENT = "(SELECT nullif(nullif(current_setting('app.practice', true), ''), '*')::uuid)"
EVERY = "(SELECT current_setting('app.practice', true)) = '*'"


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    for table in (*OF_ONE_PRACTICE, *WORKED_THROUGH):
        _wall(table)
        op.execute(f"CREATE POLICY practice ON {table} USING (practice_id = {CURRENT})")
    for table in WORKED_THROUGH:
        op.execute(f"CREATE POLICY every_practice ON {table} USING ({EVERY})")
    _wall("practices")
    op.execute("CREATE POLICY known ON practices FOR SELECT USING (true)")
    op.execute(f"CREATE POLICY practice ON practices USING (id = {CURRENT})")
    application = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).username
    owner = bind.execute(text("SELECT current_user")).scalar_one()
    if application and application != owner:
        _let_work(bind.dialect.identifier_preparer.quote(application))


def _wall(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true)")


def _let_work(role: str) -> None:
    """The application's role reads and writes rows, here and in tables to come; it changes no table."""
    op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")


def downgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    for table in (*OF_ONE_PRACTICE, *WORKED_THROUGH, "practices"):
        policies = bind.execute(
            text("SELECT policyname FROM pg_policies WHERE schemaname = current_schema() AND tablename = :name"),
            {"name": table},
        )
        for policy in policies.scalars().all():
            op.execute(f"DROP POLICY {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
