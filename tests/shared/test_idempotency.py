"""The same request twice, by key: one effect, and the first answer again."""

import asyncio

import pytest

from shared.database import uuid7
from shared.messaging.outbox import depth
from tests.shared.tiny import made
from tests.support.callers import as_caller
from tests.support.services import Client

KEY = {"Idempotency-Key": "a-key-of-sixteen-or-more"}


async def test_the_same_again_gets_the_first_answer_and_says_so(client: Client) -> None:
    first = await client.post("/v1/things", json={"name": "one"}, headers=KEY)
    again = await client.post("/v1/things", json={"name": "one"}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() == {"name": "one", "number": 1}
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await made(client.app) == ["one"]


async def test_what_is_told_is_told_once(client: Client) -> None:
    for _ in range(3):
        await client.post("/v1/things", json={"name": "one"}, headers=KEY)
    async with client.app.state.database.reading() as session:
        assert (await depth(session))[0] == 1


async def test_the_same_key_with_another_body_is_refused(client: Client) -> None:
    await client.post("/v1/things", json={"name": "one"}, headers=KEY)
    other = await client.post("/v1/things", json={"name": "two"}, headers=KEY)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await made(client.app) == ["one"]


async def test_a_hundred_at_once_have_one_effect(client: Client) -> None:
    answers = await asyncio.gather(*(client.post("/v1/things", json={"name": "one"}, headers=KEY) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await made(client.app) == ["one"]


async def test_without_a_key_each_has_its_effect(client: Client) -> None:
    await asyncio.gather(*(client.post("/v1/things", json={"name": "one"}) for _ in range(3)))
    assert await made(client.app) == ["one"] * 3


async def test_a_refusal_is_not_remembered(client: Client) -> None:
    for body, status in [({"name": "taken"}, 409), ({"name": ""}, 422), ({"name": "fault"}, 500)]:
        assert (await client.post("/v1/things", json=body, headers=KEY)).status_code == status
    well = await client.post("/v1/things", json={"name": "one"}, headers=KEY)
    assert well.status_code == 201
    assert "Idempotency-Replayed" not in well.headers


async def test_a_commit_that_failed_is_not_remembered(client: Client) -> None:
    orphan = {"name": "orphan", "owner": str(uuid7())}
    for _ in range(2):
        answer = await client.post("/v1/things", json=orphan, headers=KEY)
        assert answer.status_code == 500
    assert (await client.post("/v1/things", json={"name": "one"}, headers=KEY)).status_code == 201


async def test_callers_do_not_get_each_others_answers(client: Client) -> None:
    for email in ("aksel@example.org", "mette@example.org"):
        headers = {**KEY, **as_caller("member", email=email)}
        answer = await client.post("/v1/things", json={"name": email}, headers=headers)
        assert (answer.status_code, answer.json()["name"]) == (201, email)


@pytest.mark.parametrize("key", ["short", "x" * 21, "x" * 201, ""])
async def test_a_key_that_somebody_else_may_use_too_is_refused(client: Client, key: str) -> None:
    answer = await client.post("/v1/things", json={"name": "one"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].lower() == "header:idempotency-key"
    assert await made(client.app) == []


async def test_an_empty_link_makes_nobody_known(client: Client) -> None:
    answer = await client.post("/v1/things?key=", json={"name": "one"}, headers={"Idempotency-Key": "1"})
    assert answer.status_code == 422


async def test_a_known_callers_key_may_be_short(client: Client) -> None:
    headers = {"Idempotency-Key": "1", **as_caller("member")}
    assert (await client.post("/v1/things", json={"name": "one"}, headers=headers)).status_code == 201
