"""The answer comes after the commit, and is what the commit was."""

import asyncio

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from shared.database import Database, is_away, is_passing, uuid7
from tests.shared.tiny import made, things
from tests.support.services import Client


async def test_the_thing_is_there_when_its_answer_is(client: Client) -> None:
    assert (await client.post("/v1/things", json={"name": "one"})).status_code == 201
    assert await made(client.app) == ["one"]


async def test_a_commit_that_fails_is_never_answered_201(client: Client) -> None:
    answer = await client.post("/v1/things", json={"name": "orphan", "owner": str(uuid7())})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert await made(client.app) == []


async def test_a_refusal_undoes_what_was_done_before_it(client: Client) -> None:
    assert (await client.post("/v1/things", json={"name": "fault"})).status_code == 500
    assert await made(client.app) == []


async def test_a_reading_session_keeps_nothing(client: Client) -> None:
    async with client.app.state.database.reading() as session:
        await (await session.connection()).execute(insert(things).values(name="by mistake"))
    assert await made(client.app) == []


async def test_a_database_that_refuses_connections_is_away_and_the_answer_503() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OSError) as refused:  # noqa: PT011 -- its kind is what is asked next
        async with database.transaction() as session:
            await session.connection()
    assert is_away(refused.value)
    await database.close()


@pytest.mark.parametrize(
    ("state", "away", "passing"),
    [
        ("57P03", True, False),  # the database system is starting up, or in recovery mode
        ("57P01", True, False),  # terminating connection due to administrator command
        ("08006", True, False),
        ("53300", True, False),  # too many clients already
        ("40P01", False, True),
        ("40001", False, True),
        ("23505", False, False),
        ("", False, False),
    ],
)
def test_what_the_server_says_tells_whether_to_wait_try_again_or_give_up(state: str, away: bool, passing: bool) -> None:
    class Said(Exception):
        sqlstate = state

    error = DBAPIError("select 1", {}, Said("the database system is in recovery mode"))
    assert (is_away(error), is_passing(error)) == (away, passing)


async def test_forty_at_once_change_one_row_forty_times(client: Client) -> None:
    database: Database = client.app.state.database
    async with database.transaction() as session:
        await (await session.connection()).execute(insert(things).values(name="0"))

    async def one_more() -> None:
        async with database.transaction() as session:
            connection = await session.connection()
            name = (await connection.execute(select(things.c.name).with_for_update())).scalar_one()
            await connection.execute(update(things).values(name=str(int(name) + 1)))

    await asyncio.gather(*(one_more() for _ in range(40)))
    assert await made(client.app) == ["40"]
