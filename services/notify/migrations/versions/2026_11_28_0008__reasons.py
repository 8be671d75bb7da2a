"""The reason of a cancellation in both languages."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_0008"
down_revision = "2026_11_28_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("events") as batch_op:
        batch_op.add_column(sa.Column("cancel_reasons", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("events") as batch_op:
        batch_op.drop_column("cancel_reasons")
