"""Whose address is registered is told five times an hour, and each time the person is mailed."""

from typing import Any

import httpx
import pytest

from services.events.registrations.misses import MOST_MISSES
from tests.events.builders import (
    ORGANISER,
    company,
    key_of,
    one_of,
    own_key,
    published,
    rename,
    sign_up,
    signed_up,
    told,
)
from tests.support.services import Client

ALICE: dict[str, Any] = {"name": "Alice Lund", "email": "alice@example.org"}
NINA: dict[str, Any] = {"name": "Nina Bak", "email": "nina@example.org"}


@pytest.fixture
async def event(client: Client) -> dict[str, Any]:
    """Alice is signed up for it."""
    event = await published(client)
    await signed_up(client, event, attendees=[ALICE])
    return event


async def add(client: Client, registration: dict[str, Any], *people: dict[str, Any], **changes: Any) -> httpx.Response:
    path = f"/v1/registrations/{registration['id']}/attendees"
    return await client.post(path, params={"key": key_of(registration)}, json={"attendees": people} | changes)


async def reminded(client: Client) -> int:
    return len(await told(client, "events.registration.reminded"))


def says_where_alone(refused: httpx.Response, pointer: str) -> None:
    body = refused.json()
    assert (refused.status_code, body["type"], body["pointer"]) == (409, "/problems/already-registered", pointer)
    assert sorted(body) == ["detail", "next_steps", "pointer", "status", "title", "type"]
    assert "Alice" not in refused.text


async def test_on_every_way_the_answer_is_the_same_and_the_person_is_mailed(
    client: Client, event: dict[str, Any]
) -> None:
    own = await signed_up(client, event)
    refused = await sign_up(client, event, attendees=[NINA, ALICE])
    says_where_alone(refused, "/attendees/1/email")
    says_where_alone(await add(client, own, NINA, ALICE), "/attendees/1/email")
    renamed = await rename(client, own, **ALICE)
    says_where_alone(renamed, "/email")
    by_own_link = await client.patch(
        f"/v1/attendees/{one_of(own)['id']}", params=own_key(one_of(own)), json={"email": "ALICE@example.org"}
    )
    says_where_alone(by_own_link, "/email")
    assert {key: refused.json()[key] for key in ("title", "detail", "next_steps")} == {
        key: renamed.json()[key] for key in ("title", "detail", "next_steps")
    }
    assert await reminded(client) == 4
    (last,) = {each["data"]["attendee_id"] for each in await told(client, "events.registration.reminded")}
    assert last != one_of(own)["id"]


async def test_a_full_event_answers_no_otherwise(client: Client) -> None:
    event = await published(client, capacity=1)
    await signed_up(client, event, attendees=[ALICE])
    says_where_alone(await sign_up(client, event, attendees=[ALICE], if_full="refuse"), "/attendees/0/email")
    waiting = await signed_up(client, event)
    says_where_alone(await add(client, waiting, ALICE, if_full="refuse"), "/attendees/0/email")


async def test_after_five_misses_a_contact_hears_no_more_whoever_is_asked_for(
    client: Client, event: dict[str, Any]
) -> None:
    body = company(contact={"name": "Eve", "email": "eve@example.org"}, attendees=[ALICE])
    path = f"/v1/events/{event['id']}/registrations"
    for _ in range(MOST_MISSES):
        assert (await client.post(path, json=body)).status_code == 409
    for person in (ALICE, NINA):
        refused = await client.post(path, json=body | {"attendees": [person]})
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert await reminded(client) == MOST_MISSES
    assert (await client.post(path, json=body | {"attendees": [{}]})).status_code == 201, (
        "who names nobody asks nothing"
    )
    elsewhere = await published(client)
    other = await client.post(f"/v1/events/{elsewhere['id']}/registrations", json=body)
    assert other.status_code == 429, "at any event"
    assert (await sign_up(client, event, attendees=[NINA])).status_code == 201, "others are not hindered"


async def test_after_five_misses_a_registration_hears_no_more_on_any_way(client: Client, event: dict[str, Any]) -> None:
    own = await signed_up(client, event)
    for number in range(MOST_MISSES):
        refused = await (add(client, own, ALICE) if number % 2 else rename(client, own, **ALICE))
        assert refused.status_code == 409
    for refused in (await add(client, own, NINA), await rename(client, own, **NINA)):
        assert refused.status_code == 429
    assert (await rename(client, own, name="Nina Bak")).status_code == 200


async def test_an_organiser_who_sees_everybody_is_not_counted(client: Client, event: dict[str, Any]) -> None:
    own = await signed_up(client, event)
    for _ in range(MOST_MISSES + 1):
        path = f"/v1/attendees/{one_of(own)['id']}"
        assert (await client.patch(path, headers=ORGANISER, json=ALICE)).status_code == 409


async def test_a_refusal_that_is_counted_is_not_remembered_for_its_key(client: Client, event: dict[str, Any]) -> None:
    own = await signed_up(client, event)
    path = f"/v1/registrations/{own['id']}/attendees"
    sent: dict[str, Any] = {"params": {"key": key_of(own)}, "headers": {"Idempotency-Key": "again"}}
    for _ in range(2):
        assert (await client.post(path, **sent, json={"attendees": [ALICE]})).status_code == 409
    assert await reminded(client) == 2
