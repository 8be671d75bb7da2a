"""What those who come were last told of an event, and the reason of a cancellation in both languages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_28_0009"
down_revision = "2026_11_28_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("events") as batch_op:
        batch_op.add_column(sa.Column("told", json, nullable=True))
        batch_op.add_column(sa.Column("cancel_reasons", json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("events") as batch_op:
        batch_op.drop_column("cancel_reasons")
        batch_op.drop_column("told")
