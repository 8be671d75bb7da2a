"""Who of those going agreed to be shown. Nobody has yet: none could."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_0006"
down_revision = "2026_11_22_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("going") as batch_op:
        batch_op.add_column(sa.Column("shown", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("going") as batch_op:
        batch_op.drop_column("shown")
