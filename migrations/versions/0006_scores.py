"""What an attempt comes to, whether clients read words on it, what file a resource came in, and longer block ids.

Going back, scores and digests are dropped; comments on blocks with longer ids must be gone before.

Revision: 0006
After: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("responses", sa.Column("scores", sa.LargeBinary(), nullable=True))
    op.add_column("practices", sa.Column("clients_see_bands", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("resources", sa.Column("import_digest", sa.String(64), nullable=True))
    with op.batch_alter_table("comments") as comments:
        comments.alter_column("block", existing_type=sa.String(64), type_=sa.String(255), existing_nullable=True)


def downgrade() -> None:
    with op.batch_alter_table("comments") as comments:
        comments.alter_column("block", existing_type=sa.String(255), type_=sa.String(64), existing_nullable=True)
    op.drop_column("resources", "import_digest")
    op.drop_column("practices", "clients_see_bands")
    op.drop_column("responses", "scores")
