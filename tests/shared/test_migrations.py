"""A database is brought to its newest schema, on both dialects, and keeps its rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared import migrations
from shared.database import Database
from shared.settings import SERVICES
from tests.conftest import NewDatabase

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "2026_01_01_0001", None


def upgrade():
    op.create_table("owners", sa.Column("id", sa.Integer, primary_key=True))
    op.create_table(
        "things",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Integer, sa.ForeignKey("owners.id", ondelete="CASCADE")),
    )
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "2026_01_01_0002", "2026_01_01_0001"


def upgrade():
    with op.batch_alter_table("owners", recreate="always") as owners:
        owners.add_column(sa.Column("name", sa.Text, nullable=False, server_default="nobody"))
"""
ENVIRONMENT = """
from alembic import context
from shared.database import new_metadata
from shared.migrations import run

run(context.config.attributes["connection"], new_metadata())
"""


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service's history of one revision."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT)
    (tmp_path / "versions" / "2026_01_01_0001__first.py").write_text(FIRST)
    monkeypatch.setattr(migrations, "folder_of", lambda _: tmp_path)
    return tmp_path


async def test_a_table_made_anew_does_not_take_with_it_what_refers_to_it(history: Path, tmp_path: Path) -> None:
    """SQLite alters by making the table anew; dropping the old one would delete what cascades from it."""
    url = f"sqlite+aiosqlite:///{tmp_path}/things.db"
    await migrations.upgrade("things", url)
    with closing(sqlite3.connect(tmp_path / "things.db")) as connection:
        connection.executescript("INSERT INTO owners VALUES (1); INSERT INTO things VALUES (1, 1), (2, 1);")
    (history / "versions" / "2026_01_01_0002__second.py").write_text(SECOND)
    await migrations.upgrade("things", url)
    with closing(sqlite3.connect(tmp_path / "things.db")) as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (2,)
        assert connection.execute("SELECT name FROM owners").fetchall() == [("nobody",)]


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def database_url(service: str, new_database: NewDatabase) -> str:
    return await new_database(service)


async def test_the_tables_of_every_service_are_those_of_its_newest_revision(service: str, database_url: str) -> None:
    await migrations.check(service, database_url)
    database = Database(database_url)
    async with database.reading() as session:
        assert await migrations.revision_at(session) == migrations.head_of(service)
    await database.close()
