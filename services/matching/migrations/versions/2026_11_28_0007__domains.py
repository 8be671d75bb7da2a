"""Domains and numbers, stated or proven."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.domains import website_domain
from shared.normal_forms import same_name

revision = "2026_11_28_0007"
down_revision = "2026_11_22_0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_IS_PROVEN = sa.text("status = 'proven'")


def upgrade() -> None:
    op.create_table(
        "domains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("use", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=20), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_domains_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domains")),
        sa.UniqueConstraint("organisation_id", "domain", "use", name=op.f("uq_domains_organisation_id_domain_use")),
    )
    op.create_index("ix_domains_domain", "domains", ["domain"])
    op.create_index(
        "uq_domains_proven",
        "domains",
        ["domain", "use"],
        unique=True,
        sqlite_where=_IS_PROVEN,
        postgresql_where=_IS_PROVEN,
    )
    with op.batch_alter_table("organisations") as batch_op:
        batch_op.drop_column("mail_domain")
        batch_op.add_column(sa.Column("web_domain", sa.String(length=253), nullable=True))
        batch_op.add_column(sa.Column("name_form", sa.String(length=600), server_default="", nullable=False))
        batch_op.add_column(sa.Column("proven_domains", _JSON, server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("cvr_proven", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("imported", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index("ix_organisations_web_domain", ["web_domain"])
        batch_op.create_index("ix_organisations_name_form", ["name_form"])
    organisations = sa.table(
        "organisations",
        sa.column("id", sa.Uuid()),
        sa.column("name"),
        sa.column("website"),
        sa.column("web_domain"),
        sa.column("name_form"),
        sa.column("imported", sa.Boolean()),
        sa.column("import_key"),
    )
    connection = op.get_bind()
    by_import = organisations.c.import_key.is_not(None)
    connection.execute(organisations.update().where(by_import).values(imported=sa.true()))
    for row in connection.execute(sa.select(organisations.c.id, organisations.c.name, organisations.c.website)).all():
        forms = {"name_form": same_name(row.name), "web_domain": website_domain(row.website)}
        connection.execute(organisations.update().where(organisations.c.id == row.id).values(**forms))


def downgrade() -> None:
    with op.batch_alter_table("organisations") as batch_op:
        batch_op.drop_index("ix_organisations_web_domain")
        batch_op.drop_index("ix_organisations_name_form")
        for name in ("name_form", "imported", "cvr_proven", "proven_domains", "web_domain"):
            batch_op.drop_column(name)
        batch_op.add_column(sa.Column("mail_domain", sa.String(length=253), nullable=True))
    op.drop_table("domains")
