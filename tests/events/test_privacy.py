"""Who sees a person's e-mail: a story for each caller. What one may not see is not there."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.access.links import Purpose
from shared.database import uuid7
from tests.events.builders import (
    KNOWLEDGE_HUB,
    ORGANISER,
    OTHER_ORGANISER,
    by_link,
    counted,
    key_of,
    one_of,
    own_attendee,
    own_key,
    published,
    rename,
    scan,
    sign_up,
    signed_up,
    told,
)
from tests.support.callers import as_caller, links
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org"}
BODIL = {"name": "Bodil Ravn", "email": "bodil@example.org"}
CONTACT = {"name": "Mette Holm", "email": "mette.holm@example.org", "phone": "+45 12 34 56 78", "language": "da"}
PERSONAL = ("Lind", "aksel@", "Ravn", "bodil@", "Holm", "mette.holm@", "12 34 56 78")


async def two_people(client: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """An event, and a registration of two for it."""
    event = await published(client)
    return event, await counted(client, event, attendees=[AKSEL, BODIL], contact=CONTACT)


def paths(registration: dict[str, Any]) -> list[str]:
    """Where the registration and its people can be read."""
    people = [f"/v1/attendees/{one_of(registration, index)['id']}" for index in (0, 1)]
    return [f"/v1/registrations/{registration['id']}", *people]


async def outcomes(client: Client, registration: dict[str, Any], **request: Any) -> list[int]:
    """The statuses of reading the registration and each attendee."""
    return [(await client.get(path, **request)).status_code for path in paths(registration)]


async def test_the_public_sees_nobody(client: Client) -> None:
    event, registration = await two_people(client)
    assert await outcomes(client, registration) == [401, 401, 401]
    for path in ("/v1/events", f"/v1/events/{event['id']}", f"/v1/events/{event['id']}/calendar.ics"):
        shown = (await client.get(path)).text
        assert not [word for word in (*PERSONAL, "organiser@example.org", "Karen Kaas") if word in shown], path
    for path in ("attendees", "registrations", "attendance", "check-ins"):
        assert (await client.get(f"/v1/events/{event['id']}/{path}")).status_code == 401


async def test_an_attendees_link_shows_oneself(client: Client) -> None:
    event, registration = await two_people(client)
    key = own_key(one_of(registration))
    assert await outcomes(client, registration, params=key) == [404, 200, 404]
    own = await client.get(paths(registration)[1], params=key)
    assert own.json()["email"] == "aksel@example.org"
    assert not [word for word in PERSONAL[2:] if word in own.text]
    assert (await client.get(f"/v1/events/{event['id']}/attendees", params=key)).status_code == 403


async def test_a_registrations_link_shows_the_people_of_that_registration(client: Client) -> None:
    event, registration = await two_people(client)
    other = await signed_up(client, event)
    seen = await by_link(client, registration)
    assert [each["email"] for each in seen["attendees"]] == ["aksel@example.org", "bodil@example.org"]
    assert await outcomes(client, registration, params={"key": key_of(registration)}) == [200, 200, 200]
    assert await outcomes(client, registration, params={"key": key_of(other)}) == [404, 404, 404]


async def test_an_address_given_by_the_own_link_is_not_for_the_contact_person(client: Client) -> None:
    _, registration = await two_people(client)
    attendee = await own_attendee(client, registration)
    own = own_key(attendee)
    path = f"/v1/attendees/{attendee['id']}"
    given = await client.patch(path, params=own, json={"name": "Cille Dam", "email": "cille@example.org"})
    assert given.json()["email"] == "cille@example.org"
    contact = {"key": key_of(registration)}
    for seen in (path, f"/v1/registrations/{registration['id']}"):
        assert "cille@example.org" not in (await client.get(seen, params=contact)).text
    assert (await client.get(path, headers=ORGANISER)).json()["email"] == "cille@example.org"
    manager = as_caller("manager", organisation=registration["organisation"]["id"], email="chef@example.org")
    assert (await client.get(path, headers=manager)).json()["email"] == "cille@example.org"
    await client.patch(path, params=contact, json={"name": "Dan Eg", "email": "dan@example.org"})
    assert (await client.get(path, params=contact)).json()["email"] == "dan@example.org"


async def test_a_member_sees_the_own_registrations_and_not_a_colleagues(client: Client) -> None:
    _, registration = await two_people(client)
    organisation = registration["organisation"]["id"]
    own = as_caller("member", organisation=organisation, email="Mette.Holm@example.org")
    assert await outcomes(client, registration, headers=own) == [200, 200, 200]
    colleague = as_caller("member", organisation=organisation, email="colleague@example.org")
    assert await outcomes(client, registration, headers=colleague) == [404, 404, 404]
    without_role = as_caller("door", organisation=organisation, email="mette.holm@example.org")
    assert await outcomes(client, registration, headers=without_role) == [404, 404, 404]


async def test_a_manager_sees_the_organisations_registrations_and_no_others(client: Client) -> None:
    event, registration = await two_people(client)
    manager = as_caller("manager", organisation=registration["organisation"]["id"], email="boss@example.org")
    assert await outcomes(client, registration, headers=manager) == [200, 200, 200]
    theirs = (await client.get(f"/v1/events/{event['id']}/attendees", headers=manager)).json()["items"]
    assert [each["email"] for each in theirs] == ["aksel@example.org", "bodil@example.org"]
    other = as_caller("manager", organisation=uuid7(), email="boss@example.org")
    assert await outcomes(client, registration, headers=other) == [404, 404, 404]
    assert (await client.get(f"/v1/events/{event['id']}/attendees", headers=other)).json()["items"] == []


async def test_nobody_manages_the_registration_of_a_private_person(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, organisation=None, attendees=[AKSEL, BODIL])
    manager = as_caller("manager", email="boss@example.org")
    assert await outcomes(client, registration, headers=manager) == [404, 404, 404]


async def test_the_door_sees_name_organisation_and_ticket_type(client: Client) -> None:
    event, registration = await two_people(client)
    code = (await own_attendee(client, registration))["ticket"]["code"]
    answer = await scan(client, event, code)
    assert sorted(answer["attendee"]) == ["id", "name", "note", "organisation", "recognised", "ticket_type"]
    assert not [word for word in PERSONAL[1:] if word in str(answer)]


async def test_an_organiser_sees_everybody_at_the_own_events_and_no_ticket(client: Client) -> None:
    event, registration = await two_people(client)
    assert await outcomes(client, registration, headers=ORGANISER) == [200, 200, 200]
    seen = (await client.get(paths(registration)[0], headers=ORGANISER)).json()
    assert (seen["contact"]["email"], seen["links"]) == ("mette.holm@example.org", None)
    attendee = (await client.get(paths(registration)[1], headers=ORGANISER)).json()
    assert (attendee["email"], attendee["ticket"], attendee["links"]) == ("aksel@example.org", None, None)
    assert await outcomes(client, registration, headers=OTHER_ORGANISER) == [404, 404, 404]
    member = as_caller("member", organisation=KNOWLEDGE_HUB, email="member@example.org")
    assert await outcomes(client, registration, headers=member) == [404, 404, 404]
    assert (await client.get(f"/v1/events/{event['id']}/registrations", headers=OTHER_ORGANISER)).status_code == 403


async def test_an_integration_sees_no_people(client: Client) -> None:
    event, registration = await two_people(client)
    integration = as_caller("integration", organisation=KNOWLEDGE_HUB, email="system@example.org")
    assert await outcomes(client, registration, headers=integration) == [404, 404, 404]
    for path in ("attendees", "registrations", "check-ins"):
        assert (await client.get(f"/v1/events/{event['id']}/{path}", headers=integration)).status_code == 403


async def test_the_secretariat_sees_everything(client: Client) -> None:
    event, registration = await two_people(client)
    admin = as_caller("admin", email="secretariat@example.org")
    assert await outcomes(client, registration, headers=admin) == [200, 200, 200]
    assert len((await client.get(f"/v1/events/{event['id']}/attendees", headers=admin)).json()["items"]) == 2


async def test_whose_address_is_registered_is_told_to_nobody_but_the_person(client: Client) -> None:
    event, registration = await two_people(client)
    refused = await sign_up(client, event, attendees=[{}, {"name": "Somebody", "email": "AKSEL@example.org"}])
    assert refused.status_code == 409
    assert sorted(refused.json()) == ["detail", "next_steps", "pointer", "status", "title", "type"]
    assert refused.json()["pointer"] == "/attendees/1/email"
    assert not [word for word in PERSONAL if word in refused.text]
    (message,) = await told(client, "events.registration.reminded")
    assert (message["subject"], message["data"]["attendee_id"]) == (registration["id"], one_of(registration)["id"])
    assert not [word for word in PERSONAL if word in str(message)]


async def test_a_link_opens_one_thing_for_one_purpose(client: Client) -> None:
    """An attendee's key does not open a registration of the same number, nor the other way round."""
    _, registration = await two_people(client)
    attendee = one_of(registration)["id"]
    for purpose in Purpose:
        key = {"key": links.key(purpose, UUID(attendee), 1)}
        expected = 200 if purpose is Purpose.ATTENDEE else 404
        assert (await client.get(f"/v1/attendees/{attendee}", params=key)).status_code == expected, purpose


async def test_neither_messages_nor_tables_hold_a_code_or_a_key(client: Client) -> None:
    event, registration = await two_people(client)
    await rename(client, registration, name="Cille Due", email="cille@example.org")
    own = await own_attendee(client, registration)
    await scan(client, event, own["ticket"]["code"])
    secrets = [own["ticket"]["code"], own_key(own, 2)["key"], key_of(registration)]
    messages = str(await told(client))
    assert not [secret for secret in secrets if secret in messages]
    async with client.app.state.database.reading() as session:
        for table in ("registrations", "attendees", "replaced_codes", "check_ins"):
            rows = str((await session.exec(text(f"SELECT * FROM {table}"))).all())  # noqa: S608 -- names from above
            assert not [secret for secret in secrets if secret in rows], table
