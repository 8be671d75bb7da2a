"""What people answer makes the next list better, tells nobody what they answered, and can be looked into."""

from typing import Any
from uuid import UUID

import pytest

from services.matching.index.amounts import amount_of
from services.matching.introductions.partnerships import told
from services.matching.similarity import Amount, Ground, Reason
from services.matching.suggestions.explanations import Told, explain
from tests.matching.builders import Row, make, member_of, names, offer, say, suggestions
from tests.support.services import Client


@pytest.fixture
async def asks(client: Client) -> Row:
    """Somebody with two kinds of partners in reach: peptides and ceramics."""
    await make(client, "Peptidhuset", "research", summary={"da": "Enzymer, massespektrometri og peptider."})
    await make(client, "Spektrum", "research", summary={"da": "Enzymer og massespektrometri af peptider i blod."})
    await make(client, "Ovnhuset", "research", summary={"da": "Enzymer, keramik og glasur."})
    await make(client, "Glasuren", "research", summary={"da": "Enzymer i keramik, ler og glasur."})
    return await make(client, "Foderstart", "startup", summary={"da": "Vi udvikler enzymer til foder."})


def by_name(items: list[Row]) -> dict[str, Row]:
    return {each["organisation"]["name"]: each for each in items}


async def test_a_yes_lifts_those_like_the_partner_above_the_others(client: Client, asks: Row) -> None:
    before = by_name(await suggestions(client, asks["id"]))
    await say(client, asks["id"], before["Spektrum"]["organisation"]["id"], "yes")
    after = by_name(await suggestions(client, asks["id"]))
    lifted = {name: after[name]["score"] - before[name]["score"] for name in before}
    assert lifted["Peptidhuset"] > max(lifted["Ovnhuset"], lifted["Glasuren"])
    reason = next(one for one in after["Peptidhuset"]["reasons"] if one["like"] and one["like"]["answered_yes"])
    assert reason["like"]["name"] == "Spektrum"
    assert sum(after["Peptidhuset"]["fit"].values()) == pytest.approx(after["Peptidhuset"]["score"])


async def test_nobody_else_learns_of_a_yes_from_a_list(client: Client, asks: Row) -> None:
    items = by_name(await suggestions(client, asks["id"]))
    other = items["Ovnhuset"]["organisation"]["id"]
    before = await suggestions(client, other)
    await say(client, asks["id"], items["Spektrum"]["organisation"]["id"], "yes")
    assert await suggestions(client, other) == before


@pytest.mark.parametrize(("count", "as_told"), [(0, 0), (2, 0), (3, 3), (4, 3), (9, 5), (19, 10), (500, 20)])
def test_a_count_of_partnerships_is_told_in_steps(count: int, as_told: int) -> None:
    assert told(count) == as_told


async def test_partners_known_by_others_count_and_can_be_left_out(client: Client, asks: Row) -> None:
    plain = by_name(await suggestions(client, asks["id"]))
    well_known = plain["Ovnhuset"]["organisation"]["id"]
    for at in range(3):
        partner = await make(client, f"Partner {at}", "supplier")
        await say(client, partner["id"], well_known, "already_partners")
    counted = by_name(await suggestions(client, asks["id"]))["Ovnhuset"]
    assert counted["fit"]["partnerships"] > 0
    assert counted["score"] > plain["Ovnhuset"]["score"]
    (reason,) = (one for one in counted["reasons"] if one["ground"] == "partnerships")
    assert reason["partnerships"] == 3
    left_out = by_name(await suggestions(client, asks["id"], partnerships=False))["Ovnhuset"]
    assert left_out["score"] == pytest.approx(plain["Ovnhuset"]["score"])


async def test_the_whole_calculation_is_there_for_who_asks_for_it(client: Client, asks: Row) -> None:
    (first, *_) = await suggestions(client, asks["id"], explain="full")
    done = first["calculation"]
    parts = (done["their_offers_my_needs"], done["my_offers_their_needs"], done["common_ground"])
    direct = done["kinds"] * sum(part["weight"] * part["value"] for part in parts)
    alike = done["kinds"] * sum(one["weight"] * one["cosine"] for one in done["likeness"])
    evidence = done["history"] * (done["confirmed"] * direct + alike)
    assert first["score"] == pytest.approx(1 / (1 + (done["half_score"] / evidence) ** done["score_power"]), rel=1e-3)
    assert all(one["calculation"] is None for one in await suggestions(client, asks["id"]))
    sought = {"text": "Hvem kan måle peptider?", "explain": "full"}
    found = (await client.post("/v1/search", json=sought, headers=member_of(asks["id"]))).json()["items"]
    assert found[0]["calculation"]["pairs"] == [] or found[0]["calculation"]["pairs"][0]["need_is_mine"]
    wrong = await client.get(
        f"/v1/organisations/{asks['id']}/suggestions", params={"explain": "all"}, headers=member_of(asks["id"])
    )
    assert wrong.status_code == 422


async def test_units_of_one_house_leave_room_for_others(client: Client, asks: Row) -> None:
    house = await make(client, "Universitetet", "research")
    for at in range(3):
        summary = {"da": f"Vi udvikler enzymer til foder, afdeling {at}"}
        await make(client, f"Afdeling {at}", "research", parent=house["id"], summary=summary)
    two = names(await suggestions(client, asks["id"], limit=2))
    assert sum(name.startswith("Afdeling") for name in two) == 1
    assert all(
        name.startswith("Afdeling") for name in names(await suggestions(client, asks["id"], limit=2, diverse=False))
    )


@pytest.mark.parametrize(
    ("resource", "amount"),
    [
        ({"stream": "steam", "quantity": 2, "unit": "t", "per": "day"}, Amount("mass a year", 730_000.0)),
        ({"stream": "steam", "quantity": 40_000, "unit": "Tonnes", "per": "year"}, Amount("mass a year", 4e7)),
        ({"stream": "heat", "quantity": 3.6, "unit": "MJ", "per": None}, Amount("energy once", 1.0)),
        ({"stream": "water", "quantity": 5, "unit": "m³", "per": "month"}, Amount("volume a year", 60.0)),
        ({"stream": "water", "quantity": 5, "unit": "spande", "per": "month"}, None),
        ({"stream": "water", "quantity": None, "unit": "m3"}, None),
        ({}, None),
    ],
)
def test_amounts_of_any_unit_and_period_are_comparable(resource: dict[str, Any], amount: Amount | None) -> None:
    found = amount_of(resource)
    assert (found is None) == (amount is None)
    if found and amount:
        assert found.measure == amount.measure
        assert found.value == pytest.approx(amount.value)


async def test_who_covers_the_whole_amount_comes_first_and_the_part_is_told(client: Client) -> None:
    def steam(quantity: float, unit: str, per: str) -> Row:
        return {"stream": "steam", "quantity": quantity, "unit": unit, "per": per}

    await make(client, "Lille kedel", offers=[offer("Damp fra kedlen", "resource", resource=steam(1, "t", "day"))])
    await make(client, "Stor kedel", offers=[offer("Damp fra kedlen", "resource", resource=steam(9_000, "t", "year"))])
    wanted = {**offer("Damp til tørring", "resource"), "resource": steam(20, "t", "day")}
    asks = await make(client, "Tørreriet", needs=[wanted])
    items = await suggestions(client, asks["id"])
    assert names(items) == ["Stor kedel", "Lille kedel"]
    covers = [one["covers"] for item in items for one in item["reasons"] if one["covers"] is not None]
    assert covers == [1.0, pytest.approx(0.05)]


def test_every_reason_has_its_sentence_in_both_languages() -> None:
    liked, alike = (Reason(Ground.ALIKE, 0.1, like=UUID(int=1), liked=liked) for liked in (True, False))
    several = Reason(Ground.PARTNERSHIPS, 0.1, partnerships=3)
    assert explain("Spektrum", [Told(liked, like="Peptidhuset")], "da") == (
        "Spektrum ligner Peptidhuset, som I har sagt ja til."
    )
    assert explain("Spektrum", [Told(alike, like="Peptidhuset")], "en") == (
        "Spektrum is like Peptidhuset, which fits you well."
    )
    assert explain("Spektrum", [Told(several)], "da") == "Spektrum arbejder allerede sammen med flere i netværket."
    assert explain("Spektrum", [Told(several)], "en") == "Spektrum already works with several others in the network."
