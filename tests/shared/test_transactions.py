"""The answer comes after the commit, and is what the commit was."""

import asyncio

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from shared.contracts.matching import OrganisationUpdated
from shared.database import Database, MarksLeft, is_away, is_passing, uuid7
from shared.messaging.outbox import tell
from tests.shared.tiny import made, things
from tests.support.services import Client, a_moment


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


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_while_the_database_cannot_be_reached_the_answer_is_to_come_again(client: Client) -> None:
    there = client.app.state.database
    client.app.state.database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    answers = [await client.get("/v1/things"), await client.post("/v1/things", json={"name": "one"})]
    client.app.state.database = there
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert answer.headers["Retry-After"] == "1"


async def test_two_who_wait_for_each_other_are_told_to_come_again(client: Client) -> None:
    """PostgreSQL ends one of them with a deadlock; SQLite has one writer at a time, so both go well."""
    database: Database = client.app.state.database
    async with database.transaction() as session:
        await (await session.connection()).execute(insert(things), [{"name": "a"}, {"name": "b"}])

    async def change(first: str, second: str) -> None:
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.execute(update(things).where(things.c.name == first).values(owner=None))
            await a_moment(0.05)
            await connection.execute(update(things).where(things.c.name == second).values(owner=None))

    outcomes = await asyncio.gather(change("a", "b"), change("b", "a"), return_exceptions=True)
    assert all(outcome is None or is_passing(outcome) for outcome in outcomes)
    assert any(outcome is None for outcome in outcomes)


@pytest.mark.parametrize(
    ("state", "away", "passing"),
    [
        ("57P03", True, False),  # the database system is starting up, or in recovery mode
        ("57P01", True, False),  # terminating connection due to administrator command
        ("08006", True, False),
        ("53300", True, False),  # too many clients already
        ("53100", True, False),  # disk full
        ("58030", True, False),  # I/O error
        ("25006", True, False),  # read-only, as after a failover
        ("25P03", True, False),  # idle in a transaction for too long
        ("57014", False, True),  # the statement was cancelled, or took too long
        ("55P03", False, True),  # a lock not had in time
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


async def test_a_transaction_that_tells_with_nobody_to_write_it_fails_loudly(client: Client) -> None:
    database = client.app.state.database
    database.before_commit.clear()

    async def tell_in_vain() -> None:
        async with database.transaction() as session:
            await (await session.connection()).execute(insert(things).values(name="untold"))
            tell(session, OrganisationUpdated(organisation_id=uuid7(), version=1, name="untold"))

    with pytest.raises(MarksLeft, match="told messages"):
        await tell_in_vain()
    assert await made(client.app) == []
