"""Events, sign-ups and callers as the stories of this folder need them."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
from sqlalchemy import select

from shared.access.links import Purpose
from shared.contracts.matching import OrganisationUpdated, ProvenDomain
from shared.contracts.message import Message
from shared.database import uuid7
from shared.messaging.tables import outbox
from tests.support.callers import as_caller, links
from tests.support.heard import heard
from tests.support.services import Client

KNOWLEDGE_HUB = UUID("01935b1e-0000-7000-8000-000000000001")
ORGANISER = as_caller("organiser", organisation=KNOWLEDGE_HUB, email="organiser@example.org", name="Karen Kaas")
OTHER_ORGANISER = as_caller("organiser", organisation=uuid7(), email="other@example.org")


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def next_year() -> int:
    """For days of the calendar that are still to come, whenever that is."""
    return datetime.now(UTC).year + 1


def clocks_change(month: int) -> date:
    """The night in which Denmark's clocks change: next year's last Sunday of March or October."""
    last = date(next_year(), month, 31)
    return last - timedelta(days=last.isoweekday() % 7)


def ceremony(**changes: Any) -> dict[str, Any]:
    """The body of an event four weeks ahead."""
    return {
        "title": {"da": "Underskrift i Helix Lab", "en": "Signing at Helix Lab"},
        "kind": "signing",
        "venue": {"name": "Helix Lab", "city": "Kalundborg"},
        "starts_at": in_days(28),
        "ends_at": in_days(28.1),
        "capacity": 60,
    } | changes


async def published(client: Client, **changes: Any) -> dict[str, Any]:
    """A published event."""
    drafted = await client.post("/v1/events", json=ceremony(**changes), headers=ORGANISER)
    assert drafted.status_code == 201, drafted.text
    answer = await client.post(f"/v1/events/{drafted.json()['id']}/publish", headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    event: dict[str, Any] = answer.json()
    return event


def company(name: str = "Fjordenzym ApS", people: int = 1, **changes: Any) -> dict[str, Any]:
    """A sign-up of a company nobody knows, with unnamed seats unless `attendees` says who."""
    return {
        "organisation": {"name": name},
        "contact": {"name": "Mette Holm", "email": f"mette.{uuid7().hex[-12:]}@gmail.com", "language": "da"},
        "attendees": [{} for _ in range(people)],
    } | changes


async def sign_up(client: Client, event: dict[str, Any], people: int = 1, **changes: Any) -> httpx.Response:
    return await client.post(f"/v1/events/{event['id']}/registrations", json=company(people=people, **changes))


async def signed_up(client: Client, event: dict[str, Any], people: int = 1, **changes: Any) -> dict[str, Any]:
    """The answer of a sign-up that was taken."""
    answer = await sign_up(client, event, people, **changes)
    assert answer.status_code == 201, answer.text
    registration: dict[str, Any] = answer.json()
    return registration


def key_of(registration: dict[str, Any]) -> str:
    """The key that was answered to who signed up."""
    return str(registration["links"]["manage"]).split("key=")[1]


def mailed_key(registration: dict[str, Any], version: int = 1) -> str:
    """The key that was mailed to the contact person; another address raises the version."""
    return links.key(Purpose.REGISTRATION, UUID(str(registration["id"])), version)


async def capacity(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/v1/events/{event['id']}/capacity", headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["violations"] == []
    return found


def one_of(registration: dict[str, Any], index: int = 0) -> dict[str, Any]:
    attendee: dict[str, Any] = registration["attendees"][index]
    return attendee


async def by_link(client: Client, registration: dict[str, Any]) -> dict[str, Any]:
    """The registration as its link shows it now."""
    answer = await client.get(f"/v1/registrations/{registration['id']}", params={"key": key_of(registration)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def own_attendee(client: Client, registration: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """One attendee with ticket, as the registration's link shows it."""
    path = f"/v1/attendees/{one_of(registration, index)['id']}"
    answer = await client.get(path, params={"key": key_of(registration)})
    assert answer.status_code == 200, answer.text
    attendee: dict[str, Any] = answer.json()
    return attendee


def own_key(attendee: dict[str, Any], version: int = 1) -> dict[str, str]:
    """The query of who holds the attendee's own link, as mailed to it; every hand-over raises the version."""
    return {"key": links.key(Purpose.ATTENDEE, UUID(str(attendee["id"])), version)}


async def confirmed(client: Client, registration: dict[str, Any], version: int = 1) -> dict[str, Any]:
    """The registration after its contact person used the mailed link that confirms the address."""
    key = links.key(Purpose.CONFIRMATION, UUID(str(registration["id"])), version)
    answer = await client.post("/v1/confirmations", params={"key": key})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def counted(client: Client, event: dict[str, Any], people: int = 1, **changes: Any) -> dict[str, Any]:
    """A sign-up whose contact person has confirmed the address, so that it counts for its organisation."""
    made = await signed_up(client, event, people, **changes)
    return made | {"organisation": (await confirmed(client, made)).get("organisation")}


async def rename(client: Client, registration: dict[str, Any], index: int = 0, **fields: Any) -> httpx.Response:
    """Changes one attendee by the registration's link."""
    path = f"/v1/attendees/{one_of(registration, index)['id']}"
    return await client.patch(path, params={"key": key_of(registration)}, json=fields)


async def cancel(client: Client, registration: dict[str, Any], *indexes: int) -> dict[str, Any]:
    """Cancels those attendees by the registration's link, or all of it."""
    body = {"attendees": [one_of(registration, index)["id"] for index in indexes]} if indexes else {}
    path = f"/v1/registrations/{registration['id']}/cancel"
    answer = await client.post(path, params={"key": key_of(registration)}, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def change_event(client: Client, event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await client.patch(f"/v1/events/{event['id']}", json=changes, headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def scan(client: Client, event: dict[str, Any], code: str | None = None, **fields: Any) -> dict[str, Any]:
    """What the door is told."""
    body = {"nonce": uuid7().hex, "device": "phone-1"} | ({"code": code} if code else {}) | fields
    answer = await client.post(f"/v1/events/{event['id']}/check-ins", json=body, headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def knows(client: Client, name: str, *mail_domains: str, **facts: Any) -> str:
    """An organisation as matching tells of it, with what is proven of it; its id."""
    message = OrganisationUpdated(
        **{
            "organisation_id": uuid7(),
            "version": 1,
            "name": name,
            "published": True,
            "domains": tuple(ProvenDomain(domain=domain, use="mail") for domain in mail_domains),
            **facts,
        }
    )
    await hear(client, message)
    return str(message.organisation_id)


async def hear(client: Client, *messages: Message) -> None:
    """Has the service handle messages of matching as its listener would, without a bus."""
    envelopes = [
        orjson.dumps(
            {
                "specversion": "1.0",
                "id": str(uuid7()),
                "source": "/matching",
                "type": each.type,
                "subject": str(each.aggregate_id),
                "time": datetime.now(UTC).isoformat(),
                "aggregateversion": each.version,
                "data": each.model_dump(mode="json"),
            }
        )
        for each in messages
    ]
    async with client.app.state.database.transaction() as session:
        await client.app.state.subscriptions.handle(session, [heard(each) for each in envelopes])


async def told(client: Client, kind: str = "") -> list[dict[str, Any]]:
    """The envelopes in the outbox whose type begins so, in their order."""
    async with client.app.state.database.reading() as session:
        rows = await (await session.connection()).execute(select(outbox.c.envelope).order_by(outbox.c.seq))
    envelopes = [json.loads(row.envelope) for row in rows]
    return [envelope for envelope in envelopes if envelope["type"].startswith(kind)]


def statuses(registration: dict[str, Any]) -> list[str]:
    return [attendee["status"] for attendee in registration["attendees"]]
