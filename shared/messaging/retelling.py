"""Telling again what an owner holds: for a listener with new columns, or one restored from an older disk.

Every row is told as it stands and with the version it has, so copies take it and letters have nothing to say.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Column, update
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.message import Message
from shared.database import Database
from shared.messaging.outbox import tell, write_outbox
from shared.settings import ServiceSettings

BATCH = 200
# No version grows by one a second for as long as it exists, so the seconds since then are above whatever was told.
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

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


async def lift(database: Database, versions: Sequence[Column[int]]) -> int:
    """Lifts every version that was told above whatever was told before; answers what they are now.

    For a database that came back from an older disk: listeners ignore what is not newer than what they copied since.
    """
    now = int((datetime.now(UTC) - BEGINNING).total_seconds())
    async with database.transaction(quiet=True) as session:
        for version in versions:
            # 0 was never told.
            lifted = update(version.table).where(version > 0, version < now).values({version: now})
            await (await session.connection()).execute(lifted)
    return now


async def _run(url: str, steps: Sequence[Step], versions: Sequence[Column[int]]) -> int:
    database = Database(url, before_commit=[write_outbox])
    try:
        if versions:
            await lift(database, versions)
        return await retell(database, steps)
    finally:
        await database.close()


def main(service: str, steps: Sequence[Step], versions: Sequence[Column[int]]) -> None:
    """The command of a service's own `retelling` module. The running service's relay publishes what it wrote."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of the service's database, else VIDENBRO_DATABASE_URL")
    add_restored_option(parser)
    arguments = parser.parse_args()
    url = arguments.url or ServiceSettings.load().database_url
    told = asyncio.run(_run(url, steps, versions if arguments.restored else ()))
    print(f"{service}: told {told} messages again")


def add_restored_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--restored",
        action="store_true",
        help="this database is an older backup: lift its versions above what was told since; stop the service before",
    )
