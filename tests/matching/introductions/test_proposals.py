"""The secretariat proposes two organisations to each other: both are asked, and a no is told to nobody."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from services.matching.tables import Introduction
from shared.contracts.matching import IntroductionCompleted, IntroductionExpired, IntroductionRequested
from shared.fields import utc_now
from tests.matching.builders import ADMIN, Row, contact, key_of, make, member_of, need, offer, propose, say, told
from tests.support.services import Client, eventually

WORDS = "I arbejder begge med gær og bor en time fra hinanden."


@pytest.fixture
async def maker(client: Client) -> Row:
    return await make(
        client, "Gærhuset", offers=[offer("Flydende gær")], contacts=[contact("Bo", "bo@gaer.example.org")]
    )


@pytest.fixture
async def bakery(client: Client) -> Row:
    return await make(
        client, "Bageriet", "startup", needs=[need("Levende gær")], contacts=[contact("Mia", "mia@broed.example.org")]
    )


async def seen_by(client: Client, reader: Row | None, **query: Any) -> list[Row]:
    """The introductions an organisation sees, or without one the secretariat."""
    headers = member_of(reader["id"]) if reader else ADMIN
    answer = await client.get("/v1/introductions", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[Row] = answer.json()["items"]
    return items


def asked_in(message: Row) -> list[str]:
    return [person["email"] for party in message["parties"] for person in party["contacts"]]


async def time_passes(client: Client) -> None:
    async with client.app.state.database.transaction() as session:
        past = update(Introduction).values(expires_at=utc_now() - timedelta(days=1))
        await (await session.connection()).execute(past)


async def take_back(client: Client, mine: Row, other: Row) -> None:
    path = f"/v1/organisations/{mine['id']}/suggestions/{other['id']}/answer"
    assert (await client.delete(path, headers=member_of(mine["id"]))).status_code == 204


async def test_both_are_asked_once_with_the_secretariat_s_words_and_the_reason(
    client: Client, bakery: Row, maker: Row
) -> None:
    answer = await propose(client, bakery, maker, message=WORDS)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["status"], made["proposal"], made["next_steps"]) == ("requested", {"message": WORDS}, [])
    (asked,) = await told(client, IntroductionRequested)
    assert asked["proposal"] == {"message": WORDS}
    assert asked["explanation"]["da"] == "Gærhuset tilbyder »Flydende gær«, og Bageriet søger »Levende gær«."
    assert asked_in(asked) == ["mia@broed.example.org", "bo@gaer.example.org"]
    for mine, other in ((bakery, maker), (maker, bakery)):
        (seen,) = await seen_by(client, mine)
        assert (seen["status"], seen["proposal"]["message"]) == ("requested", WORDS)
        assert [party["contacts"] for party in seen["parties"]] == [[], []]
        (step,) = seen["next_steps"]
        assert step["action"] == "answer"
        assert step["href"] == f"/v1/organisations/{mine['id']}/suggestions/{other['id']}/answer"


async def test_two_yes_complete_it_and_contacts_come_only_then(client: Client, bakery: Row, maker: Row) -> None:
    await propose(client, bakery, maker)
    assert (await say(client, bakery["id"], maker["id"], "yes", "Vi vil gerne."))["status"] == "requested"
    (seen,) = await seen_by(client, maker)
    assert "Vi vil gerne." not in str(seen)
    assert "mia@broed.example.org" not in str(seen)
    (waiting,) = await seen_by(client, bakery)
    assert [step["action"] for step in waiting["next_steps"]] == ["wait_for_answer"]
    assert await told(client, IntroductionCompleted) == []

    assert (await say(client, maker["id"], bakery["id"], "yes"))["status"] == "completed"
    (completed,) = await told(client, IntroductionCompleted)
    assert asked_in(completed) == ["mia@broed.example.org", "bo@gaer.example.org"]
    assert completed["parties"][0]["message"] == "Vi vil gerne."
    assert len(await told(client, IntroductionRequested)) == 1


async def test_two_yes_at_once_complete_it_once(client: Client, bakery: Row, maker: Row) -> None:
    await propose(client, bakery, maker)
    said = await asyncio.gather(
        say(client, bakery["id"], maker["id"], "yes"), say(client, maker["id"], bakery["id"], "yes")
    )
    assert sorted(each["status"] for each in said) == ["completed", "requested"]
    assert len(await told(client, IntroductionCompleted)) == 1


@pytest.mark.parametrize("said", ["not_for_us", "already_partners"])
async def test_a_no_looks_like_waiting_to_the_other_side_and_to_the_secretariat(
    client: Client, bakery: Row, maker: Row, said: str
) -> None:
    await propose(client, bakery, maker)
    before = {reader: await seen_by(client, row) for reader, row in (("other", bakery), ("secretariat", None))}
    await say(client, maker["id"], bakery["id"], said)
    assert {reader: await seen_by(client, row) for reader, row in (("other", bakery), ("secretariat", None))} == before
    assert await seen_by(client, None, status="declined") == []
    assert await seen_by(client, bakery, status="declined") == []
    assert len(await seen_by(client, None, status="requested")) == 1
    assert [each["status"] for each in await seen_by(client, maker, status="declined")] == ["declined"]

    yes = await say(client, bakery["id"], maker["id"], "yes")
    assert (yes["status"], yes["next_steps"][0]["action"]) == ("requested", "wait_for_answer")
    assert len(await seen_by(client, bakery, status="requested")) == 1


async def test_a_no_of_an_organisation_asked_by_another_is_not_seen_by_the_secretariat(
    client: Client, bakery: Row, maker: Row
) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    await say(client, maker["id"], bakery["id"], "not_for_us")
    (seen,) = await seen_by(client, None)
    assert seen["status"] == "requested"
    assert await seen_by(client, None, status="declined") == []


@pytest.mark.parametrize("first", [True, False], ids=["named first", "named second"])
async def test_who_has_said_no_before_is_not_asked_and_the_secretariat_cannot_tell(
    client: Client, bakery: Row, maker: Row, first: bool
) -> None:
    await say(client, bakery["id"], maker["id"], "not_for_us")
    parties = (bakery, maker) if first else (maker, bakery)
    made = (await propose(client, *parties)).json()
    assert (made["status"], made["asked_by"]) == ("requested", parties[0]["id"])
    assert [party["organisation"]["id"] for party in made["parties"]] == [each["id"] for each in parties]
    (asked,) = await told(client, IntroductionRequested)
    assert asked_in(asked) == ["bo@gaer.example.org"]
    assert await seen_by(client, bakery) == []

    await take_back(client, bakery, maker)
    _, again = await told(client, IntroductionRequested)
    assert asked_in(again) == ["mia@broed.example.org"]
    assert [each["status"] for each in await seen_by(client, bakery)] == ["requested"]


async def test_what_both_have_said_no_to_is_told_to_nobody(client: Client, bakery: Row, maker: Row) -> None:
    for mine, other in ((bakery, maker), (maker, bakery)):
        await say(client, mine["id"], other["id"], "not_for_us")
    answer = await propose(client, bakery, maker)
    assert (answer.status_code, answer.json()["status"]) == (201, "requested")
    assert await told(client, IntroductionRequested) == []
    assert await seen_by(client, bakery) == await seen_by(client, maker) == []


async def test_a_no_that_becomes_a_yes_completes_it(client: Client, bakery: Row, maker: Row) -> None:
    await propose(client, bakery, maker)
    await say(client, maker["id"], bakery["id"], "not_for_us")
    await say(client, bakery["id"], maker["id"], "yes")
    assert (await say(client, maker["id"], bakery["id"], "yes"))["status"] == "completed"


async def test_a_yes_taken_back_leaves_the_proposal_open_and_asks_nobody_again(
    client: Client, bakery: Row, maker: Row
) -> None:
    await propose(client, bakery, maker)
    for _ in range(2):
        await say(client, bakery["id"], maker["id"], "yes")
        await take_back(client, bakery, maker)
    (seen,) = await seen_by(client, bakery)
    assert [step["action"] for step in seen["next_steps"]] == ["answer"]
    assert len(await told(client, IntroductionRequested)) == 1


async def test_it_expires_and_only_who_said_yes_is_told(client: Client, bakery: Row, maker: Row) -> None:
    await propose(client, bakery, maker)
    await say(client, maker["id"], bakery["id"], "yes")
    await say(client, bakery["id"], maker["id"], "not_for_us")
    await time_passes(client)
    (expired,) = await eventually(lambda: told(client, IntroductionExpired))
    assert asked_in(expired) == ["bo@gaer.example.org"]
    assert [each["status"] for each in await seen_by(client, None)] == ["expired"]


async def test_an_expired_one_may_be_proposed_again(client: Client, bakery: Row, maker: Row) -> None:
    first = (await propose(client, bakery, maker)).json()
    await time_passes(client)
    (expired,) = await eventually(lambda: told(client, IntroductionExpired))
    assert asked_in(expired) == []
    again = await propose(client, maker, bakery, message=WORDS)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    assert again.json()["asked_by"] == maker["id"]
    assert len(await told(client, IntroductionRequested)) == 2
    async with client.app.state.database.reading() as session:
        assert (await session.exec(select(func.count()).select_from(Introduction))).scalar_one() == 1


async def test_one_organisation_s_own_yes_later_is_no_proposal_any_more(
    client: Client, bakery: Row, maker: Row
) -> None:
    await propose(client, maker, bakery, message=WORDS)
    await time_passes(client)
    await eventually(lambda: told(client, IntroductionExpired))
    await say(client, bakery["id"], maker["id"], "yes", "Nu passer det.")
    (seen,) = await seen_by(client, maker)
    assert (seen["proposal"], seen["asked_by"]) == (None, bakery["id"])
    assert seen["parties"][0]["message"] == "Nu passer det."


async def test_what_is_open_or_completed_stays_as_it_is(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    answer = await propose(client, maker, bakery, message=WORDS)
    assert (answer.status_code, answer.json()["asked_by"], answer.json()["proposal"]) == (200, bakery["id"], None)
    await say(client, maker["id"], bakery["id"], "yes")
    answer = await propose(client, maker, bakery)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert len(await told(client, IntroductionRequested)) == 1


async def test_a_yes_that_nobody_was_told_of_looks_open_to_the_secretariat_too(
    client: Client, bakery: Row, maker: Row
) -> None:
    await say(client, maker["id"], bakery["id"], "not_for_us")
    await say(client, bakery["id"], maker["id"], "yes")
    answer = await propose(client, bakery, maker)
    assert (answer.status_code, answer.json()["status"]) == (200, "requested")
    assert await told(client, IntroductionRequested) == []


async def test_the_same_key_proposes_once(client: Client, bakery: Row, maker: Row) -> None:
    body = {"parties": [bakery["id"], maker["id"]]}
    headers = {**ADMIN, "Idempotency-Key": "foraarsmoedet"}
    first, again = [await client.post("/v1/introductions", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await told(client, IntroductionRequested)) == 1


async def test_a_refusal_names_what_is_wrong(client: Client, bakery: Row, maker: Row) -> None:
    hidden = await make(client, "Kladde", published=False, contacts=[contact()])
    silent = await make(client, "Mejeriet")

    async def refused(*parties: Any) -> Row:
        body = {"parties": [party["id"] for party in parties]}
        problem: Row = (await client.post("/v1/introductions", json=body, headers=ADMIN)).json()
        return problem

    problem = await refused(bakery, hidden)
    assert (problem["status"], problem["type"].rsplit("/")[-1]) == (409, "not-published")
    assert problem["organisations"] == [hidden["id"]]
    problem = await refused(silent, bakery)
    assert (problem["status"], problem["type"].rsplit("/")[-1]) == (409, "nobody-to-ask")
    assert problem["organisations"] == [silent["id"]]
    assert (await refused(bakery, bakery))["errors"][0]["pointer"] == "/parties/1"
    nobody = {"id": "01a20116-bf8e-7283-845c-623721683b21"}
    assert (await refused(nobody, bakery))["errors"][0]["pointer"] == "/parties/0"
    assert (await refused(bakery))["status"] == 422
    callers: list[Row] = [{"headers": member_of(bakery["id"])}, {"params": key_of(bakery["id"])}]
    for caller in callers:
        body = {"parties": [bakery["id"], maker["id"]]}
        assert (await client.post("/v1/introductions", json=body, **caller)).status_code == 403


async def test_a_profile_hidden_meanwhile_is_seen_and_answered_by_who_was_asked(
    client: Client, bakery: Row, maker: Row
) -> None:
    """Also after the other side's no: what is shown must not tell of it."""
    await propose(client, bakery, maker)
    await client.patch(f"/v1/organisations/{maker['id']}", json={"published": False}, headers=ADMIN)
    await say(client, maker["id"], bakery["id"], "not_for_us")
    seen = await client.get(f"/v1/organisations/{maker['id']}", headers=member_of(bakery["id"]))
    assert (seen.status_code, seen.json()["contacts"]) == (200, None)
    assert (await say(client, bakery["id"], maker["id"], "yes"))["status"] == "requested"


async def test_a_proposal_of_an_organisation_merged_goes_on_with_what_the_survivor_has_answered(
    client: Client, bakery: Row, maker: Row
) -> None:
    double = await make(client, "Bageriet igen", contacts=[contact("Mia", "mia@broed.example.org")])
    await propose(client, maker, double)
    await say(client, maker["id"], double["id"], "yes")
    await say(client, bakery["id"], maker["id"], "not_for_us")
    await say(client, double["id"], maker["id"], "not_for_us")
    path = f"/v1/organisations/{double['id']}/merge"
    assert (await client.post(path, json={"into": bakery["id"]}, headers=ADMIN)).status_code == 200
    assert [each["status"] for each in await seen_by(client, maker)] == ["requested"]
    assert [each["status"] for each in await seen_by(client, bakery)] == ["declined"]
    # Named by the id that was merged, it is the same pair.
    again = await propose(client, double, maker)
    assert (again.status_code, again.json()["status"]) == (200, "requested")
    assert (await propose(client, double, bakery)).json()["errors"][0]["pointer"] == "/parties/1"
    assert (await say(client, bakery["id"], maker["id"], "yes"))["status"] == "completed"
