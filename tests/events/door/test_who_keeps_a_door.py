"""A door and another system: what each may see of who comes, and what not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.access import api_keys
from shared.contracts.matching import ApiKeyIssued, KeyRole
from shared.database import uuid7
from shared.fields import utc_now
from tests.events.builders import KNOWLEDGE_HUB, ORGANISER, one_of, own_attendee, published, signed_up
from tests.support.callers import Headers, as_caller
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel.hemmelig@example.org", "job_title": "Hemmelig titel"}
SECRET = ("aksel.hemmelig", "Hemmelig titel", "gmail.com")
DOOR = as_caller("door", organisation=KNOWLEDGE_HUB, email="door@example.org")


async def key_for(client: Client, role: KeyRole, **grants: Any) -> Headers:
    """The key as matching told of it."""
    key = api_keys.new_key(role)
    told = ApiKeyIssued(
        api_key_id=uuid7(),
        version=1,
        sha256=api_keys.fingerprint(key).hex(),
        role=role,
        expires_at=utc_now() + timedelta(hours=1),
        **{"organisation_id": KNOWLEDGE_HUB, **grants},
    )
    async with client.app.state.database.transaction() as session:
        await api_keys.keep(session, told)
    return {"Authorization": f"Bearer {key}"}


async def test_a_door_lets_in_counts_and_finds_people_by_name(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[AKSEL, {}])
    attendee, code = one_of(registration)["id"], (await own_attendee(client, registration))["ticket"]["code"]
    path = f"/v1/events/{event['id']}"
    for door in (await key_for(client, "door", events=(UUID(event["id"]),)), DOOR):
        scan = {"code": code, "nonce": uuid7().hex, "device": "phone-1"}
        answers = [
            await client.post(f"{path}/check-ins", json=scan, headers=door),
            await client.get(f"{path}/check-ins", headers=door),
            await client.get(f"{path}/attendance", headers=door),
            await client.get(f"{path}/attendees", params={"q": "aksel"}, headers=door),
            await client.get(f"/v1/attendees/{attendee}", headers=door),
        ]
        assert [answer.status_code for answer in answers] == [200] * 5
        assert not [word for word in SECRET for answer in answers if word in answer.text]
        (found,) = answers[3].json()["items"]
        assert (found["name"], found["organisation"], found["inside"]) == ("Aksel Lind", "Fjordenzym ApS", True)
        assert found["email"] is found["job_title"] is found["consents"] is None
        undone = await client.delete(f"{path}/check-ins/{answers[1].json()['items'][-1]['id']}", headers=door)
        assert undone.status_code == 200


async def test_a_door_finds_nobody_by_an_address_it_may_not_see(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[AKSEL])
    for caller, found in ((DOOR, 0), (ORGANISER, 1)):
        answer = await client.get(f"/v1/events/{event['id']}/attendees", params={"q": "hemmelig"}, headers=caller)
        assert len(answer.json()["items"]) == found


async def test_a_door_changes_nobody_and_sees_no_sign_ups(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[AKSEL])
    attendee = f"/v1/attendees/{one_of(registration)['id']}"
    assert (await client.patch(attendee, json={"name": "En anden"}, headers=DOOR)).status_code == 404
    assert (await client.post(f"{attendee}/cancel", headers=DOOR)).status_code == 404
    assert (await client.get(f"/v1/registrations/{registration['id']}", headers=DOOR)).status_code == 404
    for what in ("registrations", "capacity"):
        assert (await client.get(f"/v1/events/{event['id']}/{what}", headers=DOOR)).status_code == 403


async def test_a_key_of_one_door_opens_no_other(client: Client) -> None:
    named, other = await published(client), await published(client)
    door = await key_for(client, "door", events=(UUID(named["id"]),))
    attendee = one_of(await signed_up(client, other, attendees=[AKSEL]))["id"]
    for what in ("check-ins", "attendance", "attendees"):
        assert (await client.get(f"/v1/events/{other['id']}/{what}", headers=door)).status_code == 403
    assert (await client.get(f"/v1/attendees/{attendee}", headers=door)).status_code == 404


async def test_a_key_names_events_of_its_own_organisation_only(client: Client) -> None:
    """Whoever names another's event when making a key gets nothing by it."""
    event = await published(client)
    door = await key_for(client, "door", organisation_id=uuid7(), events=(UUID(event["id"]),))
    answer = await client.get(f"/v1/events/{event['id']}/attendees", headers=door)
    assert answer.status_code == 403


async def test_another_system_reads_people_only_if_its_key_says_so(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[AKSEL])
    figures = await key_for(client, "integration", scopes=("read",))
    people = await key_for(client, "integration", scopes=("read", "personal_data"))
    path = f"/v1/events/{event['id']}"
    for what in ("attendance", "capacity"):
        assert (await client.get(f"{path}/{what}", headers=figures)).status_code == 200
    for what in ("registrations", "attendees"):
        assert (await client.get(f"{path}/{what}", headers=figures)).status_code == 403
        assert "aksel.hemmelig" in (await client.get(f"{path}/{what}", headers=people)).text
    assert (await client.patch(path, json={"hub": "kalundborg"}, headers=people)).status_code == 403
