"""Answers that an address is registered, counted for an hour."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "2026_11_28_0006"
down_revision = "2026_11_28_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "misses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("counted_for", sa.LargeBinary(), nullable=False),
        sa.Column("missed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misses")),
    )
    op.create_index("ix_misses_counted_for_missed_at", "misses", ["counted_for", "missed_at"])
    op.create_index("ix_misses_missed_at", "misses", ["missed_at"])


def downgrade() -> None:
    op.drop_table("misses")
