"""Which stream the service tells, so that one made anew is known as another."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision: str = "2026_11_28_0013"
down_revision: str | None = "2026_11_28_0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "known_streams",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_known_streams")),
    )


def downgrade() -> None:
    op.drop_table("known_streams")
