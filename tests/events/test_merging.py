"""matching tells that an organisation was registered twice: what it has here goes on as the other's."""

import asyncio
import itertools
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from services.events.tables import Organisation, Registration
from shared.contracts.matching import (
    OrganisationCreated,
    OrganisationErased,
    OrganisationFacts,
    OrganisationMerged,
    OrganisationUpdated,
    ProvenDomain,
)
from shared.contracts.message import Message
from shared.database import uuid7
from tests.events.builders import ORGANISER, ceremony, company, counted, knows, published, told
from tests.notify.messages import envelope
from tests.support.callers import as_caller
from tests.support.heard import heard
from tests.support.services import Client

FIRM = {"name": "Gærhuset ApS", "cvr": "10007127"}
METTE = {"name": "Mette Holm", "email": "mette@gmail.com", "language": "da"}


async def hear(client: Client, *messages: Message) -> None:
    """As the listener does, each by itself."""
    for message in messages:
        async with client.app.state.database.transaction() as session:
            await client.app.state.subscriptions.handle(session, [heard(envelope(message))])


def survivor(**changes: Any) -> OrganisationCreated:
    facts = {"version": 1, "organisation_id": uuid7(), "name": "Gærhuset A/S", "kind": "producer", "published": True}
    return OrganisationCreated.model_validate(facts | changes)


def merged(one: str | UUID, into: OrganisationFacts, **changes: Any) -> OrganisationMerged:
    facts = into.model_dump() | {"version": into.version + 1, "merged_id": UUID(str(one))}
    return OrganisationMerged.model_validate(facts | changes)


async def organisation_of(client: Client, event: dict[str, Any], named: dict[str, Any], **changes: Any) -> str:
    """For which organisation a sign-up of Mette's counts."""
    named_by = {"organisation": named, "contact": METTE} | changes
    found: str = (await counted(client, event, **named_by))["organisation"]["id"]
    return found


async def test_registrations_and_events_go_on_as_the_survivors(client: Client) -> None:
    event = await published(client)
    registration = await counted(client, event, organisation=FIRM, contact=METTE)
    old, into = registration["organisation"]["id"], survivor()
    own = as_caller("organiser", organisation=UUID(old))
    drafted = (await client.post("/v1/events", json=ceremony(), headers=own)).json()
    message = merged(old, into)
    await hear(client, into, message, message)
    manager = as_caller("manager", organisation=into.organisation_id)
    path = f"/v1/events/{event['id']}/registrations"
    seen = (await client.get(path, headers=manager)).json()["items"]
    assert [(each["id"], each["organisation"]["name"]) for each in seen] == [(registration["id"], "Gærhuset A/S")]
    for identity in (old, str(into.organisation_id)):
        for listed in (path, f"/v1/events/{event['id']}/attendees"):
            found = await client.get(listed, params={"organisation": identity}, headers=ORGANISER)
            assert len(found.json()["items"]) == 1, listed
    organiser = as_caller("organiser", organisation=into.organisation_id)
    assert (await client.get(f"/v1/events/{drafted['id']}", headers=organiser)).status_code == 200
    await client.post(f"/v1/events/{drafted['id']}/publish", headers=organiser)
    for identity in (old, str(into.organisation_id)):
        listed = (await client.get("/v1/events", params={"organiser": identity})).json()["items"]
        assert [each["id"] for each in listed] == [drafted["id"]]


async def test_an_old_token_acts_for_the_survivor(client: Client) -> None:
    event = await published(client)
    registration = await counted(client, event, organisation=FIRM, contact=METTE)
    old, into = registration["organisation"]["id"], survivor()
    await hear(client, into, merged(old, into))
    manager = as_caller("manager", organisation=UUID(old))
    assert (await client.get(f"/v1/registrations/{registration['id']}", headers=manager)).status_code == 200
    organiser = as_caller("organiser", organisation=UUID(old))
    for named in ({}, {"organisation_id": old}, {"organisation_id": str(into.organisation_id)}):
        drafted = await client.post("/v1/events", json=ceremony(**named), headers=organiser)
        assert (drafted.status_code, drafted.json()["organisation_id"]) == (201, str(into.organisation_id))
    stranger = as_caller("organiser", organisation=uuid7())
    refused = await client.post("/v1/events", json=ceremony(organisation_id=old), headers=stranger)
    assert refused.status_code == 403


async def test_a_sign_up_by_the_old_id_is_the_survivors(client: Client) -> None:
    event = await published(client)
    old, into = await organisation_of(client, event, FIRM), survivor()
    await hear(client, into, merged(old, into))
    assert await organisation_of(client, event, {"id": old}) == str(into.organisation_id)
    facts = (await told(client, "events.registration"))[-1]["data"]["organisation"]
    assert (facts["id"], facts["name"], facts["new"]) == (str(into.organisation_id), "Gærhuset A/S", False)


async def test_the_next_sign_up_from_either_domain_is_the_survivors(client: Client) -> None:
    event = await published(client)
    old, into = await knows(client, "Gærhuset ApS", "gaerhuset.dk"), survivor()
    both = tuple(ProvenDomain(domain=domain, use="mail") for domain in ("gaerhuset.dk", "gaerhuset-holding.dk"))
    await hear(client, into, merged(old, into, domains=both))
    for domain in ("gaerhuset.dk", "gaerhuset-holding.dk"):
        contact = {"name": "Ida", "email": f"ida@{domain}", "language": "da"}
        assert await organisation_of(client, event, FIRM, contact=contact) == str(into.organisation_id)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_in_whatever_order_it_is_heard_all_ends_as_the_last(client: Client, order: tuple[int, ...]) -> None:
    event = await published(client)
    registration = await counted(client, event, organisation=FIRM, contact=METTE)
    old = registration["organisation"]["id"]
    middle, last = survivor(name="Gærhuset I/S"), survivor()
    late = {"version": 1, "organisation_id": old, "name": "Gærhuset ApS", "cvr": FIRM["cvr"]}
    messages: list[Message] = [
        OrganisationUpdated.model_validate(late),
        middle,
        merged(old, middle),
        merged(middle.organisation_id, last),
    ]
    await hear(client, *(messages[each] for each in order))
    async with client.app.state.database.reading() as session:
        into = {each.id: each.merged_into for each in await session.exec(select(Organisation))}
    end = last.organisation_id
    assert into == {UUID(old): end, middle.organisation_id: end, end: None}
    for named in (FIRM, {"id": old}, {"id": str(middle.organisation_id)}):
        assert await organisation_of(client, event, named) == str(end)
    seen = await client.get(f"/v1/registrations/{registration['id']}", headers=as_caller("manager", organisation=end))
    assert seen.json()["organisation"]["name"] == "Gærhuset A/S"


async def test_a_merge_heard_after_both_were_erased_leaves_nothing(client: Client) -> None:
    event = await published(client)
    registration = await counted(client, event, organisation=FIRM, contact=METTE)
    old, into = UUID(registration["organisation"]["id"]), survivor()
    gone = [
        OrganisationErased(organisation_id=each, version=3, erasure_id=uuid7()) for each in (into.organisation_id, old)
    ]
    await hear(client, into, gone[0], merged(old, into), gone[1])
    async with client.app.state.database.reading() as session:
        assert (await session.exec(select(Organisation))).all() == []
        assert (await session.exec(select(Registration.organisation_id))).all() == [None]


async def test_who_signs_up_while_the_merge_is_heard_is_the_survivors_too(client: Client) -> None:
    event = await published(client, capacity=None)
    old, into = await organisation_of(client, event, FIRM), survivor()
    await hear(client, into)
    path = f"/v1/events/{event['id']}/registrations"
    member = as_caller("member", organisation=UUID(old), email="mette@gmail.com")
    bodies = [company(organisation={"id": old}) for _ in range(24)]
    hearing = asyncio.create_task(hear(client, merged(old, into)))
    answers = await asyncio.gather(*(client.post(path, json=body, headers=member) for body in bodies[:12]))
    await hearing
    answers += await asyncio.gather(*(client.post(path, json=body, headers=member) for body in bodies[12:]))
    assert {answer.status_code for answer in answers} == {201}
    async with client.app.state.database.reading() as session:
        found = set(await session.exec(select(Registration.organisation_id)))
    assert found == {into.organisation_id}
