"""Telling again what an owner holds: for a listener with new columns, or one restored from an older disk.

Every row is told as it stands and with the version it has, so copies take it and letters have nothing to say.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.message import Message
from shared.database import Database
from shared.messaging.outbox import tell, write_outbox
from shared.settings import ServiceSettings

BATCH = 200

# The rows of one kind after the id given, at most so many, each by its id and as the message that tells it.
Step = Callable[[AsyncSession, UUID | None, int], Awaitable[Sequence[tuple[UUID, Message]]]]


async def retell(database: Database, steps: Sequence[Step], batch: int = BATCH) -> int:
    """Tells every row of every step, in that order, a batch a transaction. Answers how many messages it told."""
    count = 0
    for step in steps:
        after: UUID | None = None
        more = True
        while more:
            async with database.transaction() as session:
                found = await step(session, after, batch)
                for _, message in found:
                    tell(session, message)
            count += len(found)
            after, more = (found[-1][0], len(found) == batch) if found else (None, False)
    return count


async def _run(url: str, steps: Sequence[Step]) -> int:
    database = Database(url, before_commit=[write_outbox])
    try:
        return await retell(database, steps)
    finally:
        await database.close()


def main(service: str, steps: Sequence[Step]) -> None:
    """The command of a service's own `retelling` module. The running service's relay publishes what it wrote."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of the service's database, else VIDENBRO_DATABASE_URL")
    url = parser.parse_args().url or ServiceSettings.load().database_url
    print(f"{service}: told {asyncio.run(_run(url, steps))} messages again")
