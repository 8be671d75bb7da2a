"""What nobody needs any more is deleted, and nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import Database, uuid7
from shared.messaging import cleaning
from shared.messaging.cleaning import Cleaner
from shared.messaging.tables import answers, handled_messages, outbox

TABLES = (outbox, handled_messages, answers)


@pytest.fixture
async def database(told_url: str) -> AsyncIterator[Database]:
    database = Database(told_url)
    yield database
    await database.close()


async def add(session: AsyncSession, age: timedelta, times: int = 1, *, published: bool = True) -> None:
    """`times` rows in each of the tables, as old as `age`."""
    then = datetime.now(UTC) - age
    rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for _ in range(times):
        told = {"message_id": uuid7(), "type": "x", "envelope": "{}", "created_at": then}
        rows[outbox].append(told | {"published_at": then if published else None})
        rows[handled_messages].append({"message_id": uuid7(), "handled_at": then})
        rows[answers].append({"scope": "public", "key": str(uuid7()), "fingerprint": b"", "asked_at": then})
    connection = await session.connection()
    for table, some in rows.items():
        await connection.execute(insert(table), some)


async def left(database: Database) -> list[int]:
    async with database.reading() as session:
        connection = await session.connection()
        return [(await connection.execute(select(func.count()).select_from(table))).scalar_one() for table in TABLES]


async def test_each_is_kept_as_long_as_it_is_needed(database: Database) -> None:
    async with database.transaction() as session:
        for age in (timedelta(days=66), timedelta(days=32), timedelta(hours=25), timedelta(hours=1)):
            await add(session, age)
    assert await Cleaner(database).clean() == 2 + 1 + 3
    assert await left(database) == [2, 3, 1]


async def test_what_was_never_published_is_never_deleted(database: Database) -> None:
    async with database.transaction() as session:
        await add(session, timedelta(days=70), published=False)
    await Cleaner(database).clean()
    assert (await left(database))[0] == 1


async def test_many_are_deleted_a_few_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "AT_A_TIME", 10)
    async with database.transaction() as session:
        await add(session, timedelta(days=70), times=25)
        await add(session, timedelta(minutes=1), times=2)
    assert await Cleaner(database).clean() == 75
    assert await left(database) == [2, 2, 2]
