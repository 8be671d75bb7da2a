"""Answers, and the introductions that two times yes makes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from services.matching.tables import Introduction
from shared.contracts.matching import IntroductionCompleted, IntroductionExpired, IntroductionRequested
from shared.fields import utc_now
from tests.matching.builders import (
    ADMIN,
    Row,
    contact,
    hear,
    key_of,
    make,
    member_of,
    names,
    need,
    newcomer,
    offer,
    say,
    sign_up,
    suggestions,
    told,
)
from tests.support.services import Client, eventually

YEAST: Row = {
    "offers": [offer("Flydende gær")],
    "contacts": [contact("Bo Gær", "bo@gaer.example.org", phone="+45 12345678")],
}
BREAD: Row = {"needs": [need("Levende gær")], "contacts": [contact("Mia Brød", "mia@broed.example.org")]}


@pytest.fixture
async def maker(client: Client) -> Row:
    return await make(client, "Gærhuset", summary={"da": "Vi laver gær."}, **YEAST)


@pytest.fixture
async def bakery(client: Client) -> Row:
    return await make(client, "Bageriet", "startup", **BREAD)


async def introductions_of(client: Client, organisation: Row, **query: Any) -> list[Row]:
    answer = await client.get("/v1/introductions", params=query, headers=member_of(organisation["id"]))
    assert answer.status_code == 200, answer.text
    items: list[Row] = answer.json()["items"]
    return items


async def take_back(client: Client, mine: Row, other: Row) -> int:
    path = f"/v1/organisations/{mine['id']}/suggestions/{other['id']}/answer"
    return (await client.delete(path, headers=member_of(mine["id"]))).status_code


async def test_the_first_yes_asks_the_other_side_without_telling_whom_to_write_to(
    client: Client, bakery: Row, maker: Row
) -> None:
    said = await say(client, bakery["id"], maker["id"], "yes", "Vi bager i Køge.")
    assert (said["status"], said["next_steps"][0]["action"]) == ("requested", "wait_for_answer")
    (asked,) = await told(client, IntroductionRequested)
    assert asked["asked_by"] == bakery["id"]
    asks, is_asked = asked["parties"]
    assert (asks["name"], asks["message"], asks["contacts"]) == ("Bageriet", "Vi bager i Køge.", [])
    assert [person["email"] for person in is_asked["contacts"]] == ["bo@gaer.example.org"]
    assert asked["explanation"] == {
        "da": "Gærhuset tilbyder »Flydende gær«, og Bageriet søger »Levende gær«.",
        "en": "Gærhuset offers “Flydende gær”, and Bageriet looks for “Levende gær”.",
    }

    (seen,) = await introductions_of(client, maker, status="requested")
    assert [party["contacts"] for party in seen["parties"]] == [[], []]
    assert seen["parties"][0]["message"] == "Vi bager i Køge."
    assert "mia@broed.example.org" not in str(seen)


async def test_the_second_yes_puts_both_in_touch_and_both_are_told(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    said = await say(client, maker["id"], bakery["id"], "yes", "Vi leverer gerne.")
    assert (said["status"], said["next_steps"][0]["action"]) == ("completed", "write_to_them")
    (completed,) = await told(client, IntroductionCompleted)
    assert [party["contacts"][0]["email"] for party in completed["parties"]] == [
        "mia@broed.example.org",
        "bo@gaer.example.org",
    ]
    assert completed["parties"][1]["message"] == "Vi leverer gerne."
    for side in (bakery, maker):
        (seen,) = await introductions_of(client, side, status="completed")
        assert {party["contacts"][0]["email"] for party in seen["parties"]} == {
            "mia@broed.example.org",
            "bo@gaer.example.org",
        }


async def test_two_yes_at_once_make_exactly_one_introduction(client: Client) -> None:
    pairs = [(await make(client, f"A{at}", **BREAD), await make(client, f"B{at}", **YEAST)) for at in range(8)]
    answers = [say(client, *sides, "yes") for a, b in pairs for sides in ((a["id"], b["id"]), (b["id"], a["id"]))]
    said = await asyncio.gather(*answers)
    assert sorted(each["status"] for each in said) == ["completed"] * 8 + ["requested"] * 8
    assert len(await told(client, IntroductionRequested)) == 8
    assert len(await told(client, IntroductionCompleted)) == 8
    async with client.app.state.database.reading() as session:
        count = (await session.exec(select(func.count()).select_from(Introduction))).scalar_one()
    assert count == 8


async def test_yes_said_again_changes_nothing(client: Client, bakery: Row, maker: Row) -> None:
    first = await say(client, bakery["id"], maker["id"], "yes")
    assert (await say(client, bakery["id"], maker["id"], "yes"))["introduction"] == first["introduction"]
    await say(client, maker["id"], bakery["id"], "yes")
    assert (await say(client, maker["id"], bakery["id"], "yes"))["status"] == "completed"
    assert len(await told(client, IntroductionRequested)) == 1
    assert len(await told(client, IntroductionCompleted)) == 1


async def test_a_no_hides_both_from_each_other_and_is_told_to_nobody(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    said = await say(client, maker["id"], bakery["id"], "not_for_us")
    assert (said["introduction"], said["status"]) == (None, None)
    assert names(await suggestions(client, bakery["id"])) == []
    assert names(await suggestions(client, maker["id"])) == []
    (mine,) = await introductions_of(client, bakery)
    assert mine["status"] == "requested"
    assert await introductions_of(client, bakery, status="declined") == []
    assert len(await introductions_of(client, bakery, status="requested")) == 1
    (theirs,) = await introductions_of(client, maker)
    assert theirs["status"] == "declined"
    assert await told(client, IntroductionCompleted) == []
    by_id = await client.get(f"/v1/introductions/{mine['id']}", headers=member_of(bakery["id"]))
    assert by_id.json()["status"] == "requested"


async def test_a_yes_after_the_others_no_looks_as_ever_and_disturbs_nobody(
    client: Client, bakery: Row, maker: Row
) -> None:
    await say(client, maker["id"], bakery["id"], "not_for_us")
    said = await say(client, bakery["id"], maker["id"], "yes")
    assert (said["status"], said["next_steps"][0]["action"]) == ("requested", "wait_for_answer")
    assert await told(client, IntroductionRequested) == []
    assert await introductions_of(client, maker) == []

    assert await take_back(client, maker, bakery) == 204
    assert len(await told(client, IntroductionRequested)) == 1
    (seen,) = await introductions_of(client, maker)
    assert seen["status"] == "requested"


async def test_a_no_that_becomes_a_yes_completes(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    await say(client, maker["id"], bakery["id"], "not_for_us")
    assert (await say(client, maker["id"], bakery["id"], "yes"))["status"] == "completed"
    assert len(await told(client, IntroductionCompleted)) == 1


async def test_partners_already_are_left_out_for_who_says_so(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "already_partners")
    assert names(await suggestions(client, bakery["id"])) == []
    assert names(await suggestions(client, maker["id"])) == ["Bageriet"]
    assert await take_back(client, bakery, maker) == 204
    assert names(await suggestions(client, bakery["id"])) == ["Gærhuset"]


async def test_a_yes_taken_back_is_gone_and_said_again_mails_nobody_twice(
    client: Client, bakery: Row, maker: Row
) -> None:
    for _ in range(3):
        await say(client, bakery["id"], maker["id"], "yes")
        assert await take_back(client, bakery, maker) == 204
        assert await introductions_of(client, maker) == []
    assert len(await told(client, IntroductionRequested)) == 1
    said = await say(client, maker["id"], bakery["id"], "yes")
    assert said["status"] == "requested"


async def test_what_has_put_both_in_touch_is_not_taken_back(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    await say(client, maker["id"], bakery["id"], "yes")
    assert await take_back(client, bakery, maker) == 409


async def test_an_unanswered_introduction_expires_and_only_who_asked_is_told(
    client: Client, bakery: Row, maker: Row
) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    async with client.app.state.database.transaction() as session:
        past = update(Introduction).values(expires_at=utc_now() - timedelta(days=1))
        await (await session.connection()).execute(past)
    (expired,) = await eventually(lambda: told(client, IntroductionExpired))
    assert {party["name"]: len(party["contacts"]) for party in expired["parties"]} == {"Bageriet": 1, "Gærhuset": 0}
    (seen,) = await introductions_of(client, bakery)
    assert seen["status"] == "expired"
    assert (await suggestions(client, bakery["id"]))[0]["answer"] is None

    said = await say(client, bakery["id"], maker["id"], "yes")
    assert said["status"] == "requested"
    assert len(await told(client, IntroductionRequested)) == 2


async def test_a_declined_introduction_expires_in_the_same_words(client: Client, bakery: Row, maker: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    await say(client, maker["id"], bakery["id"], "not_for_us")
    async with client.app.state.database.transaction() as session:
        past = update(Introduction).values(expires_at=utc_now() - timedelta(days=1))
        await (await session.connection()).execute(past)
    (expired,) = await eventually(lambda: told(client, IntroductionExpired))
    assert {party["name"]: len(party["contacts"]) for party in expired["parties"]} == {"Bageriet": 1, "Gærhuset": 0}
    assert names(await suggestions(client, bakery["id"])) == []


async def test_without_contacts_the_members_are_written_to_and_else_who_holds_the_link(
    client: Client, bakery: Row
) -> None:
    quiet = await make(client, "Mejeriet", offers=[offer("Smør")])
    member = {"name": "Ida Smør", "email": "ida@mejeri.example.org"}
    await client.post(f"/v1/organisations/{quiet['id']}/members", json=member, headers=ADMIN)
    await say(client, bakery["id"], quiet["id"], "yes")
    claim = contact("Ole Møller", "ole@moellen.example.org", language="en")
    body = {"name": "Møllen", "kind": "producer", "contacts": [claim]}
    claimed = (await client.post("/v1/organisations", json=body)).json()
    emptied = {"contacts": [], "published": True}
    assert (await client.patch(f"/v1/organisations/{claimed['id']}", json=emptied, headers=ADMIN)).status_code == 200
    await say(client, bakery["id"], claimed["id"], "yes")
    written_to = [asked["parties"][1]["contacts"][0]["email"] for asked in await told(client, IntroductionRequested)]
    assert written_to == ["ida@mejeri.example.org", "ole@moellen.example.org"]


async def test_an_organisation_fresh_from_a_sign_up_and_a_known_one_are_put_in_touch(
    client: Client, maker: Row
) -> None:
    company = newcomer()
    await hear(client, sign_up(company))
    path = f"/v1/organisations/{company.id}/suggestions/{maker['id']}/answer"
    answer = await client.put(path, json={"answer": "yes"}, params=key_of(company.id))
    assert answer.json()["status"] == "requested"
    assert (await say(client, maker["id"], str(company.id), "yes"))["status"] == "completed"
    (completed,) = await told(client, IntroductionCompleted)
    assert completed["parties"][0]["contacts"][0]["email"] == "mette@gaerhuset.example.org"


async def test_nobody_answers_for_others_or_to_what_it_cannot_see(client: Client, bakery: Row, maker: Row) -> None:
    hidden = await make(client, "Kladde", "startup", published=False)

    async def put(mine: Row, other: Row, **caller: Any) -> int:
        path = f"/v1/organisations/{mine['id']}/suggestions/{other['id']}/answer"
        return (await client.put(path, json={"answer": "yes"}, **caller)).status_code

    assert await put(bakery, maker) == 401
    assert await put(bakery, maker, headers=member_of(maker["id"])) == 403
    assert await put(bakery, maker, params=key_of(maker["id"])) == 403
    assert await put(bakery, hidden, headers=member_of(bakery["id"])) == 404
    assert await put(bakery, bakery, headers=member_of(bakery["id"])) == 422
    nobody = {"id": "01a20116-bf8e-7283-845c-623721683b21"}
    assert await put(bakery, nobody, headers=member_of(bakery["id"])) == 404
    assert await put(nobody, bakery, headers=member_of(bakery["id"])) == 404


async def test_introductions_are_seen_by_their_parties_and_the_secretariat(
    client: Client, bakery: Row, maker: Row
) -> None:
    stranger = await make(client, "DTU", "research")
    said = await say(client, bakery["id"], maker["id"], "yes")
    path = f"/v1/introductions/{said['introduction']}"
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=member_of(stranger["id"]))).status_code == 404
    assert await introductions_of(client, stranger) == []
    callers: list[Row] = [{"headers": member_of(maker["id"])}, {"params": key_of(bakery["id"])}, {"headers": ADMIN}]
    for caller in callers:
        assert (await client.get(path, **caller)).status_code == 200
    assert len((await client.get("/v1/introductions", headers=ADMIN)).json()["items"]) == 1


async def test_the_list_goes_on_page_by_page(client: Client, bakery: Row) -> None:
    for at in range(3):
        other = await make(client, f"Mølle {at}")
        await say(client, bakery["id"], other["id"], "yes")
    headers = member_of(bakery["id"])
    first = (await client.get("/v1/introductions", params={"limit": 2}, headers=headers)).json()
    rest = (await client.get("/v1/introductions", params={"cursor": first["next_cursor"]}, headers=headers)).json()
    seen = [
        party["organisation"]["name"] for page in (first, rest) for each in page["items"] for party in each["parties"]
    ]
    assert [name for name in seen if name != "Bageriet"] == ["Mølle 2", "Mølle 1", "Mølle 0"]
    assert rest["next_cursor"] is None
    async with client.app.state.database.reading() as session:
        ids = (await session.exec(select(col(Introduction.low_id) < col(Introduction.high_id)))).scalars().all()
    assert all(ids)
