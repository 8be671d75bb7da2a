"""Searching partners in free text, and the words to choose from."""

import json
from pathlib import Path
from typing import Any

from shared.vocabulary import keys
from tests.matching.builders import (
    ADMIN,
    Row,
    agreed,
    ceremony,
    hear,
    key_of,
    make,
    member_of,
    names,
    need,
    newcomer,
    offer,
    organiser_of,
    say,
    sign_up,
)
from tests.support.callers import Headers
from tests.support.services import Client

SAMPLE = Path(__file__).parents[3] / "deploy" / "sample" / "organisations.jsonl"


async def search(client: Client, text: str, headers: Headers, **fields: Any) -> list[Row]:
    answer = await client.post("/v1/search", json={"text": text, **fields}, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[Row] = answer.json()["items"]
    return items


async def test_a_need_in_words_finds_who_offers_it_in_either_language(client: Client) -> None:
    await make(client, "Dampværket", offers=[offer("Damp fra et kraftværk", "resource")])
    await make(
        client, "Steam Works", "startup", offers=[{"category": "technology", "text": {"en": "Steam from surplus heat"}}]
    )
    asks = await make(client, "Bageriet", "startup")
    found = await search(client, "Vi mangler damp", member_of(asks["id"]), language="da")
    assert set(names(found)) == {"Dampværket", "Steam Works"}
    assert names(found)[0] == "Dampværket"
    assert found[0]["explanation"] == "Dampværket tilbyder »Damp fra et kraftværk«."
    assert found[0]["reasons"][0]["need"] is None
    assert found[0]["reasons"][0]["offer"]["text"] == {"da": "Damp fra et kraftværk"}
    assert names(await search(client, "Vi mangler damp", ADMIN, kinds=["startup"])) == ["Steam Works"]
    assert names(await search(client, "Vi mangler damp", ADMIN, categories=["resource"])) == ["Dampværket"]
    assert len(await search(client, "Vi mangler damp", ADMIN, limit=1)) == 1


async def test_only_what_is_public_is_searched(client: Client) -> None:
    await make(client, "Dampværket", offers=[offer("Hemmelig damp", visibility="members")])
    await make(client, "Kladde", "startup", offers=[offer("Damp")], published=False)
    asks = await make(client, "Bageriet", "startup")
    for each in await search(client, "damp", member_of(asks["id"])):
        assert "Hemmelig" not in str(each)
        assert each["organisation"]["name"] != "Kladde"
        assert each["score"] == 0


async def test_who_said_no_is_not_found_and_nobody_finds_itself(client: Client) -> None:
    works = await make(client, "Dampværket", offers=[offer("Damp fra et kraftværk")])
    asks = await make(client, "Bageriet", "startup", offers=[offer("Damp fra ovne")])
    await say(client, works["id"], asks["id"], "not_for_us")
    assert await search(client, "damp", member_of(asks["id"])) == []


async def test_an_event_limits_the_search_to_who_agreed_to_be_shown_there(client: Client) -> None:
    works = await make(client, "Dampværket", offers=[offer("Damp fra et kraftværk")])
    await make(client, "Kraftværket", offers=[offer("Damp fra et kraftværk")])
    asks = await make(client, "Bageriet", "startup", needs=[need("Damp")])
    event = ceremony(works["id"])
    coming = sign_up(newcomer("Dampværket", id=works["id"]), event=event.event_id)
    await hear(client, event, coming)
    body = {"text": "damp", "event": event.slug}
    assert (await client.post("/v1/search", json=body, headers=member_of(asks["id"]))).status_code == 403
    await hear(client, sign_up(newcomer("Bageriet", id=asks["id"]), event=event.event_id))
    assert await search(client, "damp", member_of(asks["id"]), event=event.slug) == []
    await hear(client, agreed(coming))
    assert names(await search(client, "damp", member_of(asks["id"]), event=event.slug)) == ["Dampværket"]
    assert names(await search(client, "damp", organiser_of(works["id"]), event=event.slug)) == ["Dampværket"]


async def test_searching_is_for_those_who_are_known(client: Client) -> None:
    asks = await make(client, "Bageriet", "startup")
    assert (await client.post("/v1/search", json={"text": "damp"})).status_code == 401
    assert (await client.post("/v1/search", json={"text": "damp"}, params=key_of(asks["id"]))).status_code == 200
    assert (await client.post("/v1/search", json={"text": ""}, headers=ADMIN)).status_code == 422
    assert (await client.post("/v1/search", json={"text": "og"}, headers=ADMIN)).json()["items"] == []


async def test_the_vocabulary_is_public_and_names_all_that_the_sample_uses(client: Client) -> None:
    answer = await client.get("/v1/vocabulary")
    assert answer.json()["kinds"]["research"] == {"da": "Videninstitution", "en": "Research institution"}
    rows = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    assert {area for row in rows for area in row["focus_areas"]} <= keys("focus_areas")
    assert {sector for row in rows for sector in row["sectors"]} <= keys("sectors")
    resources = [each.get("resource") for row in rows for each in [*row["offers"], *row["needs"]]]
    assert {each["stream"] for each in resources if each} <= keys("streams")
