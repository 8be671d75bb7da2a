"""Erased organisations."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "2026_11_22_0002"
down_revision = "2026_11_22_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_organisations")),
    )


def downgrade() -> None:
    op.drop_table("erased_organisations")
