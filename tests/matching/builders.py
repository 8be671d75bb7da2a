"""What the tests of matching are told with: organisations, sign-ups, and what was told."""

import json
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from sqlalchemy import select

from shared.access.links import Purpose
from shared.contracts.events import (
    Consents,
    ContactPerson,
    EventContact,
    EventPublished,
    RegisteredAttendee,
    RegisteredOrganisation,
    RegistrationCreated,
    RegistrationFacts,
    RegistrationUpdated,
)
from shared.contracts.message import Message
from shared.database import uuid7
from shared.fields import utc_now
from shared.messaging.tables import outbox
from tests.support.callers import CallerHeaders, Headers, as_caller, links
from tests.support.heard import heard
from tests.support.nats import NatsServer
from tests.support.services import LONG_ENOUGH, Client

ADMIN = as_caller("admin", email="sekretariat@example.org")
Row = dict[str, Any]


def key_of(organisation: str | UUID, version: int = 1) -> dict[str, str]:
    """The query of a caller who holds an organisation's profile link."""
    return {"key": links.key(Purpose.PROFILE, UUID(str(organisation)), version)}


def member_of(organisation: str | UUID, email: str = "mette@example.org") -> CallerHeaders:
    return as_caller("member", organisation=UUID(str(organisation)), email=email)


def manager_of(organisation: str | UUID) -> CallerHeaders:
    return as_caller("manager", organisation=UUID(str(organisation)), email="leder@example.org")


def organiser_of(organisation: str | UUID) -> CallerHeaders:
    return as_caller("organiser", organisation=UUID(str(organisation)), email="anna@example.org")


def offer(text: str, category: str = "technology", **more: Any) -> Row:
    return {"category": category, "text": {"da": text}, **more}


def need(text: str, category: str = "technology", **more: Any) -> Row:
    return {"category": category, "text": {"da": text}, "visibility": "public", **more}


def contact(name: str = "Mette Holm", email: str = "mette@gaerhuset.example.org", **more: Any) -> Row:
    return {"name": name, "email": email, **more}


async def make(client: Client, name: str, kind: str = "producer", **fields: Any) -> Row:
    """An organisation made by the secretariat, published unless said otherwise."""
    answer = await client.post("/v1/organisations", json={"name": name, "kind": kind, **fields}, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    made: Row = answer.json()
    return made


async def told(client: Client, message: type[Message]) -> list[Row]:
    """The messages of a type, in the order they were told."""
    statement = select(outbox.c.envelope).where(outbox.c.type == message.type).order_by(outbox.c.seq)
    async with client.app.state.database.reading() as session:
        found = (await (await session.connection()).execute(statement)).scalars()
        return [json.loads(envelope)["data"] for envelope in found]


def newcomer(name: str = "Gærhuset ApS", **fields: Any) -> RegisteredOrganisation:
    return RegisteredOrganisation(**{"id": uuid7(), "name": name, "new": True, **fields})


def sign_up(
    organisation: RegisteredOrganisation | None,
    *,
    event: UUID | None = None,
    email: str = "mette@gaerhuset.example.org",
    statuses: tuple[str, ...] = ("confirmed",),
    shown: bool = False,
    **fields: Any,
) -> RegistrationCreated:
    """A registration as the events service tells it; `shown` when its attendees have agreed to be."""
    consents = {"shown_to_participants": True} if shown else None
    return RegistrationCreated(
        **{
            "registration_id": uuid7(),
            "event_id": event or uuid7(),
            "reference": "VB-7KQ2M",
            "version": 1,
            "organisation": organisation,
            "contact": ContactPerson(name="Mette Holm", email=email, language="da"),
            "contact_confirmed": True,
            "attendees": tuple(
                RegisteredAttendee.model_validate({"id": uuid7(), "status": each, "consents": consents})
                for each in statuses
            ),
            **fields,
        }
    )


def agreed(before: RegistrationFacts, *, version: int = 2, shown: bool = True) -> RegistrationUpdated:
    """The registration after all its attendees said whether they want to be shown."""
    consents = Consents(shown_to_participants=shown)
    attendees = tuple(each.model_copy(update={"consents": consents}) for each in before.attendees)
    return RegistrationUpdated(**{**dict(before), "version": version, "attendees": attendees})


def ceremony(organisation: str | UUID, **fields: Any) -> EventPublished:
    """A published event of an organisation."""
    return EventPublished(
        **{
            "event_id": uuid7(),
            "version": 1,
            "organisation_id": UUID(str(organisation)),
            "slug": "underskrivelse",
            "status": "published",
            "kind": "signing",
            "title": {"da": "Underskrivelse", "en": "Signing"},
            "starts_at": utc_now(),
            "ends_at": utc_now(),
            "timezone": "Europe/Copenhagen",
            "contact": EventContact(name="Anna", email="anna@example.org"),
            **fields,
        }
    )


def envelope(message: Message) -> bytes:
    """The message as its owner puts it on the bus."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": f"/{message.type.split('.', 1)[0]}",
            "type": message.type,
            "subject": str(message.aggregate_id),
            "time": utc_now().isoformat(),
            "aggregateversion": message.version,
            "data": message.model_dump(mode="json"),
        }
    ).encode()


async def hear(client: Client, *messages: Message) -> None:
    """Has the service handle messages as its listener would, without a bus."""
    async with client.app.state.database.transaction() as session:
        await client.app.state.subscriptions.handle(session, [heard(envelope(message)) for message in messages])


async def put_on_bus(server: NatsServer, *messages: Message) -> None:
    """Publishes messages as the events service does."""
    nats = await server.connect("events")
    try:
        for message in messages:
            await nats.jetstream(timeout=LONG_ENOUGH).publish(message.type, envelope(message))
    finally:
        await nats.close()


async def suggestions(
    client: Client, organisation: str | UUID, headers: Headers | None = None, **query: Any
) -> list[Row]:
    """What an organisation is proposed, as its member sees it."""
    answer = await client.get(
        f"/v1/organisations/{organisation}/suggestions",
        params=query,
        headers=member_of(organisation) if headers is None else headers,
    )
    assert answer.status_code == 200, answer.text
    items: list[Row] = answer.json()["items"]
    return items


def names(items: list[Row]) -> list[str]:
    return [item["organisation"]["name"] for item in items]


async def say(client: Client, mine: str, other: str, answer: str, message: str | None = None) -> Row:
    """What one organisation answers to another, by its member."""
    response = await client.put(
        f"/v1/organisations/{mine}/suggestions/{other}/answer",
        json={"answer": answer, "message": message},
        headers=member_of(mine),
    )
    assert response.status_code == 200, response.text
    said: Row = response.json()
    return said


async def propose(client: Client, first: Row, second: Row, message: str | None = None) -> Response:
    """The secretariat proposes two organisations to each other."""
    body = {"parties": [first["id"], second["id"]], "message": message}
    return await client.post("/v1/introductions", json=body, headers=ADMIN)
