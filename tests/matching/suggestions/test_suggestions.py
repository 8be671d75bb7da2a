"""Partners proposed to an organisation, with reasons, to whom may see them and with nothing that is hidden."""

from typing import Any
from uuid import UUID

import pytest

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
    suggestions,
)
from tests.support.services import Client


async def ask(client: Client, organisation: str | UUID, **caller: Any) -> int:
    return (await client.get(f"/v1/organisations/{organisation}/suggestions", **caller)).status_code


@pytest.fixture
async def bakery(client: Client) -> Row:
    """A bakery that needs yeast, with a yeast maker, a laboratory and a steel maker around it."""
    await make(client, "Gærhuset", offers=[offer("Flydende gær til bagerier")], hub="kalundborg")
    await make(client, "Laboratoriet", "research", offers=[offer("Analyse af gær og melasse", "knowledge")])
    await make(client, "Stålværket", offers=[offer("Valset stål til broer")])
    return await make(client, "Bageriet", "startup", needs=[need("Levende gær til et bageri")])


async def test_the_partner_whose_offer_meets_the_need_comes_first_and_says_why(client: Client, bakery: Row) -> None:
    items = await suggestions(client, bakery["id"])
    assert names(items)[0] == "Gærhuset"
    assert "Stålværket" not in names(items)
    first = items[0]
    reason = first["reasons"][0]
    assert reason["ground"] == "their_offer"
    assert (reason["need"]["text"]["da"], reason["offer"]["text"]["da"]) == (
        "Levende gær til et bageri",
        "Flydende gær til bagerier",
    )
    assert "gær" in [term["yours"] for term in reason["terms"]]
    assert first["strength"] in ("strong", "good")
    assert first["explanation"] == (
        "Gærhuset tilbyder »Flydende gær til bagerier«, og I søger »Levende gær til et bageri«."
    )
    assert first["answer"] is None


async def test_the_shares_add_up_to_the_score(client: Client, bakery: Row) -> None:
    for item in await suggestions(client, bakery["id"]):
        assert sum(item["fit"].values()) == pytest.approx(item["score"])
        assert sum(reason["share"] for reason in item["reasons"]) == pytest.approx(item["score"], abs=1e-4)
        for reason in item["reasons"]:
            assert sum(term["share"] for term in reason["terms"]) + reason["rest"] == pytest.approx(reason["share"])


async def test_the_sentence_is_in_the_readers_language(client: Client, bakery: Row) -> None:
    headers = {**member_of(bakery["id"]), "Accept-Language": "en-GB,en;q=0.8"}
    item = (await suggestions(client, bakery["id"], headers))[0]
    assert item["explanation"].startswith("Gærhuset offers “Flydende gær til bagerier”, and you look for ")


async def test_a_danish_need_meets_an_english_offer(client: Client) -> None:
    await make(
        client, "Dairy Lab", "research", offers=[{"category": "knowledge", "text": {"en": "Fermentation of milk"}}]
    )
    await make(client, "Steelworks", offers=[{"category": "technology", "text": {"en": "Rolled steel for bridges"}}])
    asks = await make(client, "Mejeriet", needs=[need("Viden om fermentering af mælk", "knowledge")])
    assert names(await suggestions(client, asks["id"]))[0] == "Dairy Lab"


async def test_suggestions_are_filtered(client: Client, bakery: Row) -> None:
    assert names(await suggestions(client, bakery["id"], kind="research")) == ["Laboratoriet"]
    assert set(names(await suggestions(client, bakery["id"], kind=["research", "producer"]))) >= {"Gærhuset"}
    assert names(await suggestions(client, bakery["id"], category="knowledge")) == ["Laboratoriet"]
    assert names(await suggestions(client, bakery["id"], hub="kalundborg")) == ["Gærhuset"]
    assert len(await suggestions(client, bakery["id"], limit=1)) == 1


async def test_a_company_that_signed_up_completes_its_profile_and_is_proposed_partners(
    client: Client, bakery: Row
) -> None:
    company = newcomer(kind="startup")
    await hear(client, sign_up(company))
    key = key_of(company.id)
    assert await suggestions(client, company.id, {}, **key) == []
    body = {"needs": [{"category": "technology", "text": {"da": "Frisk gær"}}]}
    path = f"/v1/organisations/{company.id}"
    changed = await client.patch(path, json=body, params=key, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    assert names(await suggestions(client, company.id, {}, **key))[0] == "Gærhuset"


async def test_who_may_ask_for_suggestions(client: Client, bakery: Row) -> None:
    other, hidden = await make(client, "DTU", "research"), await make(client, "Kladde", "startup", published=False)
    assert await ask(client, bakery["id"]) == 401
    assert await ask(client, bakery["id"], headers=member_of(other["id"])) == 403
    assert await ask(client, bakery["id"], params=key_of(other["id"])) == 403
    assert await ask(client, hidden["id"], headers=member_of(other["id"])) == 404
    assert await ask(client, bakery["id"], headers=organiser_of(bakery["id"])) == 403
    assert await ask(client, bakery["id"], headers=ADMIN) == 200
    assert await ask(client, bakery["id"], params=key_of(bakery["id"])) == 200
    assert await ask(client, bakery["id"], params=key_of(bakery["id"], version=7)) == 410


async def test_whom_to_meet_at_an_event_is_whoever_has_a_seat_there_and_agreed_to_be_shown(
    client: Client, bakery: Row
) -> None:
    by_name = {each["name"]: each for each in (await client.get("/v1/organisations")).json()["items"]}
    event = ceremony(by_name["Stålværket"]["id"])
    going = newcomer("Gærhuset", id=by_name["Gærhuset"]["id"], new=False)
    waiting = newcomer("Laboratoriet", id=by_name["Laboratoriet"]["id"], new=False)
    mine = newcomer("Bageriet", id=bakery["id"], new=False)
    coming = sign_up(going, event=event.event_id)
    await hear(client, event, coming)
    await hear(client, sign_up(waiting, event=event.event_id, statuses=("waitlisted",), shown=True))

    refused = await client.get(
        f"/v1/organisations/{bakery['id']}/suggestions", params={"event": event.slug}, headers=member_of(bakery["id"])
    )
    assert refused.status_code == 403
    await hear(client, sign_up(mine, event=event.event_id, statuses=("waitlisted",)))
    assert await suggestions(client, bakery["id"], event=event.slug) == []
    await hear(client, agreed(coming))
    for reference in (event.slug, str(event.event_id)):
        assert names(await suggestions(client, bakery["id"], event=reference)) == ["Gærhuset"]
    assert await ask(client, bakery["id"], params={"event": "no-such-event"}, headers=member_of(bakery["id"])) == 404
    await hear(client, agreed(coming, version=3, shown=False))
    assert await suggestions(client, bakery["id"], event=event.slug) == []


async def test_an_organiser_sees_the_suggestions_of_who_comes_to_its_event_without_answers(
    client: Client, bakery: Row
) -> None:
    by_name = {each["name"]: each for each in (await client.get("/v1/organisations")).json()["items"]}
    organiser = await make(client, "Knowledge Hub Zealand", "network")
    event = ceremony(organiser["id"])
    going = newcomer("Gærhuset", id=by_name["Gærhuset"]["id"], new=False)
    mine = newcomer("Bageriet", id=bakery["id"], new=False)
    await hear(client, event, sign_up(going, event=event.event_id, shown=True), sign_up(mine, event=event.event_id))
    await say(client, bakery["id"], by_name["Gærhuset"]["id"], "yes")

    headers = organiser_of(organiser["id"])
    (item,) = await suggestions(client, bakery["id"], headers, event=event.slug)
    assert (item["organisation"]["name"], item["answer"]) == ("Gærhuset", None)
    assert (await suggestions(client, bakery["id"], event=event.slug))[0]["answer"] == "yes"
    assert await ask(client, bakery["id"], params={"event": event.slug}, headers=organiser_of(bakery["id"])) == 403
    absent = by_name["Laboratoriet"]["id"]
    assert await ask(client, absent, params={"event": event.slug}, headers=headers) == 403


async def test_an_organisation_that_is_not_published_is_proposed_to_nobody(client: Client, bakery: Row) -> None:
    await make(client, "Hemmeligt gær", offers=[offer("Levende gær til et bageri")], published=False)
    assert "Hemmeligt gær" not in names(await suggestions(client, bakery["id"]))


async def test_units_of_one_house_are_not_proposed_to_each_other(client: Client, bakery: Row) -> None:
    await make(client, "Bageriets gær", parent=bakery["id"], offers=[offer("Levende gær til et bageri")])
    assert "Bageriets gær" not in names(await suggestions(client, bakery["id"]))


async def test_what_is_for_members_counts_for_published_organisations_only(client: Client) -> None:
    await make(
        client,
        "Gærhuset",
        summary={"da": "Vi laver gær til vin."},
        offers=[offer("Sjælden champagnegær", visibility="members")],
        needs=[need("Druemost fra Lolland", visibility="members")],
    )
    fields = {
        "summary": {"da": "Vi laver vin med gær."},
        "needs": [need("Champagnegær")],
        "offers": [offer("Druemost")],
    }
    seen = await make(client, "Vingården", "startup", **fields)
    draft = await make(client, "Den nye vingård", "startup", published=False, **fields)

    first = (await suggestions(client, seen["id"]))[0]
    assert first["organisation"]["name"] == "Gærhuset"
    assert {reason["ground"] for reason in first["reasons"]} >= {"their_offer", "my_offer"}
    hidden = next(each for each in await suggestions(client, draft["id"]) if each["organisation"]["name"] == "Gærhuset")
    assert {reason["ground"] for reason in hidden["reasons"]} <= {"text", "alike"}
    assert hidden["score"] == pytest.approx(sum(reason["share"] for reason in hidden["reasons"]))
    assert hidden["score"] < first["score"]
    words = {term["theirs"].lower() for reason in hidden["reasons"] for term in reason["terms"]}
    assert "champagnegær" not in words
    assert "Sjælden" not in str(hidden)
    assert "Lolland" not in str(hidden)


async def test_an_organiser_learns_nothing_that_is_for_members_of_either_side(client: Client) -> None:
    organiser = await make(client, "Knowledge Hub Zealand", "network")
    maker = await make(client, "Gærhuset", offers=[offer("Sjælden champagnegær")])
    vineyard = await make(
        client, "Vingården", "startup", needs=[need("Champagnegær til en hemmelig vin", visibility="members")]
    )
    event = ceremony(organiser["id"])
    both = [newcomer(each["name"], id=each["id"], new=False) for each in (maker, vineyard)]
    await hear(client, event, *(sign_up(each, event=event.event_id, shown=True) for each in both))
    for each in (maker, vineyard):
        items = await suggestions(client, each["id"], organiser_of(organiser["id"]), event=event.slug)
        assert "hemmelig vin" not in str(items)


async def test_a_changed_profile_shows_in_the_next_answer(client: Client, bakery: Row) -> None:
    assert "Mejeriet" not in names(await suggestions(client, bakery["id"]))
    dairy = await make(client, "Mejeriet", offers=[offer("Levende gær til et bageri")])
    assert names(await suggestions(client, bakery["id"]))[0] == "Mejeriet"
    path, headers = f"/v1/organisations/{dairy['id']}", {**member_of(dairy["id"]), "If-Match": "*"}
    await client.patch(path, json={"offers": [offer("Smør")]}, headers=headers)
    assert "Mejeriet" not in names(await suggestions(client, bakery["id"]))
    await client.patch(path, json={"offers": [offer("Levende gær til et bageri")]}, headers=headers)
    assert names(await suggestions(client, bakery["id"]))[0] == "Mejeriet"
    await client.patch(path, json={"published": False}, headers=headers)
    assert "Mejeriet" not in names(await suggestions(client, bakery["id"]))


async def test_a_need_past_its_last_day_no_longer_counts(client: Client) -> None:
    await make(client, "Gærhuset", offers=[offer("Levende gær")])
    asks = await make(client, "Bageriet", "startup", needs=[need("Gær", valid_until="2020-01-01")])
    assert await suggestions(client, asks["id"]) == []
