"""Erasures and their reports, exports and their parts."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_0005"
down_revision = "2026_11_22_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "erased_organisations",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasures.id"], name=op.f("fk_erased_organisations_erasure_id_erasures")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_erased_organisations")),
    )
    with op.batch_alter_table("erased_organisations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erased_organisations_change"), ["change"], unique=False)
        batch_op.create_index(batch_op.f("ix_erased_organisations_erasure_id"), ["erasure_id"], unique=False)

    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_exports_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_exports_organisation_id")),
    )
    with op.batch_alter_table("exports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exports_asked_at"), ["asked_at"], unique=False)

    op.create_table(
        "erasure_parts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("service", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("erased", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("kept", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["erased_organisations.organisation_id"],
            name=op.f("fk_erasure_parts_organisation_id_erased_organisations"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "service", name=op.f("pk_erasure_parts")),
    )
    op.create_table(
        "exported_parts",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("service", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("items", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name=op.f("fk_exported_parts_export_id_exports")),
        sa.PrimaryKeyConstraint("export_id", "service", "part", name=op.f("pk_exported_parts")),
    )


def downgrade() -> None:
    op.drop_table("exported_parts")
    op.drop_table("erasure_parts")
    with op.batch_alter_table("exports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exports_asked_at"))

    op.drop_table("exports")
    with op.batch_alter_table("erased_organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_erased_organisations_erasure_id"))
        batch_op.drop_index(batch_op.f("ix_erased_organisations_change"))

    op.drop_table("erased_organisations")
    op.drop_table("erasures")
