"""The witness: listens as every service does, and writes each effect into a table where a double can be seen.

The services' own tables do not show one: their unique keys absorb it. Run as `python -m tests.faults.witness`.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Column, Identity, Integer, Table, Uuid, insert
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

import shared.contracts.events
import shared.contracts.matching
import shared.contracts.notify  # noqa: F401 -- importing makes the messages known
from deploy.local.nats import allow, inbox_prefix
from shared.contracts.message import Message
from shared.database import Database, new_metadata
from shared.messaging.bus import Bus
from shared.messaging.listener import Listener
from shared.messaging.subscriptions import Subscriptions, message_at_hand
from shared.messaging.tables import add_to
from shared.settings import ServiceName, ServiceSettings
from shared.telemetry import Figures, configure_logging

# A name that no service has; provisioning and permissions are given to it by the test alone.
WITNESS = cast(ServiceName, "witness")
STREAMS = ("EVENTS", "MATCHING", "NOTIFY")

metadata = new_metadata()
effects = Table(
    "effects",
    metadata,
    Column("number", Integer, Identity(), primary_key=True),
    Column("message_id", Uuid, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
)
add_to(metadata)

subscriptions = Subscriptions(WITNESS)


@subscriptions.fact(*Message.known.values())
async def see(session: AsyncSession, message: Message) -> None:
    seen = {"message_id": message_at_hand(session), "seen_at": datetime.now(UTC)}
    await (await session.connection()).execute(insert(effects).values(seen))


def permissions() -> dict[str, Any]:
    """As a service's, without anything to tell."""
    publish = [f"poke.{WITNESS}"]
    for stream in STREAMS:
        publish += [f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{WITNESS}", f"$JS.ACK.{stream}.{WITNESS}.>"]
    return allow(publish, [f"{inbox_prefix(WITNESS)}.>", "poke.*"])


async def listen() -> None:
    """Until killed. It tells nothing, so it needs no relay."""
    settings = ServiceSettings.load()
    configure_logging(WITNESS, settings.log_level, settings.log_format)
    database, bus = Database(settings.database_url), Bus(settings, WITNESS)
    await bus.connect()
    print("listening", flush=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(bus.keep())
        for stream in STREAMS:
            group.create_task(Listener(stream, subscriptions, database, bus, Figures()).run())


if __name__ == "__main__":
    asyncio.run(listen())
