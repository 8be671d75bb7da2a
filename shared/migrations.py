"""The history of a service's tables: `python -m shared.migrations events matching notify` brings each to its head."""

import argparse
import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import Database
from shared.settings import SERVICES, ServiceSettings

if TYPE_CHECKING:
    from alembic.config import Config


def folder_of(service: str) -> Path:
    spec = importlib.util.find_spec(f"services.{service}")
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no service called {service} here")
    return Path(spec.origin).parent / "migrations"


def head_of(service: str) -> str:
    """The newest revision: files are dated, so the last by name is the newest."""
    return max(path.stem.split("__")[0] for path in (folder_of(service) / "versions").glob("2*.py"))


async def revision_at(session: AsyncSession) -> str | None:
    try:
        found = await (await session.connection()).execute(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        return None
    row = found.first()
    return None if row is None else str(row[0])


def run(connection: Connection, metadata: MetaData) -> None:
    """What a service's `env.py` calls: one file serves both dialects (batch mode)."""
    from alembic import context

    if connection.dialect.name == "postgresql":
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def upgrade(service: str, url: str) -> None:
    """Brings the database at `url` to the service's newest revision."""
    await _with_alembic(service, url, lambda config: _command().upgrade(config, "head"))


async def downgrade(service: str, url: str, revision: str = "base") -> None:
    """Takes the database at `url` back to a revision, with all that came after it; `base` has no tables."""
    await _with_alembic(service, url, lambda config: _command().downgrade(config, revision))


async def check(service: str, url: str) -> None:
    """Raises when the tables in the code differ from the migrated ones."""
    await _with_alembic(service, url, lambda config: _command().check(config))


async def revise(service: str, url: str, revision: str, what: str) -> None:
    """Writes a new revision from the difference between the code's tables and the database at `url`."""
    await _with_alembic(
        service, url, lambda config: _command().revision(config, what, autogenerate=True, rev_id=revision)
    )


def _command() -> ModuleType:
    # Imported late: Alembic costs half a second, and a running service needs it not.
    from alembic import command

    return command


async def _with_alembic(service: str, url: str, work: "Callable[[Config], object]") -> None:
    from alembic.config import Config

    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(folder_of(service)))
    config.set_main_option("file_template", "%%(rev)s__%%(slug)s")
    try:
        async with database.engine.connect() as connection:
            if database.is_sqlite:
                await _stop_cascades(connection)

            def step(sync_connection: Connection) -> None:
                config.attributes["connection"] = sync_connection
                work(config)

            await connection.run_sync(step)
            await connection.commit()
    finally:
        await database.close()


async def _stop_cascades(connection: AsyncConnection) -> None:
    """SQLite alters by making a table anew, and dropping the old one would delete what refers to it.

    Asked of the driver: within a transaction, which SQLAlchemy would begin, SQLite ignores it.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.execute("PRAGMA foreign_keys=OFF")


def _url_for(service: str, urls: list[str]) -> str:
    named = dict(pair.split("=", 1) for pair in urls)
    return named.get(service) or ServiceSettings.load().database_url


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="+", choices=SERVICES)
    parser.add_argument("--url", action="append", default=[], metavar="SERVICE=URL", help="else VIDENBRO_DATABASE_URL")
    arguments = parser.parse_args()
    for each in arguments.services:
        asyncio.run(upgrade(each, _url_for(each, arguments.url)))
        print(f"{each}: at {head_of(each)}")
