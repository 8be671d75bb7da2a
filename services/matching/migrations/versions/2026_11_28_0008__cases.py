"""What the secretariat has to settle."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "2026_11_28_0008"
down_revision = "2026_11_28_0007"
branch_labels = None
depends_on = None

_IS_OPEN = sa.text("settled_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("about", sa.String(length=400), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column("domain", sa.String(length=253), nullable=True),
        sa.Column("opened_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("settled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("settled_as", sa.String(length=20), nullable=True),
        sa.Column("settled_by", sa.String(length=254), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_cases_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["other_id"], ["organisations.id"], name=op.f("fk_cases_other_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index(
        "uq_cases_open", "cases", ["kind", "about"], unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN
    )
    op.create_index("ix_cases_kind_id", "cases", ["kind", "id"])
    op.create_index("ix_cases_other_id", "cases", ["other_id"])
    op.create_index("ix_cases_organisation_id", "cases", ["organisation_id"])


def downgrade() -> None:
    op.drop_table("cases")
