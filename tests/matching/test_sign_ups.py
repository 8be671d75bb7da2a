"""A company that nobody knows signs up for an event, and matching hears of it."""

import asyncio

import pytest

from services.matching.app import create_app
from services.matching.settings import Settings
from services.matching.tables import Going
from shared.contracts.events import RegisteredAttendee, RegistrationCancelled, RegistrationUpdated
from shared.contracts.matching import MemberAdded, OrganisationCreated, OrganisationUpdated, ProfileLinkRequested
from tests.matching.builders import ADMIN, agreed, ceremony, hear, key_of, make, newcomer, put_on_bus, sign_up, told
from tests.support.nats import NatsServer
from tests.support.services import Client, eventually, running, settings_for


async def test_soon_after_the_sign_up_the_company_has_a_profile(database_url: str, nats_server: NatsServer) -> None:
    company = newcomer(kind="startup", website="https://www.gaerhuset.example.org", cvr="10007127")
    async with running(create_app, settings_for(Settings, "matching", database_url, nats_server)) as client:
        await eventually(lambda: _is_connected(client))
        await put_on_bus(nats_server, sign_up(company))

        async def profile() -> dict[str, object]:
            answer = await client.get(f"/v1/organisations/{company.id}", params=key_of(company.id))
            assert answer.status_code == 200, answer.headers["Retry-After"]
            found: dict[str, object] = answer.json()
            return found

        found = await eventually(profile)
        assert (found["name"], found["kind"], found["cvr"]) == ("Gærhuset ApS", "startup", "10007127")
        assert (found["published"], found["claimed"]) == (False, False)
        (link,) = await told(client, ProfileLinkRequested)
        assert (link["recipient"]["email"], link["reason"]) == ("mette@gaerhuset.example.org", "registered")
        assert len(await told(client, OrganisationCreated)) == 1


async def _is_connected(client: Client) -> bool:
    return bool(client.app.state.bus.connected)


async def test_heard_twice_and_at_two_events_it_is_one_profile_and_one_mail(client: Client) -> None:
    company = newcomer()
    first = sign_up(company)
    await hear(client, first, sign_up(company.model_copy(update={"new": False})))
    await hear(client, RegistrationUpdated(**{**first.model_dump(), "version": 2}))
    assert len(await told(client, OrganisationCreated)) == 1
    assert len(await told(client, ProfileLinkRequested)) == 1


async def test_the_contact_person_of_the_first_sign_up_is_the_profiles_contact(client: Client) -> None:
    company = newcomer()
    await hear(client, sign_up(company))
    profile = (await client.get(f"/v1/organisations/{company.id}", params=key_of(company.id))).json()
    assert profile["contacts"] == [
        {"name": "Mette Holm", "email": "mette@gaerhuset.example.org", "title": None, "phone": None, "language": "da"}
    ]
    assert profile["next_steps"][0]["action"] == "complete_profile"


@pytest.mark.parametrize(
    ("website", "email", "domains"),
    [
        (None, "mette@gaerhuset.example.org", []),
        ("https://gaerhuset.example.org", "mette@gaerhuset.example.org", ["gaerhuset.example.org"]),
        (None, "mette@gmail.com", []),
        ("https://gaerhuset.example.org", "mette@gmail.com", []),
        ("https://gaerhuset.example.org", "mette@lab.gaerhuset.example.org", []),
        ("https://www.novonordisk.com", "mette@gaerhuset.example.org", []),
    ],
)
async def test_a_newcomer_is_its_makers_whatever_the_address_and_a_domain_is_proven_by_it(
    client: Client, website: str | None, email: str, domains: list[str]
) -> None:
    company = newcomer(website=website)
    await hear(client, sign_up(company, email=email))
    (link,) = await told(client, ProfileLinkRequested)
    assert link["recipient"]["email"] == email
    (member,) = await told(client, MemberAdded)
    assert (member["email"], member["role"]) == (email, "manager")
    facts = [*await told(client, OrganisationCreated), *await told(client, OrganisationUpdated)][-1]
    assert sorted({each["domain"] for each in facts.get("domains", [])}) == domains


async def test_nothing_is_made_before_the_mailed_link_was_used(client: Client) -> None:
    company = newcomer(website="https://gaerhuset.example.org")
    first = sign_up(company)
    await hear(client, first.model_copy(update={"contact_confirmed": False}))
    assert await told(client, OrganisationCreated) == []
    await hear(client, RegistrationUpdated(**{**dict(first), "version": 2}))
    assert len(await told(client, OrganisationCreated)) == 1


async def test_one_called_as_another_waits_for_the_secretariat(client: Client) -> None:
    await make(client, "Gærhuset")
    company = newcomer("GÆRHUSET A/S")
    await hear(client, sign_up(company))
    assert await told(client, ProfileLinkRequested) == []
    (claim,) = (await client.get("/v1/organisations/claims", headers=ADMIN)).json()["items"]
    assert (claim["status"], claim["organisation"]) == ("waiting", str(company.id))


@pytest.mark.parametrize("kind", ["research", "public"])
async def test_a_house_of_many_is_not_proven_by_one_address(client: Client, kind: str) -> None:
    await hear(client, sign_up(newcomer(kind=kind, website="https://gaerhuset.example.org")))
    assert not any(each.get("domains") for each in await told(client, OrganisationUpdated))


async def test_a_domain_that_another_claims_proves_nothing(client: Client) -> None:
    await make(client, "Bageriet", website="https://www.gaerhuset.example.org")
    await hear(client, sign_up(newcomer(website="https://gaerhuset.example.org")))
    assert not any(each.get("domains") for each in await told(client, OrganisationUpdated))


async def test_an_organisation_we_know_stays_as_it_is(client: Client) -> None:
    dhi = await make(client, "DHI", "research", website="https://www.dhigroup.com")
    known = newcomer("DHI A/S", id=dhi["id"], new=False)
    await hear(client, sign_up(known, email="mette@dhigroup.com"))
    assert (await client.get(f"/v1/organisations/{dhi['id']}")).json()["name"] == "DHI"
    assert await told(client, ProfileLinkRequested) == []


async def test_a_private_persons_registration_is_no_organisations(client: Client) -> None:
    await hear(client, sign_up(None))
    assert await told(client, OrganisationCreated) == []


async def test_what_cannot_stand_in_a_profile_is_left_out(client: Client) -> None:
    company = newcomer(kind="bank", cvr="12345678")
    await hear(client, sign_up(company))
    profile = (await client.get(f"/v1/organisations/{company.id}", headers=ADMIN)).json()
    assert (profile["kind"], profile["cvr"]) == (None, None)


async def test_who_is_going_follows_the_registration_and_no_older_news(client: Client) -> None:
    event, company = ceremony(newcomer().id), newcomer()
    created = sign_up(company, event=event.event_id, statuses=("confirmed", "confirmed", "waitlisted"), shown=True)
    facts = created.model_dump(exclude={"attendees", "version"})

    async def counted() -> tuple[int, int, int]:
        async with client.app.state.database.reading() as session:
            going = await session.get(Going, created.registration_id)
            return going.shown, going.confirmed, going.signed_up

    await hear(client, event, created)
    assert await counted() == (2, 2, 3)
    rest = (*created.attendees[:1], RegisteredAttendee(id=created.attendees[1].id, status="cancelled"))
    await hear(client, RegistrationUpdated(**facts, version=3, attendees=rest))
    assert await counted() == (1, 1, 1)
    await hear(client, RegistrationUpdated(**facts, version=2, attendees=created.attendees))
    assert await counted() == (1, 1, 1)
    await hear(client, agreed(RegistrationUpdated(**facts, version=3, attendees=rest), version=4, shown=False))
    assert await counted() == (0, 1, 1)
    gone = (RegisteredAttendee(id=rest[0].id, status="cancelled"),)
    await hear(client, RegistrationCancelled(**facts, version=5, attendees=gone))
    assert await counted() == (0, 0, 0)


async def test_two_listeners_at_once_make_one_profile(client: Client) -> None:
    company = newcomer()
    outcomes = await asyncio.gather(*(hear(client, sign_up(company)) for _ in range(4)), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            # On PostgreSQL the slower one is told that the row is there, and the message comes again.
            await hear(client, sign_up(company))
    assert len(await told(client, OrganisationCreated)) == 1
    assert len(await told(client, ProfileLinkRequested)) == 1
