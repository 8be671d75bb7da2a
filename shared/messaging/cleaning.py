"""Forgetting what nobody needs any more: told and handled messages, and answers kept for a repeated request."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Delete, delete, select, tuple_

from shared.database import Database
from shared.messaging.tables import answers, handled_messages, outbox
from shared.telemetry import get_logger

log = get_logger()

# A stream keeps 30 days: told messages outlive it, for what it may lose.
TOLD_KEPT = timedelta(days=31)
# Told again on the last of them a message stands there for as many more, and must have no second effect.
HANDLED_KEPT = timedelta(days=65)
ANSWERS_KEPT = timedelta(hours=24)
AT_A_TIME = 1_000
EVERY = 3_600.0


class Cleaner:
    """Deletes a thousand rows in a transaction, so that nobody waits long for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Until cancelled; every replica may, as a row can be deleted only once."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.clean()
            except Exception as failed:
                log.warning("cleaning interrupted", error=f"{type(failed).__name__}: {failed}"[:300])

    async def clean(self) -> int:
        """Deletes all that is too old; answers how many rows."""
        now, deleted = datetime.now(UTC), 0
        for statement in (_told(now), _handled(now), _answered(now)):
            count = AT_A_TIME
            while count == AT_A_TIME:
                count = await self._delete(statement)
                deleted += count
        return deleted

    async def _delete(self, statement: Delete) -> int:
        async with self._database.transaction(quiet=True) as session:
            done: Any = await (await session.connection()).execute(statement)
            return int(done.rowcount)


def _told(now: datetime) -> Delete:
    """Looks at the oldest only: rows are told in order, so they grow too old in order. What waits is never deleted."""
    oldest = select(outbox.c.seq, outbox.c.published_at).order_by(outbox.c.seq).limit(AT_A_TIME).subquery()
    return delete(outbox).where(outbox.c.seq.in_(select(oldest.c.seq).where(oldest.c.published_at < now - TOLD_KEPT)))


def _handled(now: datetime) -> Delete:
    old = select(handled_messages.c.message_id).where(handled_messages.c.handled_at < now - HANDLED_KEPT)
    return delete(handled_messages).where(handled_messages.c.message_id.in_(old.limit(AT_A_TIME)))


def _answered(now: datetime) -> Delete:
    place = tuple_(answers.c.scope, answers.c.key)
    old = select(answers.c.scope, answers.c.key).where(answers.c.asked_at < now - ANSWERS_KEPT)
    return delete(answers).where(place.in_(old.limit(AT_A_TIME)))
