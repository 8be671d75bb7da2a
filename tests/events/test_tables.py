"""The tables: made by their migrations on both databases, the same as in the code, and with the last word on seats."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from services.events.tables import Base
from shared import migrations
from shared.database import Database
from tests.events.builders import published, signed_up
from tests.support.databases import Databases
from tests.support.services import Client


async def _leave_empty(url: str) -> None:
    """The database itself, and nothing in it."""
    database = Database(url)
    async with database.engine.connect():
        pass
    await database.close()


@pytest.fixture
async def empty_url(databases: Databases) -> AsyncIterator[str]:
    url = await databases.fresh("events_without_tables", _leave_empty)
    yield url
    await databases.drop(url)


async def tables_of(url: str) -> set[str]:
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    finally:
        await database.close()


async def test_migrations_make_the_tables_that_the_code_has_and_take_them_away_again(empty_url: str) -> None:
    await migrations.upgrade("events", empty_url)
    await migrations.check("events", empty_url)
    assert await tables_of(empty_url) == set(Base.metadata.tables) | {"alembic_version"}
    await migrations.downgrade("events", empty_url)
    assert await tables_of(empty_url) == {"alembic_version"}
    await migrations.upgrade("events", empty_url)
    await migrations.check("events", empty_url)


async def test_the_database_itself_refuses_to_be_oversold(client: Client) -> None:
    await signed_up(client, await published(client, capacity=2))
    for wrong in ("UPDATE quotas SET taken = 3", "UPDATE quotas SET taken = -1"):
        with pytest.raises(IntegrityError):
            async with client.app.state.database.transaction() as session:
                await session.exec(text(wrong))


async def test_the_database_itself_refuses_one_person_twice(client: Client) -> None:
    event = await published(client)
    people = [{"email": "aksel@example.org"}, {"email": "bodil@example.org"}]
    await signed_up(client, event, attendees=people)
    same = "UPDATE attendees SET email_key = 'aksel@example.org'"
    with pytest.raises(IntegrityError):
        async with client.app.state.database.transaction() as session:
            await session.exec(text(same))
    async with client.app.state.database.transaction() as session:
        await session.exec(text("UPDATE attendees SET status = 'cancelled' WHERE email_key LIKE 'bodil%'"))
        await session.exec(text(same))
