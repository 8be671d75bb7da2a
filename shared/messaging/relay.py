"""The relay: puts told messages on the bus, in their order."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from sqlalchemy import text

from shared.database import Database
from shared.messaging import lacking, outbox
from shared.messaging.bus import ACKNOWLEDGED_WITHIN, POLL, Bus, stream_of
from shared.messaging.lacking import Standing
from shared.messaging.line import Answer, Line
from shared.telemetry import Figures, get_logger

log = get_logger()
BATCH = 200
# A stream can be emptied or made anew while nothing is told to it.
LOOK_EVERY = 10.0
_TRY_LOCK = text("SELECT pg_try_advisory_lock(7226001)")


class LineEnds(Exception):
    """Another line may do better, or must look at the stream first."""


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
        known = Known(await self._look(line))
        while not line.client.is_closed:
            seen = self._bus.pulse.count
            if lock is not None:
                await lock.execute(text("SELECT 1"))
            if known.is_old():
                known = Known(await self._look(line))
            if await self._publish_some(line, known) < BATCH:
                await self._bus.pulse.wait(seen, POLL)

    async def _look(self, line: Line) -> Standing:
        """Tells again what the stream acknowledged and has no more.

        Before anything is published on this line: else new messages would stand at the forgotten ones' numbers.
        """
        standing = await lacking.look(line.client, stream_of(self._bus.service), ACKNOWLEDGED_WITHIN)
        async with self._database.transaction(quiet=True) as session:
            again = await lacking.tell_what_it_lacks(session, standing)
        if again:
            log.warning("the stream lacks messages; telling again", messages=again, last_seq=standing.last_seq)
        return standing

    async def _publish_some(self, line: Line, known: "Known") -> int:
        async with self._database.reading() as session:
            rows = await outbox.read_waiting(session, BATCH)
        if not rows:
            self._bus.refusal = None
            return 0
        answers = await self._publish(line, rows)
        acknowledged = list(zip(rows, _acknowledged(answers), strict=False))
        if (replaced := known.replaced_by(answer for _, answer in acknowledged)) is not None:
            await self._tell_from(known.standing, replaced)
        if acknowledged:
            numbers = [(row.seq, answer.seq) for row, answer in acknowledged if answer.seq is not None]
            async with self._database.transaction(quiet=True) as session:
                await outbox.mark_published(session, numbers)
            self._figures.published.inc(len(acknowledged))
        self._bus.refusal = None
        if len(acknowledged) < len(rows):
            await self._not_all(answers[len(acknowledged)], len(rows), len(acknowledged))
        return len(rows)

    async def _tell_from(self, standing: Standing, first_seq: int) -> None:
        """What was acknowledged in this batch is not marked: sent again, the stream knows it as what it has."""
        async with self._database.transaction(quiet=True) as session:
            again = await lacking.tell_from(session, standing, first_seq)
        raise LineEnds(f"the stream gave number {first_seq} a second time; telling again {again} messages")

    async def _not_all(self, answer: Answer, sent: int, acknowledged: int) -> None:
        """`answer` is the first that is no acknowledgement."""
        self._bus.refusal = answer.refusal
        log.warning("not all messages were acknowledged", sent=sent, acknowledged=acknowledged, said=answer.refusal)
        if answer.may_be_heard_elsewhere and not acknowledged:
            raise LineEnds(answer.refusal)
        await asyncio.sleep(POLL / 2)

    async def _publish(self, line: Line, rows: Sequence[Any]) -> list[Answer]:
        """The stream's answer to each, as far as they came in time."""
        futures = [await _send(line, row) for row in rows]
        answers = asyncio.gather(*futures, return_exceptions=True)
        ends: set[asyncio.Future[Any]] = {answers, line.over}
        # Futures of a lost connection never end by themselves: bound, then cancel.
        await asyncio.wait(ends, timeout=ACKNOWLEDGED_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        found = [future.result() if future.done() else Answer.none() for future in futures]
        answers.cancel()
        # Read to its end: else the log is told that nobody did, and not why.
        await asyncio.gather(answers, return_exceptions=True)
        return found


class Known:
    """What is known of the stream on this line; the highest number it gave grows with what it acknowledges."""

    def __init__(self, standing: Standing) -> None:
        self.standing, self._highest = standing, standing.last_seq
        self._looked_at = time.monotonic()

    def is_old(self) -> bool:
        return time.monotonic() - self._looked_at > LOOK_EVERY

    def replaced_by(self, acknowledged: Iterator[Answer]) -> int | None:
        """The first number that was given before: the stream has forgotten what stood there."""
        for answer in acknowledged:
            if answer.seq is None or answer.duplicate:
                continue
            if answer.seq <= self._highest:
                return answer.seq
            self._highest = answer.seq
        return None


def _acknowledged(answers: Sequence[Answer]) -> list[Answer]:
    """The unbroken prefix."""
    return list(itertools.takewhile(lambda answer: answer.seq is not None, answers))


async def _send(line: Line, row: Any) -> "asyncio.Future[Answer]":
    future = await line.publish(row.type, row.envelope.encode(), {"Nats-Msg-Id": _identity(row)})
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # nats-py forgets a cancellation while it waits for its buffer.
        raise asyncio.CancelledError
    return future


def _identity(row: Any) -> str:
    """Another for what is told again: a stream takes nothing twice within its window, not even what was purged."""
    return str(row.message_id) if row.stream_seq is None else f"{row.message_id}/{row.stream_seq}"
