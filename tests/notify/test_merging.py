"""matching tells that an organisation was registered twice: notify knows the one as the other from then on."""

import itertools
from uuid import UUID

import pytest
from sqlmodel import select

from services.notify.deliveries.parcels import holdings_of
from services.notify.tables import Contact, Event, Organisation
from shared.contracts.matching import (
    OrganisationContact,
    OrganisationCreated,
    OrganisationMerged,
    OrganisationUpdated,
    ProfileLinkRequested,
)
from shared.contracts.message import Message
from shared.database import uuid7
from tests.notify.messages import attendee, published, registered, tell, updated
from tests.support.callers import as_caller
from tests.support.services import Client

OLD, MIDDLE, LAST = uuid7(), uuid7(), uuid7()
NAMES = {OLD: "Gærhuset ApS", MIDDLE: "Gærhuset I/S", LAST: "Gærhuset A/S"}


def organisation(identity: UUID, **changes: object) -> OrganisationCreated:
    facts = {"version": 1, "organisation_id": identity, "name": NAMES[identity], "link_version": 1}
    return OrganisationCreated.model_validate(facts | changes)


def merged(one: UUID, into: UUID, **changes: object) -> OrganisationMerged:
    facts = organisation(into).model_dump() | {"version": 2, "merged_id": one}
    return OrganisationMerged.model_validate(facts | changes)


def link(identity: UUID, email: str = "mette@example.org", version: int = 1) -> ProfileLinkRequested:
    return ProfileLinkRequested(
        version=1,
        organisation_id=identity,
        name=NAMES[identity],
        link_version=version,
        recipient=OrganisationContact(name="Mette Holm", email=email),
        reason="claimed",
    )


async def hear(notify: Client, *messages: Message) -> None:
    for message in messages:
        await tell(notify, message)


async def profiles_of(notify: Client, email: str = "mette@example.org") -> list[tuple[UUID, int, str | None]]:
    """Whose profile links somebody who lost the mail is sent."""
    async with notify.app.state.database.reading() as session:
        contact = (await session.exec(select(Contact).where(Contact.email == email))).one()
        held = await holdings_of(session, contact.id)
    return [(each.organisation_id, each.link_version, name) for each, name in held.profiles]


async def test_who_lost_the_mail_is_sent_the_survivors_link(notify: Client) -> None:
    await hear(notify, organisation(OLD), organisation(LAST, link_version=3), link(LAST, "pia@example.org", 3))
    await hear(notify, link(OLD, "jens@example.org"), link(OLD, version=2))
    message = merged(OLD, LAST, link_version=3)
    await hear(notify, message, message)
    assert await profiles_of(notify) == [(LAST, 3, "Gærhuset A/S")]
    assert await profiles_of(notify, "pia@example.org") == [(LAST, 3, "Gærhuset A/S")]
    assert await profiles_of(notify, "jens@example.org") == [], "it was revoked before"
    late = link(OLD, "ida@example.org", version=2)
    await hear(notify, late)
    assert await profiles_of(notify, "ida@example.org") == [(LAST, 3, "Gærhuset A/S")]


async def test_an_organisers_deliveries_are_the_survivors_and_an_old_token_sees_them(notify: Client) -> None:
    event = published(organisation_id=OLD)
    await hear(notify, organisation(OLD), organisation(LAST), event, registered(event, attendee("Jens Lund")))
    before = updated(event, notify="none")
    await hear(notify, merged(OLD, LAST), before)
    for identity in (OLD, LAST):
        seen = await notify.get("/v1/deliveries", headers=as_caller("organiser", organisation=identity))
        assert {each["event_id"] for each in seen.json()["items"]} == {str(event.event_id)}
    async with notify.app.state.database.reading() as session:
        assert (await session.exec(select(Event.organisation_id))).all() == [LAST]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_in_whatever_order_it_is_heard_all_ends_as_the_last(notify: Client, order: tuple[int, ...]) -> None:
    event = published(organisation_id=OLD)
    await hear(notify, event, link(OLD), link(MIDDLE, "jens@example.org"))
    late = OrganisationUpdated.model_validate(organisation(OLD).model_dump())
    messages = [late, organisation(MIDDLE), merged(OLD, MIDDLE), merged(MIDDLE, LAST)]
    await hear(notify, *(messages[each] for each in order))
    async with notify.app.state.database.reading() as session:
        found = {each.id: (each.name, each.merged_into) for each in await session.exec(select(Organisation))}
        organisers = (await session.exec(select(Event.organisation_id))).all()
    into = {OLD: LAST, MIDDLE: LAST, LAST: None}
    assert found == {each: (NAMES[each], into[each]) for each in NAMES}
    assert organisers == [LAST]
    for email in ("mette@example.org", "jens@example.org"):
        assert await profiles_of(notify, email) == [(LAST, 1, "Gærhuset A/S")]
