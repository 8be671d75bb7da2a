"""What organisations say they are units of, until that one has said so too; introductions with nobody to ask."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_0009"
down_revision = "2026_11_28_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("organisations") as batch_op:
        batch_op.add_column(sa.Column("stated_parent", sa.Uuid(), nullable=True))
        batch_op.create_index("ix_organisations_stated_parent", ["stated_parent"])
        batch_op.create_foreign_key(
            op.f("fk_organisations_stated_parent_organisations"),
            "organisations",
            ["stated_parent"],
            ["id"],
            ondelete="SET NULL",
        )
    with op.batch_alter_table("introductions") as batch_op:
        batch_op.add_column(sa.Column("nobody_to_ask", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("introductions") as batch_op:
        batch_op.drop_column("nobody_to_ask")
    with op.batch_alter_table("organisations") as batch_op:
        batch_op.drop_constraint(op.f("fk_organisations_stated_parent_organisations"), type_="foreignkey")
        batch_op.drop_index("ix_organisations_stated_parent")
        batch_op.drop_column("stated_parent")
