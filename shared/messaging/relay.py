"""The relay: puts told messages on the bus, in their order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from nats.js.api import PubAck
from sqlalchemy import text

from shared.database import Database
from shared.messaging import outbox
from shared.messaging.bus import ACKNOWLEDGED_WITHIN, POLL, Bus, Line, stream_of
from shared.telemetry import Figures, get_logger

log = get_logger()
BATCH = 200
_TRY_LOCK = text("SELECT pg_try_advisory_lock(7226001)")


class Relay:
    """Publishes the outbox in its order; one active per database."""

    def __init__(self, database: Database, bus: Bus, figures: Figures) -> None:
        self._database, self._bus, self._figures = database, bus, figures

    async def run(self) -> None:
        """Until cancelled. Whatever fails is tried again: rows stay unpublished until the stream has them."""
        while True:
            try:
                async with self._only_one() as lock, self._bus.line() as line:
                    await self._relay(lock, line)
            except Exception as failed:
                log.warning("relay interrupted", error=f"{type(failed).__name__}: {failed}"[:300])
                await asyncio.sleep(POLL / 2)

    @contextlib.asynccontextmanager
    async def _only_one(self) -> AsyncIterator[Any]:
        """PostgreSQL: an advisory lock on a connection of its own. SQLite: the process lock taken at start will do."""
        if self._database.is_sqlite:
            yield None
            return
        async with self._database.engine.connect() as connection:
            lock = await connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                while not await lock.scalar(_TRY_LOCK):  # noqa: ASYNC110 -- another process holds it
                    await asyncio.sleep(POLL)
                yield lock
            finally:
                # Returned to the pool a live connection would keep the lock.
                await connection.invalidate()

    async def _relay(self, lock: Any, line: Line) -> None:
        await self._tell_lost_tail_again(line)
        while not line.client.is_closed:
            seen = self._bus.pulse.count
            if lock is not None:
                await lock.execute(text("SELECT 1"))
            if await self._publish_some(line) < BATCH:
                await self._bus.pulse.wait(seen, POLL)

    async def _tell_lost_tail_again(self, line: Line) -> None:
        """A server restored from an older disk has forgotten acknowledged messages.

        Asked before anything is published on this line: else new messages would stand at the forgotten ones' numbers.
        """
        info = await line.jetstream.stream_info(stream_of(self._bus.service))
        async with self._database.transaction(quiet=True) as session:
            again = await outbox.tell_lost_tail_again(session, info.state.last_seq)
        if again:
            log.warning("stream lost its tail; telling again", messages=again, last_seq=info.state.last_seq)

    async def _publish_some(self, line: Line) -> int:
        async with self._database.reading() as session:
            rows = await outbox.read_waiting(session, BATCH)
        if not rows:
            return 0
        acknowledged = await self._publish(line, rows)
        if acknowledged:
            async with self._database.transaction(quiet=True) as session:
                await outbox.mark_published(session, acknowledged)
            self._figures.published.inc(len(acknowledged))
        if len(acknowledged) < len(rows):
            await asyncio.sleep(POLL / 2)
        return len(rows)

    async def _publish(self, line: Line, rows: Sequence[Any]) -> list[tuple[int, int]]:
        """The unbroken prefix the stream acknowledged: outbox number and stream sequence."""
        futures = [await _send(line, row) for row in rows]
        answers = asyncio.gather(*futures, return_exceptions=True)
        ends: set[asyncio.Future[Any]] = {answers, line.over}
        # Futures of a lost connection never end by themselves: bound, then cancel.
        await asyncio.wait(ends, timeout=ACKNOWLEDGED_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        acknowledged: list[tuple[int, int]] = []
        for row, future in zip(rows, futures, strict=True):
            if (sequence := _sequence_of(future)) is None:
                log.warning("not all messages were acknowledged", sent=len(rows), acknowledged=len(acknowledged))
                break
            acknowledged.append((row.seq, sequence))
        answers.cancel()
        # Read to its end: else the log is told that nobody did, and not why.
        await asyncio.gather(answers, return_exceptions=True)
        return acknowledged


async def _send(line: Line, row: Any) -> "asyncio.Future[PubAck]":
    headers = {"Nats-Msg-Id": str(row.message_id)}
    future = await line.jetstream.publish_async(row.type, row.envelope.encode(), headers=headers)
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # nats-py forgets a cancellation while it waits for its buffer.
        raise asyncio.CancelledError
    return future


def _sequence_of(future: "asyncio.Future[PubAck]") -> int | None:
    if not future.done() or future.cancelled():
        return None
    if (refused := future.exception()) is not None:
        log.warning("message refused by the stream", error=f"{type(refused).__name__}: {refused}"[:300])
        return None
    return int(future.result().seq)
