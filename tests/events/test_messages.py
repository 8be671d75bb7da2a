"""What is told: one message for each registration a transaction changed, with versions that rise by one."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from shared.contracts.events import RegistrationCreated, RegistrationUpdated
from shared.contracts.message import Envelope, Message
from tests.events.builders import (
    ORGANISER,
    cancel,
    change_event,
    company,
    counted,
    in_days,
    key_of,
    mailed_key,
    one_of,
    published,
    rename,
    scan,
    sign_up,
    signed_up,
    told,
)
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org", "language": "en"}


async def of(client: Client, registration: dict[str, Any]) -> list[dict[str, Any]]:
    """What was told of one registration."""
    return [
        message for message in await told(client, "events.registration") if message["subject"] == registration["id"]
    ]


async def test_a_sign_up_is_told_whole(client: Client) -> None:
    event = await published(client, capacity=1, ticket_types=[{"key": "guest", "title": {"en": "Guest"}}])
    organisation = {
        "name": "Fjordenzym ApS",
        "kind": "startup",
        "cvr": "24256790",
        "website": "https://fjord.example.org",
    }
    registration = await signed_up(client, event, organisation=organisation, attendees=[AKSEL, {}])
    (message,) = await told(client, "events.registration")
    assert (message["type"], message["aggregateversion"]) == ("events.registration.created.v1", 1)
    assert (message["source"], message["subject"]) == ("/events", registration["id"])
    data = RegistrationCreated.model_validate(message["data"])
    assert data.reference == registration["reference"]
    assert (data.organisation, data.contact_confirmed) == (None, None)
    assert data.stated is not None
    assert (data.stated.name, data.stated.kind) == ("Fjordenzym ApS", "startup")
    assert data.contact.email == registration["contact"]["email"]
    assert [(each.status, each.email, each.language, each.position) for each in data.attendees] == [
        ("confirmed", "aksel@example.org", "en", None),
        ("waitlisted", None, None, 1),
    ]
    assert [(change.from_status, change.to_status) for change in data.changed] == [
        (None, "confirmed"),
        (None, "waitlisted"),
    ]


async def test_an_organisation_is_told_once_its_makers_address_is_confirmed(client: Client) -> None:
    event = await published(client)
    organisation = {"name": "Fjordenzym ApS", "cvr": "24256790"}
    contact = {"name": "Mette Holm", "email": "mette@gmail.com"}
    for _ in range(2):
        await counted(client, event, organisation=organisation, contact=contact)
    messages = [message["data"] for message in await told(client, "events.registration.updated")]
    assert [message["organisation"]["new"] for message in messages] == [True, False]
    assert messages[0]["organisation"]["cvr"] == "24256790"
    assert len({message["organisation"]["id"] for message in messages}) == 1


async def test_a_refusal_tells_nothing(client: Client) -> None:
    event = await published(client, capacity=0)
    assert (await sign_up(client, event, if_full="refuse")).status_code == 409
    assert await told(client, "events.registration") == []


async def test_naming_and_handing_over_say_what_was_before(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    await rename(client, registration, name="Aksel Lind", email="aksel@example.org")
    await rename(client, registration, name="Bodil Ravn", email="bodil@example.org")
    named, handed = [message["data"] for message in (await of(client, registration))[1:]]
    (change,) = named["changed"]
    assert (change["named"], change["replaced"], "previous_email" in change) == (True, False, False)
    assert (named["attendees"][0]["code_version"], named["attendees"][0]["link_version"]) == (1, 2)
    (change,) = handed["changed"]
    assert (change["replaced"], change["previous_email"], change["previous_name"]) == (
        True,
        "aksel@example.org",
        "Aksel Lind",
    )
    attendee = handed["attendees"][0]
    assert (attendee["email"], attendee["code_version"], attendee["link_version"]) == ("bodil@example.org", 2, 3)
    assert attendee["sequence"] == 2


async def test_the_last_cancellation_cancels_the_registration(client: Client) -> None:
    registration = await signed_up(client, await published(client), people=2)
    await cancel(client, registration, 0)
    await cancel(client, registration, 1)
    kinds = [message["type"].split(".")[2] for message in await of(client, registration)]
    assert kinds == ["created", "updated", "cancelled"]


async def test_mails_asked_for_again_are_told_so(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    path = f"/v1/registrations/{registration['id']}/resend"
    assert (await client.post(path, params={"key": key_of(registration)})).status_code == 202
    message = (await of(client, registration))[-1]
    data = RegistrationUpdated.model_validate(message["data"])
    assert (data.resend, data.changed, data.version) == (True, (), 2)


async def test_versions_rise_by_one_whatever_happens(client: Client) -> None:
    event = await published(client, capacity=2)
    first, second = await signed_up(client, event, people=2), await signed_up(client, event, people=2)
    await rename(client, first, name="Aksel Lind", email="aksel@example.org")
    await cancel(client, first, 0)
    await change_event(client, event, capacity=3)
    await rename(client, second, name="Bodil Ravn")
    await client.post(f"/v1/registrations/{second['id']}/resend", params={"key": key_of(second)})
    await client.patch(
        f"/v1/registrations/{first['id']}",
        params={"key": mailed_key(first)},
        json={"contact": {"email": "other@example.org"}},
    )
    await cancel(client, second)
    versions: dict[str, list[int]] = defaultdict(list)
    for message in await told(client, "events.registration"):
        versions[message["subject"]].append(message["aggregateversion"])
    assert versions == {first["id"]: [1, 2, 3, 4], second["id"]: [1, 2, 3, 4, 5, 6]}


async def test_a_change_that_is_none_tells_nothing(client: Client) -> None:
    registration = await signed_up(client, await published(client), attendees=[AKSEL])
    await rename(client, registration, name="Aksel Lind", email="aksel@example.org")
    await rename(client, registration)
    assert len(await of(client, registration)) == 1


async def test_everything_told_of_an_event_is_its_facts(client: Client) -> None:
    event = await published(client)
    await change_event(client, event, title={"en": "The signing"}, starts_at=in_days(-0.1), notify="all")
    await client.post(f"/v1/events/{event['id']}/complete", headers=ORGANISER)
    published_, updated, completed = await told(client, "events.event")
    assert [message["aggregateversion"] for message in (published_, updated, completed)] == [2, 3, 4]
    assert published_["data"]["contact"] == {"name": "Karen Kaas", "email": "organiser@example.org", "language": "da"}
    moved = ["changes_close_at", "ends_at", "registration_closes_at", "starts_at"]
    assert updated["data"]["changed"] == [*moved, "title"]
    assert set(updated["data"]["before"]) == {"title", "starts_at", "ends_at", "timezone"}
    assert completed["data"]["title"] == {"da": "Underskrift i Helix Lab", "en": "The signing"}
    assert (completed["data"]["status"], completed["data"]["slug"]) == ("completed", event["slug"])


async def test_every_message_can_be_read_by_its_contract_and_traced_to_its_request(client: Client) -> None:
    event = await published(client, capacity=1)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Request-ID": "request-7", "traceparent": trace}
    answer = await client.post(f"/v1/events/{event['id']}/registrations", json=company(), headers=headers)
    await scan(client, event, attendee=one_of(answer.json())["id"])
    await scan(client, event, attendee=one_of(answer.json())["id"], direction="out")
    await client.post(f"/v1/events/{event['id']}/cancel", json={"reason": {"da": "Storm"}}, headers=ORGANISER)
    messages = await told(client)
    for message in messages:
        envelope = Envelope.model_validate(message)
        data = Message.known[envelope.type].model_validate(envelope.data)
        assert (str(data.aggregate_id), data.version) == (envelope.subject, envelope.aggregateversion)
        assert (message["specversion"], message["datacontenttype"]) == ("1.0", "application/json")
    created = next(message for message in messages if message["type"] == "events.registration.created.v1")
    assert created["correlationid"] == "request-7"
    assert created["traceparent"].split("-")[1] == trace.split("-")[1]
    assert len({message["id"] for message in messages}) == len(messages)


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_who_is_refused_in_a_batch_does_not_take_the_others_along(client: Client) -> None:
    event = await published(client, capacity=3)
    answers = await asyncio.gather(*(sign_up(client, event, if_full="refuse") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert len(await told(client, "events.registration.created")) == 3
