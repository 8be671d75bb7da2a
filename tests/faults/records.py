"""Everything the databases and the mail sink hold at the end, read as rows."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Table, select

from services.events.tables import Base as Events
from services.matching.tables import Base as Matching
from services.notify.tables import Base as Notify
from shared.database import Database
from shared.messaging.tables import dead_letters, failures, handled_messages, outbox
from tests.faults.witness import WITNESS, effects

Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One row of an outbox."""

    id: UUID
    seq: int
    type: str
    published: bool
    transaction: str
    data: dict[str, Any]


@dataclass(slots=True)
class Records:
    """`told` by service, `handled` and `dead` by listener; `mails` counts Message-IDs by address of the sink."""

    registrations: dict[UUID, Any] = field(default_factory=dict)
    attendees: dict[UUID, Any] = field(default_factory=dict)
    quotas: Rows = ()
    profiles: dict[UUID, Any] = field(default_factory=dict)
    going: dict[UUID, Any] = field(default_factory=dict)
    notifications: Rows = ()
    deliveries: Rows = ()
    roll: dict[UUID, Any] = field(default_factory=dict)
    told: dict[str, list[Message]] = field(default_factory=dict)
    handled: dict[str, set[UUID]] = field(default_factory=dict)
    dead: dict[str, Rows] = field(default_factory=dict)
    failing: dict[str, Rows] = field(default_factory=dict)
    effects: Counter[UUID] = field(default_factory=Counter)
    mails: Counter[str] = field(default_factory=Counter)


async def read_records(urls: Mapping[str, str], mail: Path) -> Records:
    """Of the databases at these URLs, each by the name of who keeps it, and of the folder of the mail sink."""
    found = Records()
    for who, url in urls.items():
        database = Database(url)
        await _read_messages(database, who, found)
        await _READ[who](database, found)
        await database.close()
    found.mails = await asyncio.to_thread(count_mails, mail)
    return found


async def _all(database: Database, table: Table) -> Rows:
    async with database.reading() as session:
        return (await (await session.connection()).execute(select(table))).all()


async def _read_messages(database: Database, who: str, found: Records) -> None:
    found.told[who] = sorted(map(_message, await _all(database, outbox)), key=lambda message: message.seq)
    found.handled[who] = {row.message_id for row in await _all(database, handled_messages)}
    found.dead[who] = await _all(database, dead_letters)
    found.failing[who] = await _all(database, failures)


def _message(row: Any) -> Message:
    envelope = orjson.loads(row.envelope)
    return Message(
        id=row.message_id,
        seq=row.seq,
        type=row.type,
        published=row.published_at is not None,
        transaction=envelope.get("correlationid", str(row.message_id)),
        data=envelope["data"],
    )


async def _read_events(database: Database, found: Records) -> None:
    tables = Events.metadata.tables
    found.registrations = {row.id: row for row in await _all(database, tables["registrations"])}
    found.attendees = {row.id: row for row in await _all(database, tables["attendees"])}
    found.quotas = await _all(database, tables["quotas"])


async def _read_matching(database: Database, found: Records) -> None:
    tables = Matching.metadata.tables
    found.profiles = {row.id: row for row in await _all(database, tables["organisations"])}
    found.going = {row.registration_id: row for row in await _all(database, tables["going"])}


async def _read_notify(database: Database, found: Records) -> None:
    tables = Notify.metadata.tables
    notifications, contacts = tables["notifications"], tables["contacts"]
    statement = select(notifications, contacts.c.email).join(contacts, contacts.c.id == notifications.c.contact_id)
    async with database.reading() as session:
        found.notifications = (await (await session.connection()).execute(statement)).all()
    found.deliveries = await _all(database, tables["deliveries"])
    found.roll = {row.attendee_id: row for row in await _all(database, tables["roll"])}


async def _read_witness(database: Database, found: Records) -> None:
    found.effects = Counter(row.message_id for row in await _all(database, effects))


_READ: dict[str, Callable[[Database, Records], Awaitable[None]]] = {
    "events": _read_events,
    "matching": _read_matching,
    "notify": _read_notify,
    WITNESS: _read_witness,
}


def count_mails(folder: Path) -> Counter[str]:
    """How many mails came with each Message-ID."""
    heads = (path.read_bytes().partition(b"\r\n\r\n")[0] for path in folder.glob("*.eml"))
    return Counter(str(message_from_bytes(head)["Message-ID"]) for head in heads)
