"""What became of introductions: each party says so for itself, and is asked once when it has not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import select

from services.matching.introductions import outcomes
from services.matching.tables import Introduction
from shared.contracts.matching import IntroductionOutcomeWanted, OrganisationUpdated
from shared.fields import utc_now
from tests.matching.builders import ADMIN, Row, contact, key_of, make, member_of, need, offer, say, told
from tests.support.callers import Headers, tokens
from tests.support.services import Client, eventually


@pytest.fixture
async def maker(client: Client) -> Row:
    return await make(client, "Gærhuset", offers=[offer("Gær")], contacts=[contact("Bo", "bo@gaer.example.org")])


@pytest.fixture
async def bakery(client: Client) -> Row:
    return await make(client, "Bageriet", needs=[need("Gær")], contacts=[contact("Mia", "mia@broed.example.org")])


@pytest.fixture
async def introduction(client: Client, bakery: Row, maker: Row) -> str:
    """The two in touch."""
    await say(client, bakery["id"], maker["id"], "yes")
    said = await say(client, maker["id"], bakery["id"], "yes")
    return str(said["introduction"])


async def record(client: Client, introduction: str, outcome: str, **caller: Any) -> Any:
    return await client.post(f"/v1/introductions/{introduction}/outcome", json={"outcome": outcome}, **caller)


def outcomes_in(introduction: Row) -> dict[str, str | None]:
    return {party["organisation"]["name"]: party["outcome"] for party in introduction["parties"]}


async def listed(client: Client, headers: Headers, **query: Any) -> list[Row]:
    items: list[Row] = (await client.get("/v1/introductions", params=query, headers=headers)).json()["items"]
    return items


async def months_pass(client: Client, days: int = 31) -> None:
    async with client.app.state.database.transaction() as session:
        past = update(Introduction).values(completed_at=utc_now() - timedelta(days=days))
        await (await session.connection()).execute(past)


async def test_each_party_says_its_own_and_does_not_see_the_other_s(
    client: Client, introduction: str, bakery: Row, maker: Row
) -> None:
    headers = member_of(bakery["id"])
    (before,) = await listed(client, headers)
    assert [step["action"] for step in before["next_steps"]] == ["record_outcome"]
    answer = await record(client, introduction, "met", headers=headers)
    assert (answer.status_code, answer.json()["next_steps"]) == (200, [])
    assert outcomes_in(answer.json()) == {"Bageriet": "met", "Gærhuset": None}
    answer = await record(client, introduction, "no_fit", params=key_of(maker["id"]))
    assert outcomes_in(answer.json()) == {"Bageriet": None, "Gærhuset": "no_fit"}
    assert [outcomes_in(each) for each in await listed(client, ADMIN)] == [{"Bageriet": "met", "Gærhuset": "no_fit"}]
    assert await told(client, OrganisationUpdated) == []


async def test_a_later_one_takes_the_place_of_the_one_before(client: Client, introduction: str, bakery: Row) -> None:
    headers = member_of(bakery["id"])
    for outcome in ("met", "working_together", "working_together"):
        answer = await record(client, introduction, outcome, headers=headers)
    assert outcomes_in(answer.json())["Bageriet"] == "working_together"


async def test_the_list_is_filtered_by_one_s_own_and_for_the_secretariat_by_either(
    client: Client, introduction: str, bakery: Row, maker: Row
) -> None:
    await record(client, introduction, "met", headers=member_of(bakery["id"]))
    await record(client, introduction, "no_fit", headers=member_of(maker["id"]))
    for outcome, found in (("met", 1), ("no_fit", 1), ("working_together", 0)):
        assert len(await listed(client, ADMIN, outcome=outcome)) == found
    assert len(await listed(client, member_of(bakery["id"]), outcome="met")) == 1
    assert await listed(client, member_of(bakery["id"]), outcome="no_fit") == []


async def test_there_is_no_outcome_before_both_have_said_yes(client: Client, bakery: Row, maker: Row) -> None:
    said = await say(client, bakery["id"], maker["id"], "yes")
    refused = await record(client, said["introduction"], "met", headers=member_of(bakery["id"]))
    assert (refused.status_code, refused.json()["type"].rsplit("/")[-1]) == (409, "wrong-status")
    await say(client, maker["id"], bakery["id"], "not_for_us")
    again = await record(client, said["introduction"], "met", headers=member_of(bakery["id"]))
    assert (again.status_code, again.json()["detail"]) == (409, refused.json()["detail"])


async def test_nobody_says_it_for_others(client: Client, introduction: str, bakery: Row, maker: Row) -> None:
    stranger = await make(client, "Bryggeriet")
    assert (await record(client, introduction, "met")).status_code == 401
    assert (await record(client, introduction, "met", headers=member_of(stranger["id"]))).status_code == 404
    assert (await record(client, introduction, "met", headers=ADMIN)).status_code == 403
    wrong = await record(client, introduction, "wonderful", headers=member_of(bakery["id"]))
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/outcome")
    path, body = f"/v1/introductions/{introduction}/outcome", {"outcome": "met", "organisation": maker["id"]}
    other = await client.post(path, json=body, headers=member_of(bakery["id"]))
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/organisation")


async def test_who_acts_for_both_says_for_which(client: Client, introduction: str, bakery: Row, maker: Row) -> None:
    path = f"/v1/introductions/{introduction}/outcome"
    both = [UUID(each["id"]) for each in (bakery, maker)]
    token = tokens.sign(email="begge@example.org", roles=("member",), organisations=both)
    headers = {"Authorization": f"Bearer {token}"}
    unsaid = await client.post(path, json={"outcome": "met"}, headers=headers)
    assert (unsaid.status_code, unsaid.json()["errors"][0]["pointer"]) == (422, "/organisation")
    body = {"outcome": "met", "organisation": maker["id"]}
    said = await client.post(path, json=body, headers=headers)
    assert outcomes_in(said.json()) == {"Bageriet": None, "Gærhuset": "met"}


async def test_who_has_said_nothing_is_asked_once(client: Client, introduction: str, bakery: Row) -> None:
    await record(client, introduction, "met", headers=member_of(bakery["id"]))
    await months_pass(client)
    (wanted,) = await eventually(lambda: told(client, IntroductionOutcomeWanted))
    assert wanted["introduction_id"] == introduction
    asked = {party["name"]: [person["email"] for person in party["contacts"]] for party in wanted["parties"]}
    assert asked == {"Bageriet": [], "Gærhuset": ["bo@gaer.example.org"]}

    await record(client, introduction, "no_fit", headers=member_of(bakery["id"]))
    other = await make(client, "Bryggeriet", offers=[offer("Øl")], contacts=[contact("Ea", "ea@oel.example.org")])
    await say(client, bakery["id"], other["id"], "yes")
    await say(client, other["id"], bakery["id"], "yes")
    await months_pass(client)
    assert len(await eventually(lambda: at_least(client, 2))) == 2


async def at_least(client: Client, count: int) -> list[Row]:
    found = await told(client, IntroductionOutcomeWanted)
    assert len(found) >= count
    return found


async def test_nobody_is_asked_when_both_have_said_it(
    client: Client, introduction: str, bakery: Row, maker: Row
) -> None:
    for each in (bakery, maker):
        await record(client, introduction, "met", headers=member_of(each["id"]))
    await months_pass(client)

    async def looked_at() -> bool:
        async with client.app.state.database.reading() as session:
            return (await session.exec(select(Introduction.outcome_wanted_at))).one() is not None

    assert await eventually(looked_at)
    assert await told(client, IntroductionOutcomeWanted) == []


async def test_who_has_just_been_put_in_touch_is_not_asked(client: Client, introduction: str) -> None:
    await months_pass(client, days=29)
    async with client.app.state.database.transaction() as session:
        assert not await outcomes.any_due(session, days=30)
        assert await outcomes.any_due(session, days=29)
