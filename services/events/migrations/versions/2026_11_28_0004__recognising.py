"""What is stated of an organisation and what is proven: sign-ups made before count as they did."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.normal_forms import same_name

revision = "2026_11_28_0004"
down_revision = "2026_11_22_0003"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("organisations") as batch_op:
        for name in ("uq_organisations_cvr", "uq_organisations_domain", "ix_organisations_domain"):
            batch_op.drop_index(name)
        for name in ("sole_cvr", "sole_domain", "domain"):
            batch_op.drop_column(name)
        batch_op.add_column(sa.Column("name_form", sa.String(length=600), server_default="", nullable=False))
        batch_op.add_column(sa.Column("cvr_proven", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("published", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("maker_key", sa.String(length=254), nullable=True))
        batch_op.create_index("ix_organisations_parent", ["parent"])
        batch_op.create_index("ix_organisations_maker_key", ["maker_key"])
    organisations = sa.table("organisations", sa.column("id", sa.Uuid()), sa.column("name"), sa.column("name_form"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(organisations.c.id, organisations.c.name)).all():
        its = organisations.update().where(organisations.c.id == row.id)
        connection.execute(its.values(name_form=same_name(row.name)))
    op.create_table(
        "mail_domains",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_mail_domains")),
    )
    op.create_index("ix_mail_domains_organisation_id", "mail_domains", ["organisation_id"])
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    op.create_index("ix_members_organisation_id", "members", ["organisation_id"])
    op.create_index("ix_members_email_key", "members", ["email_key"])
    with op.batch_alter_table("registrations") as batch_op:
        batch_op.add_column(sa.Column("stated", _JSON, nullable=True))
        batch_op.add_column(sa.Column("stated_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("recognised_by", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("contact_confirmed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("registrations") as batch_op:
        for name in ("contact_confirmed_at", "recognised_by", "stated_id", "stated"):
            batch_op.drop_column(name)
    op.drop_table("members")
    op.drop_table("mail_domains")
    with op.batch_alter_table("organisations") as batch_op:
        for name in ("ix_organisations_maker_key", "ix_organisations_parent"):
            batch_op.drop_index(name)
        for name in ("maker_key", "published", "cvr_proven", "name_form"):
            batch_op.drop_column(name)
        batch_op.add_column(sa.Column("domain", sa.String(length=253), nullable=True))
        for name in ("sole_cvr", "sole_domain"):
            batch_op.add_column(sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index("ix_organisations_domain", ["domain"])
        batch_op.create_index(
            "uq_organisations_cvr",
            ["country", "cvr"],
            unique=True,
            sqlite_where=sa.text("sole_cvr"),
            postgresql_where=sa.text("sole_cvr"),
        )
        batch_op.create_index(
            "uq_organisations_domain",
            ["domain"],
            unique=True,
            sqlite_where=sa.text("sole_domain"),
            postgresql_where=sa.text("sole_domain"),
        )
