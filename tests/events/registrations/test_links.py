"""The links of a registration and of an attendee are replaced, by who holds them or the organiser."""

from typing import Any

import pytest

from tests.events.builders import (
    ORGANISER,
    key_of,
    mailed_key,
    one_of,
    own_attendee,
    own_key,
    published,
    signed_up,
    told,
)
from tests.support.services import Client


@pytest.fixture
async def registration(client: Client) -> dict[str, Any]:
    people = [{"name": "Aksel Lind", "email": "aksel@example.org"}]
    return await signed_up(client, await published(client), attendees=people)


async def test_the_contact_person_ends_the_key_that_was_answered_to_whoever_signed_up(
    client: Client, registration: dict[str, Any]
) -> None:
    path = f"/v1/registrations/{registration['id']}"
    answered, mailed = {"key": key_of(registration)}, {"key": mailed_key(registration)}
    refused = await client.post(f"{path}/links", params=answered)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-by-mail")
    assert (await client.post(f"{path}/links", params=mailed)).status_code == 202
    for key, status in ((answered, 410), (mailed, 410), ({"key": mailed_key(registration, 2)}, 200)):
        assert (await client.get(path, params=key)).status_code == status
    (message,) = await told(client, "events.registration.updated")
    assert (message["data"]["link_version"], message["data"]["resend"]) == (2, True)


async def test_an_attendee_gets_a_new_link_and_keeps_the_ticket(client: Client, registration: dict[str, Any]) -> None:
    attendee = one_of(registration)
    path, own = f"/v1/attendees/{attendee['id']}", own_key(attendee)
    before = await own_attendee(client, registration)
    for other in (key_of(registration), mailed_key(registration)):
        assert (await client.post(f"{path}/links", params={"key": other})).status_code == 403
    assert (await client.post(f"{path}/links", params=own)).status_code == 202
    assert (await client.get(path, params=own)).status_code == 410
    assert (await client.get(path, params=own_key(attendee, 2))).json()["ticket"] == before["ticket"]
    assert (await client.post(f"{path}/links", headers=ORGANISER)).status_code == 202
    assert (await client.get(path, params=own_key(attendee, 2))).status_code == 410
