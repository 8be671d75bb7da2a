"""Profiles that are new, for whom they are strong partners, and when who was told."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "2026_11_22_0004"
down_revision = "2026_11_22_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "found_suggestions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("found_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("told_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_found_suggestions_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["organisations.id"],
            name=op.f("fk_found_suggestions_other_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "other_id", name=op.f("pk_found_suggestions")),
    )
    with op.batch_alter_table("found_suggestions", schema=None) as batch_op:
        batch_op.create_index("ix_found_suggestions_other_id", ["other_id"], unique=False)
        batch_op.create_index(
            "ix_found_suggestions_untold",
            ["organisation_id", "found_at"],
            unique=False,
            sqlite_where=sa.text("told_at IS NULL"),
            postgresql_where=sa.text("told_at IS NULL"),
        )

    op.create_table(
        "new_profiles",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("queued_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_new_profiles_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_new_profiles")),
    )
    with op.batch_alter_table("new_profiles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_new_profiles_queued_at"), ["queued_at"], unique=False)

    op.create_table(
        "notices",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_notices_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_notices")),
    )


def downgrade() -> None:
    op.drop_table("notices")
    with op.batch_alter_table("new_profiles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_new_profiles_queued_at"))

    op.drop_table("new_profiles")
    with op.batch_alter_table("found_suggestions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_found_suggestions_untold",
            sqlite_where=sa.text("told_at IS NULL"),
            postgresql_where=sa.text("told_at IS NULL"),
        )
        batch_op.drop_index("ix_found_suggestions_other_id")

    op.drop_table("found_suggestions")
