"""Telling again: every row as it stands, with the version it has, and nothing for letters to say."""

from services.events.retelling import STEPS, VERSIONS
from shared.contracts.message import Message
from shared.messaging.retelling import lift, retell
from tests.events.builders import (
    ORGANISER,
    cancel,
    ceremony,
    change_event,
    one_of,
    own_attendee,
    published,
    rename,
    scan,
    signed_up,
    told,
)
from tests.support.services import Client


async def test_everything_is_told_again_as_it_stands(client: Client) -> None:
    event = await published(client)
    await change_event(client, event, title={"en": "The signing"})
    await client.post("/v1/events", json=ceremony(), headers=ORGANISER)
    stays = await signed_up(client, event, people=2)
    await rename(client, stays, name="Aksel Lind", email="aksel@example.org")
    gone = await signed_up(client, event)
    await cancel(client, gone)
    await scan(client, event, (await own_attendee(client, stays))["ticket"]["code"], door="Main")
    await scan(client, event, attendee=one_of(stays, 1)["id"])
    await scan(client, event, attendee=one_of(stays, 1)["id"], direction="out")
    before = await told(client)

    assert await retell(client.app.state.database, STEPS, batch=2) == 5
    again = (await told(client))[len(before) :]
    assert [message["type"].split(".", 1)[1] for message in again] == [
        "event.updated.v1",
        "registration.updated.v1",
        "registration.updated.v1",
        "attendee.checked_in.v1",
        "attendee.checked_out.v1",
    ]
    newest = {message["subject"]: message for message in before}
    for message in again:
        Message.known[message["type"]].model_validate(message["data"])
        known = newest[message["subject"]]
        assert message["aggregateversion"] == known["aggregateversion"]
        assert message["data"].get("changed", []) == []
        for name in ("title", "attendees", "contact", "organisation"):
            assert message["data"].get(name) == known["data"].get(name) or name == "organisation", name
    assert again[0]["data"]["notify"] == "none"
    assert [message["data"].get("resend") for message in again[1:3]] == [False, False]


async def test_nothing_is_told_of_an_empty_database(client: Client) -> None:
    assert await retell(client.app.state.database, STEPS) == 0


async def test_versions_of_a_restored_database_are_lifted_above_whatever_was_told(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event)
    before = await told(client)
    lifted = await lift(client.app.state.database, VERSIONS)
    await retell(client.app.state.database, STEPS)
    again = (await told(client))[len(before) :]
    assert [message["aggregateversion"] for message in again] == [lifted, lifted]
    await change_event(client, event, title={"en": "The signing"})
    assert (await told(client))[-1]["aggregateversion"] == lifted + 1
    await rename(client, registration, name="Aksel Lind", email="aksel@example.org")
    assert (await told(client))[-1]["aggregateversion"] == lifted + 1
