"""An organisation that was erased is forgotten here; whoever signed up keeps the sign-up."""

from typing import Any
from uuid import UUID

from sqlmodel import select

from services.events.tables import Event, Organisation
from shared.contracts.matching import OrganisationErased, OrganisationMerged, OrganisationUpdated
from shared.database import uuid7
from tests.events.builders import (
    KNOWLEDGE_HUB,
    ORGANISER,
    by_link,
    ceremony,
    counted,
    in_days,
    one_of,
    published,
    scan,
    sign_up,
    told,
)
from tests.matching.builders import hear
from tests.support.callers import as_caller
from tests.support.services import Client

COMPANY = {"name": "Fjordenzym ApS", "cvr": "24256790"}


def erased(organisation: str | UUID, version: int = 5) -> OrganisationErased:
    return OrganisationErased(organisation_id=UUID(str(organisation)), version=version, erasure_id=uuid7())


async def answers(client: Client) -> list[dict[str, Any]]:
    """What was told that was erased, by what it was, and what was kept."""
    messages = [message["data"] for message in await told(client, "events.organisation.erased")]
    return [
        {
            "erasure": message["erasure_id"],
            "erased": {each["what"]: each["count"] for each in message["erased"]},
            "kept": {each["what"]: each["count"] for each in message["kept"]},
        }
        for message in messages
    ]


async def copies(client: Client) -> list[UUID]:
    async with client.app.state.database.reading() as session:
        return list(await session.exec(select(Organisation.id)))


async def test_its_sign_ups_stay_and_no_longer_name_it(client: Client) -> None:
    event = await published(client)
    registration = await counted(client, event, people=2, organisation=COMPANY)
    await scan(client, event, attendee=one_of(registration)["id"], nonce="first")
    organisation = registration["organisation"]["id"]
    end = erased(organisation)
    await hear(client, end)

    after = await by_link(client, registration)
    assert (after["organisation"], len(after["attendees"])) == (None, 2)
    manager = as_caller("manager", organisation=UUID(organisation))
    seen = await client.get(f"/v1/registrations/{registration['id']}", headers=manager)
    assert seen.status_code == 404
    again = await scan(client, event, attendee=one_of(registration)["id"], nonce="first")
    assert (again["result"], again["attendee"]["organisation"]) == ("checked_in", None)
    assert await answers(client) == [
        {
            "erasure": str(end.erasure_id),
            "erased": {"names at doors": 1, "links of registrations": 1, "copies of the organisation": 1},
            "kept": {"registrations": 1},
        }
    ]
    (message,) = await told(client, "events.organisation.erased")
    assert (message["subject"], message["aggregateversion"]) == (organisation, 5)


async def test_it_is_answered_also_when_nothing_was_there(client: Client) -> None:
    end = erased(uuid7())
    await hear(client, end, end)
    assert await answers(client) == [{"erasure": str(end.erasure_id), "erased": {}, "kept": {}}] * 2


async def test_an_older_word_of_it_does_not_bring_it_back(client: Client) -> None:
    organisation = uuid7()
    facts = OrganisationUpdated(organisation_id=organisation, version=4, name="Fjordenzym ApS", cvr="24256790")
    await hear(client, facts)
    assert await copies(client) == [organisation]
    await hear(client, erased(organisation))
    await hear(client, facts, facts.model_copy(update={"version": 3}))
    assert await copies(client) == []


async def test_told_before_it_was_known_it_never_comes(client: Client) -> None:
    organisation = uuid7()
    await hear(client, erased(organisation))
    await hear(client, OrganisationUpdated(organisation_id=organisation, version=4, name="Fjordenzym ApS"))
    assert await copies(client) == []


async def test_its_end_is_heard_also_from_a_matching_that_was_put_back_to_an_older_version(client: Client) -> None:
    organisation = uuid7()
    await hear(client, OrganisationUpdated(organisation_id=organisation, version=9, name="Fjordenzym ApS"))
    await hear(client, erased(organisation, version=3))
    await hear(client, OrganisationUpdated(organisation_id=organisation, version=10, name="Fjordenzym ApS"))
    assert await copies(client) == []
    assert [answer["erased"] for answer in await answers(client)] == [{"copies of the organisation": 1}]


async def test_a_merge_told_late_does_not_bring_it_back_either(client: Client) -> None:
    merged, into = uuid7(), uuid7()
    await hear(client, erased(merged), erased(into, version=6))
    facts = OrganisationMerged(organisation_id=into, version=5, name="Fjordenzym ApS", merged_id=merged)
    await hear(client, facts)
    assert await copies(client) == []


async def test_nobody_signs_up_for_it_by_its_id_and_by_its_number_it_is_a_new_one(client: Client) -> None:
    event = await published(client)
    before = (await counted(client, event, organisation=COMPANY))["organisation"]["id"]
    await hear(client, erased(before))
    refused = await sign_up(client, event, organisation={"id": before})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/unknown-organisation")
    after = await counted(client, event, organisation=COMPANY)
    assert after["organisation"]["id"] != before


async def test_its_drafts_go_and_its_events_lose_their_contact_person(client: Client) -> None:
    draft = (await client.post("/v1/events", json=ceremony(), headers=ORGANISER)).json()
    over, coming = await published(client), await published(client)
    await client.post(f"/v1/events/{over['id']}/cancel", json={"reason": {"da": "Storm"}}, headers=ORGANISER)
    await hear(client, erased(KNOWLEDGE_HUB))

    assert (await client.get(f"/v1/events/{draft['id']}", headers=ORGANISER)).status_code == 404
    async with client.app.state.database.reading() as session:
        contacts = dict((await session.exec(select(Event.id, Event.contact))).all())
    assert contacts[UUID(over["id"])] is None
    assert contacts[UUID(coming["id"])]["email"] == "organiser@example.org", "somebody must answer for what is to come"
    updated = (await told(client, "events.event.updated"))[-1]["data"]
    assert (updated["event_id"], updated["changed"], updated["notify"]) == (over["id"], ["contact"], "none")
    assert "contact" not in updated
    (answer,) = await answers(client)
    assert answer["erased"] == {"draft events": 1, "contact persons of events": 1}
    assert answer["kept"] == {"events it organised": 2}


async def test_sign_ups_of_others_are_untouched(client: Client) -> None:
    event = await published(client, starts_at=in_days(3), ends_at=in_days(3.1))
    mine, other = await counted(client, event), await counted(client, event)
    await hear(client, erased(mine["organisation"]["id"]))
    assert (await by_link(client, other))["organisation"]["name"] == "Fjordenzym ApS"
