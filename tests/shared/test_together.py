"""Many callers, one transaction: each is answered after the commit, and only the one at fault is refused."""

import asyncio

import pytest
from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import uuid7
from shared.problems import Problem
from shared.together import Later, Together
from tests.shared.tiny import NameTaken, Thing, made, make_all
from tests.support.services import Client, a_moment


async def asked_together(client: Client, names: list[str]) -> list[str | BaseException]:
    together: Together[Thing, str] = client.app.state.together
    return await asyncio.gather(*(together(Thing(name=name)) for name in names), return_exceptions=True)


def commits_of(client: Client) -> list[int]:
    """Grows by one with every commit from now on."""
    commits: list[int] = []
    event.listen(client.app.state.database.engine.sync_engine, "commit", lambda _: commits.append(1))
    return commits


async def test_all_who_wait_are_decided_in_one_transaction(client: Client) -> None:
    commits = commits_of(client)
    names = [f"thing {number}" for number in range(40)]
    assert await asked_together(client, names) == names
    assert await made(client.app) == names
    assert len(commits) == 1


async def test_who_is_refused_gets_the_problem_and_the_others_their_thing(client: Client) -> None:
    first, taken, last = await asked_together(client, ["first", "taken", "last"])
    assert (first, last) == ("first", "last")
    assert isinstance(taken, NameTaken)
    assert await made(client.app) == ["first", "last"]


async def test_who_has_to_wait_for_others_is_answered_too_and_keeps_nobody(client: Client) -> None:
    names = ["first", "held", "held too", "held for long", "last"]
    assert await asked_together(client, names) == names
    assert sorted(await made(client.app)) == sorted(names)
    assert (await made(client.app))[:2] == ["first", "last"]


async def test_a_fault_at_one_does_not_spoil_the_others(client: Client) -> None:
    first, fault, last = await asked_together(client, ["first", "fault", "last"])
    assert (first, last) == ("first", "last")
    assert isinstance(fault, RuntimeError)
    assert await made(client.app) == ["first", "last"]


async def test_nobody_is_answered_well_when_the_commit_fails(client: Client) -> None:
    path = "/v1/things/together"
    body = {"name": "orphan", "owner": str(uuid7())}
    answers = await asyncio.gather(*(client.post(path, json=body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {500}
    assert await made(client.app) == []


async def test_a_commit_that_one_spoils_is_tried_again_without_it(client: Client) -> None:
    path = "/v1/things/together"
    bodies = [{"name": "first"}, {"name": "orphan", "owner": str(uuid7())}, {"name": "last"}]
    answers = await asyncio.gather(*(client.post(path, json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    assert sorted(await made(client.app)) == ["first", "last"]


async def test_a_rule_that_answers_too_few_has_done_nothing(client: Client) -> None:
    async def forgets_one(session: AsyncSession, asked: list[Thing], waits: bool) -> list[str | Problem | Later]:
        return (await make_all(session, asked, waits))[1:]

    together = Together(client.app.state.database, forgets_one, lambda thing: thing.name)
    answers = await asyncio.gather(*(together(Thing(name=name)) for name in "abc"), return_exceptions=True)
    assert all(isinstance(answer, ValueError) for answer in answers)
    assert await made(client.app) == []


async def test_a_caller_who_leaves_does_not_hold_up_the_others(client: Client) -> None:
    together: Together[Thing, str] = client.app.state.together
    leaving, staying = (asyncio.create_task(together(Thing(name=name))) for name in ("leaves", "stays"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "stays"
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await together(Thing(name="comes later")) == "comes later"


async def test_who_comes_while_a_batch_is_decided_is_in_the_next_one(client: Client) -> None:
    commits = commits_of(client)
    together: Together[Thing, str] = client.app.state.together
    first = asyncio.create_task(together(Thing(name="first")))
    await a_moment(0.002)
    rest = [asyncio.create_task(together(Thing(name=f"later {number}"))) for number in range(10)]
    assert len(await asyncio.gather(first, *rest)) == 11
    assert len(commits) <= 3
