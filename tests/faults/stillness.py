"""Waiting until nothing is under way any more: outboxes empty, consumers idle, no mail queued."""

import asyncio
import time

import nats.errors
from nats.aio.client import Client
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from deploy.local.data_folder import SERVICES
from services.notify.tables import Base as Notify
from shared.database import Database
from shared.messaging.bus import stream_of
from shared.messaging.tables import failures, outbox
from shared.messaging.topology import LISTENERS
from tests.faults.system import System
from tests.faults.witness import STREAMS, WITNESS

LOOK = 0.5
# A look may fall between two steps of one message.
LOOKS_IN_A_ROW = 3

deliveries = Notify.metadata.tables["deliveries"]


async def until_still(system: System, within: float) -> str:
    """Empty when it became still within `within` seconds, else what was still under way."""
    deadline, still = time.monotonic() + within, 0
    databases = {service: Database(system.database_url(service)) for service in SERVICES}
    client = await system.connect()
    try:
        while True:
            under_way = await _look(databases, client)
            still = 0 if under_way else still + 1
            if still == LOOKS_IN_A_ROW or time.monotonic() > deadline:
                return under_way
            await asyncio.sleep(LOOK)
    finally:
        await client.close()
        for database in databases.values():
            await database.close()


async def _look(databases: dict[str, Database], client: Client) -> str:
    try:
        found = [await _in_database(service, database) for service, database in databases.items()]
        found += [await _in_consumer(client, stream, who) for stream, who in _consumers()]
    except (SQLAlchemyError, nats.errors.Error, OSError) as failed:
        return f"{type(failed).__name__}: {failed}"
    return "; ".join(each for each in found if each)


async def _in_database(service: str, database: Database) -> str:
    async with database.reading() as session:
        waiting = await session.scalar(select(func.count()).select_from(outbox).where(outbox.c.published_at.is_(None)))
        failed = await session.scalar(select(func.count()).select_from(failures))
        queued = 0
        if service == "notify":
            queued = await session.scalar(select(func.count()).where(deliveries.c.status == "queued")) or 0
    return f"{service}: {waiting} to publish, {failed} failing, {queued} to mail" if waiting or failed or queued else ""


def _consumers() -> list[tuple[str, str]]:
    found = [(stream_of(told), str(listener)) for told, listeners in LISTENERS.items() for listener in listeners]
    return found + [(stream, str(WITNESS)) for stream in STREAMS]


async def _in_consumer(client: Client, stream: str, who: str) -> str:
    info = await client.jetstream().consumer_info(stream, who)
    pending, unacknowledged = info.num_pending or 0, info.num_ack_pending or 0
    return f"{who}: {pending} of {stream} to come, {unacknowledged} in hand" if pending or unacknowledged else ""
