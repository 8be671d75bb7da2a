"""Whom a sign-up counts for: what is stated is shown as stated, and only what is proven counts."""

from typing import Any
from uuid import UUID

import pytest

from shared.access.links import Purpose
from shared.contracts.matching import MemberAdded, MemberRemoved
from shared.database import uuid7
from tests.events.builders import (
    KNOWLEDGE_HUB,
    ORGANISER,
    OTHER_ORGANISER,
    by_link,
    confirmed,
    hear,
    key_of,
    knows,
    mailed_key,
    published,
    scan,
    sign_up,
    signed_up,
    told,
)
from tests.support.callers import as_caller, links
from tests.support.services import Client

ADMIN = as_caller("admin", email="sekretariat@example.org")


def from_(email: str, name: str = "Dorte Dam") -> dict[str, str]:
    return {"name": name, "email": email}


def manager_of(organisation: str) -> Any:
    return as_caller("manager", organisation=UUID(organisation), email="chef@example.org")


async def seen_by_manager(client: Client, event: dict[str, Any], organisation: str) -> list[str]:
    answer = await client.get(f"/v1/events/{event['id']}/registrations", headers=manager_of(organisation))
    assert answer.status_code == 200, answer.text
    return [each["contact"]["email"] for each in answer.json()["items"]]


async def test_a_used_link_from_the_proven_domain_makes_it_count(client: Client) -> None:
    event, dhi = await published(client), await knows(client, "DHI A/S", "dhigroup.com")
    made = await signed_up(client, event, organisation={"name": "DHI"}, contact=from_("dorte@dhigroup.com"))
    assert made["organisation"]["recognised"] == "stated"
    assert made["organisation"]["id"] != dhi
    assert await seen_by_manager(client, event, dhi) == []
    counts = await confirmed(client, made)
    assert counts["organisation"] == {"id": dhi, "name": "DHI A/S", "kind": None, "unit": None, "recognised": "proven"}
    assert await seen_by_manager(client, event, dhi) == ["dorte@dhigroup.com"]
    facts = (await told(client, "events.registration"))[-1]["data"]
    assert (facts["organisation"]["id"], facts["organisation"]["new"], facts["contact_confirmed"]) == (dhi, False, True)


@pytest.mark.parametrize("what", ["id", "name", "cvr", "website"])
async def test_whoever_names_another_is_not_taken_for_it(client: Client, what: str) -> None:
    """Nor does naming it change how its own people are recognised."""
    event = await published(client)
    victim = await knows(
        client, "Victim", "victim.dk", cvr="24256790", cvr_proven=True, website="https://victim.dk", kind="producer"
    )
    marks = {"id": victim, "name": "Victim", "cvr": "24256790", "website": "https://victim.dk"}
    said = {"name": "Evil ApS", what: marks[what]}
    evil = await signed_up(client, event, organisation=said, contact=from_("eve@evil.dk", "Eve"))
    await confirmed(client, evil)
    assert await seen_by_manager(client, event, victim) == []
    own = await signed_up(client, event, organisation={"name": "Victim"}, contact=from_("dorte@victim.dk"))
    assert (await confirmed(client, own))["organisation"]["id"] == victim
    assert await seen_by_manager(client, event, victim) == ["dorte@victim.dk"]


async def test_what_is_not_published_is_named_to_nobody(client: Client) -> None:
    event = await published(client)
    hidden = await knows(client, "Hemmelig ApS", "hemmelig.dk", published=False, cvr="24256790", cvr_proven=True)
    asked = await sign_up(client, event, organisation={"id": hidden}, contact=from_("eve@gmail.com"))
    unknown = await sign_up(client, event, organisation={"id": str(uuid7())}, contact=from_("eve@gmail.com"))
    assert (asked.status_code, asked.json()["detail"]) == (unknown.status_code, unknown.json()["detail"])
    for said in ({"name": "Eve", "cvr": "24256790"}, {"name": "Eve", "website": "https://hemmelig.dk"}):
        made = await signed_up(client, event, organisation=said, contact=from_("eve@gmail.com"))
        assert made["organisation"]["name"] == "Eve"
        assert "Hemmelig" not in str(await confirmed(client, made))
        assert hidden not in str(await by_link(client, made))


async def test_a_number_that_contradicts_overrules_a_domain(client: Client) -> None:
    event = await published(client)
    holding = await knows(client, "Stor Holding A/S", "stor.dk", cvr="24256790", cvr_proven=True)
    said = {"name": "Stor Holding", "cvr": "10007127"}
    made = await confirmed(client, await signed_up(client, event, organisation=said, contact=from_("b@stor.dk")))
    assert made["organisation"]["id"] != holding


async def test_another_name_at_a_held_domain_stays_as_it_was_written(client: Client) -> None:
    event, hub = await published(client), await knows(client, "Væksthuset", "vaeksthuset.dk")
    said = {"name": "Alger ApS"}
    made = await confirmed(client, await signed_up(client, event, organisation=said, contact=from_("a@vaeksthuset.dk")))
    assert made["organisation"]["name"] == "Alger ApS"
    assert made["organisation"]["id"] != hub


async def test_a_unit_is_chosen_among_the_holders(client: Client) -> None:
    event, dtu = await published(client), await knows(client, "DTU", "dtu.dk")
    food = await knows(client, "DTU Fødevareinstituttet", parent=UUID(dtu))
    for said, expected in (
        ({"name": "DTU"}, dtu),
        ({"name": "DTU", "unit": "DTU fødevareinstituttet"}, food),
        ({"name": "DTU Fødevareinstituttet"}, food),
        ({"name": "DTU", "unit": "Et andet institut"}, dtu),
    ):
        made = await signed_up(client, event, organisation=said, contact=from_(f"{uuid7().hex}@dtu.dk"))
        assert (await confirmed(client, made))["organisation"]["id"] == expected
    student = await signed_up(client, event, organisation={"name": "DTU"}, contact=from_("s1@student.dtu.dk"))
    assert (await confirmed(client, student))["organisation"]["id"] != dtu


async def test_a_newcomer_is_its_makers_whatever_the_address(client: Client) -> None:
    event = await published(client)
    made = await signed_up(
        client, event, organisation={"name": "Fjord", "kind": "startup"}, contact=from_("f@gmail.com")
    )
    assert [each["data"].get("organisation") for each in await told(client, "events.registration.created")] == [None]
    counts = await confirmed(client, made)
    assert (counts["organisation"]["id"], counts["organisation"]["recognised"]) == (
        made["organisation"]["id"],
        "proven",
    )
    assert (await told(client, "events.registration"))[-1]["data"]["organisation"]["new"] is True
    assert await confirmed(client, made) == counts
    again = await signed_up(client, event, organisation={"name": "Fjord ApS"}, contact=from_("F@gmail.com"))
    assert (await confirmed(client, again))["organisation"]["id"] == made["organisation"]["id"]
    other = await signed_up(client, event, organisation={"name": "Fjord ApS"}, contact=from_("g@gmail.com"))
    assert (await confirmed(client, other))["organisation"]["id"] != made["organisation"]["id"]


async def test_a_member_comes_for_its_organisation_until_it_is_none(client: Client) -> None:
    event, fjord = await published(client), await knows(client, "Fjord")
    facts = {"member_id": uuid7(), "organisation_id": UUID(fjord), "name": "Ida", "email": "ida@gmail.com"}
    await hear(client, MemberAdded(**facts, role="member", version=1))

    async def counted(email: str) -> bool:
        made = await signed_up(client, event, organisation={"name": "Fjord"}, contact=from_(email))
        return bool((await confirmed(client, made))["organisation"]["id"] == fjord)

    assert await counted("Ida@gmail.com")
    assert not await counted("bo@gmail.com")
    await hear(client, MemberRemoved(**facts, role="member", version=2))
    assert not await counted("ida@gmail.com")


async def test_whoever_may_says_that_it_is_so(client: Client) -> None:
    event, dhi = await published(client), await knows(client, "DHI", cvr="24256790", cvr_proven=True)
    for caller, status in (
        (ORGANISER, 200),
        (ADMIN, 200),
        (manager_of(dhi), 200),
        (manager_of(str(uuid7())), 404),
        (OTHER_ORGANISER, 404),
        (as_caller("member", organisation=UUID(dhi), email="m@example.org"), 404),
    ):
        said = {"name": "DHI", "cvr": "24256790"}
        made = await signed_up(client, event, organisation=said, contact=from_("dorte@gmail.com"))
        path = f"/v1/registrations/{made['id']}/recognise"
        answer = await client.post(path, headers=caller)
        assert answer.status_code == status
        assert ((await by_link(client, made))["organisation"]["id"] == dhi) is (status == 200)
        own_link = await client.post(path, params={"key": key_of(made)})
        assert own_link.status_code == 404


async def test_an_organiser_says_so_of_many_or_of_none(client: Client) -> None:
    event, other, dhi = await published(client), await published(client), await knows(client, "DHI")
    made = [await signed_up(client, event, organisation={"id": dhi}) for _ in range(2)]
    elsewhere = await signed_up(client, other, organisation={"id": dhi})
    path = f"/v1/events/{event['id']}/registrations/recognise"
    ids = [each["id"] for each in made]
    refused = await client.post(path, json={"ids": [*ids, elsewhere["id"]]}, headers=ORGANISER)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/ids/2")
    assert await seen_by_manager(client, event, dhi) == []
    assert (await client.post(path, json={"ids": ids}, headers=ORGANISER)).status_code == 200
    assert len(await seen_by_manager(client, event, dhi)) == 2


async def test_who_belongs_there_and_who_organises_need_no_confirmation(client: Client) -> None:
    event, dhi = await published(client), await knows(client, "DHI", published=False)
    open_one = await knows(client, "Bioneer")
    path = f"/v1/events/{event['id']}/registrations"
    body = {"organisation": {"id": dhi}, "contact": from_("dorte@gmail.com"), "attendees": [{}]}
    member = as_caller("member", organisation=UUID(dhi), email="dorte@gmail.com")
    own = await client.post(path, json=body, headers=member)
    assert own.json()["organisation"]["recognised"] == "proven"
    walk_in = await client.post(path, json=body | {"organisation": {"id": open_one}}, headers=ORGANISER)
    assert walk_in.json()["organisation"]["recognised"] == "proven"
    hidden = await client.post(path, json=body, headers=ORGANISER)
    assert hidden.status_code == 409


async def test_list_and_door_show_what_is_stated_as_stated(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, organisation={"name": "Novonesis"}, attendees=[{"name": "Eve"}])
    attendee = (await client.get(f"/v1/events/{event['id']}/attendees", headers=ORGANISER)).json()["items"][0]
    assert (attendee["organisation"], attendee["recognised"]) == ("Novonesis", "stated")
    code = client.app.state.links.ticket_code(UUID(attendee["id"]), 1)
    scanned = await scan(client, event, code)
    assert (scanned["attendee"]["organisation"], scanned["attendee"]["recognised"]) == ("Novonesis", "stated")


async def test_opening_confirms_nothing_and_only_its_own_link_does(client: Client) -> None:
    event = await published(client)
    made = await signed_up(client, event, contact=from_("mette@gmail.com"))
    by_manage_key = await client.post("/v1/confirmations", params={"key": key_of(made)})
    assert (by_manage_key.status_code, (await client.post("/v1/confirmations")).status_code) == (404, 401)
    assert (await client.get("/v1/confirmations")).status_code == 405
    moved = await client.patch(
        f"/v1/registrations/{made['id']}", params={"key": mailed_key(made)}, json={"contact": {"email": "bo@gmail.com"}}
    )
    assert moved.status_code == 200
    old = links.key(Purpose.CONFIRMATION, UUID(made["id"]), 1)
    assert (await client.post("/v1/confirmations", params={"key": old})).status_code == 410
    assert (await confirmed(client, made, version=2))["organisation"]["recognised"] == "proven"
    assert str(KNOWLEDGE_HUB) not in str(made)
