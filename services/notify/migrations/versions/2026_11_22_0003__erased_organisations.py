"""Erased organisations, and which organisation a letter speaks of."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "2026_11_22_0003"
down_revision = "2026_11_22_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_organisations")),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about_id", sa.Uuid(), nullable=True))
        batch_op.create_index(
            "ix_notifications_about_id",
            ["about_id"],
            unique=False,
            sqlite_where=sa.text("about_id IS NOT NULL"),
            postgresql_where=sa.text("about_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_profile",
            ["opens_id"],
            unique=False,
            sqlite_where=sa.text("opens = 'profile'"),
            postgresql_where=sa.text("opens = 'profile'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_notifications_profile",
            sqlite_where=sa.text("opens = 'profile'"),
            postgresql_where=sa.text("opens = 'profile'"),
        )
        batch_op.drop_index(
            "ix_notifications_about_id",
            sqlite_where=sa.text("about_id IS NOT NULL"),
            postgresql_where=sa.text("about_id IS NOT NULL"),
        )
        batch_op.drop_column("about_id")

    op.drop_table("erased_organisations")
