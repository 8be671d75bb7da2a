"""Known partnerships: counted from what either side says, and kept on the organisation for the indexes to read."""

import asyncio

from sqlmodel import select

from services.matching.introductions.partnerships import partnerships
from services.matching.tables import Answer, Organisation
from shared.database import Database
from shared.migrations import downgrade, upgrade
from tests.matching.builders import ADMIN, Row, make, member_of, say
from tests.support.services import Client


async def counted(client: Client) -> dict[str, int]:
    """As kept on the rows, which must be what the rows of answers and outcomes say."""
    async with client.app.state.database.reading() as session:
        there = (await session.exec(select(Organisation))).all()
        assert {each.id: each.partnerships for each in there if each.partnerships} == await partnerships(session)
        return {each.name: each.partnerships for each in there}


async def changes(client: Client) -> dict[str, int]:
    async with client.app.state.database.reading() as session:
        return {each.name: each.change for each in await session.exec(select(Organisation))}


async def organisations(client: Client, *names: str) -> list[Row]:
    return [await make(client, name) for name in names]


async def take_back(client: Client, mine: Row, other: Row) -> None:
    path = f"/v1/organisations/{mine['id']}/suggestions/{other['id']}/answer"
    assert (await client.delete(path, headers=member_of(mine["id"]))).status_code == 204


async def became(client: Client, introduction: str, mine: Row, outcome: str) -> None:
    path = f"/v1/introductions/{introduction}/outcome"
    answer = await client.post(path, json={"outcome": outcome}, headers=member_of(mine["id"]))
    assert answer.status_code == 200, answer.text


async def test_one_word_makes_both_partners_and_both_words_still_one_partnership(client: Client) -> None:
    a, b, c = await organisations(client, "A", "B", "C")
    await say(client, a["id"], b["id"], "already_partners")
    assert await counted(client) == {"A": 1, "B": 1, "C": 0}
    await say(client, b["id"], a["id"], "already_partners")
    await say(client, c["id"], a["id"], "already_partners")
    assert await counted(client) == {"A": 2, "B": 1, "C": 1}
    await take_back(client, a, b)
    assert await counted(client) == {"A": 2, "B": 1, "C": 1}
    await say(client, b["id"], a["id"], "not_for_us")
    assert await counted(client) == {"A": 1, "B": 0, "C": 1}


async def test_working_together_counts_until_another_outcome_takes_its_place(client: Client) -> None:
    a, b = await organisations(client, "A", "B")
    await say(client, a["id"], b["id"], "yes")
    introduction = (await say(client, b["id"], a["id"], "yes"))["introduction"]
    await became(client, introduction, a, "met")
    assert await counted(client) == {"A": 0, "B": 0}
    await became(client, introduction, a, "working_together")
    await became(client, introduction, b, "working_together")
    assert await counted(client) == {"A": 1, "B": 1}
    await became(client, introduction, a, "no_fit")
    assert await counted(client) == {"A": 1, "B": 1}
    await became(client, introduction, b, "met")
    assert await counted(client) == {"A": 0, "B": 0}


async def test_indexes_hear_of_a_count_that_changed_and_of_no_other(client: Client) -> None:
    a, b, _ = await organisations(client, "A", "B", "C")
    before = await changes(client)
    await say(client, a["id"], b["id"], "already_partners")
    after = await changes(client)
    assert {name for name, number in after.items() if number > max(before.values())} == {"A", "B"}
    await say(client, b["id"], a["id"], "already_partners")
    assert await changes(client) == after


async def test_a_profile_s_version_and_what_others_see_stay(client: Client) -> None:
    a, b = await organisations(client, "A", "B")
    await say(client, a["id"], b["id"], "already_partners")
    seen = (await client.get(f"/v1/organisations/{b['id']}")).json()
    assert seen["version"] == b["version"]
    assert "partnerships" not in seen


async def test_many_at_once_are_all_counted(client: Client) -> None:
    hub, *others = await organisations(client, "Hub", *(f"O{at}" for at in range(8)))
    said = [say(client, hub["id"], each["id"], "already_partners") for each in others]
    said += [say(client, each["id"], hub["id"], "already_partners") for each in others]
    await asyncio.gather(*said)
    assert (await counted(client))["Hub"] == 8


async def test_what_was_answered_before_they_were_counted_is_counted_by_the_migration(database_url: str) -> None:
    database = Database(database_url)
    made = [Organisation(name=name) for name in ("A", "B", "C")]
    a, b, c = (each.id for each in made)
    async with database.transaction() as session:
        session.add_all(made)
    async with database.transaction() as session:
        said = ((a, b, "already_partners"), (b, a, "already_partners"), (c, a, "already_partners"), (b, c, "yes"))
        session.add_all([Answer(organisation_id=mine, other_id=other, answer=answer) for mine, other, answer in said])
    await database.close()
    await downgrade("matching", database_url, "2026_11_22_0002")
    await upgrade("matching", database_url)
    async with database.reading() as session:
        kept = {each.name: each.partnerships for each in await session.exec(select(Organisation))}
    await database.close()
    assert kept == {"A": 2, "B": 1, "C": 1}


async def test_an_organisation_registered_twice_is_one_partner_when_it_is_merged(client: Client) -> None:
    double, one, x, y = await organisations(client, "Double", "One", "X", "Y")
    await say(client, double["id"], x["id"], "already_partners")
    await say(client, x["id"], one["id"], "already_partners")
    await say(client, double["id"], one["id"], "already_partners")
    await say(client, y["id"], double["id"], "yes")
    introduction = (await say(client, double["id"], y["id"], "yes"))["introduction"]
    await became(client, introduction, y, "met")
    await became(client, introduction, double, "working_together")
    assert await counted(client) == {"Double": 3, "One": 2, "X": 2, "Y": 1}
    body = {"into": one["id"]}
    assert (await client.post(f"/v1/organisations/{double['id']}/merge", json=body, headers=ADMIN)).status_code == 200
    assert await counted(client) == {"Double": 0, "One": 2, "X": 1, "Y": 1}
    (followed,) = (await client.get("/v1/introductions", params={"outcome": "met"}, headers=ADMIN)).json()["items"]
    said = {party["organisation"]["name"]: party["outcome"] for party in followed["parties"]}
    assert said == {"One": "working_together", "Y": "met"}
