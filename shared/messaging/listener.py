"""Pulling: one stream for one service, and what becomes of messages that fail."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from sqlalchemy import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import Database, insert_for, is_away, is_passing
from shared.messaging.bus import Bus
from shared.messaging.subscriptions import Heard, Subscriptions, describe, storable
from shared.messaging.tables import dead_letters, failures
from shared.telemetry import Figures, Origin, get_logger, set_origin

log = get_logger()

BATCH = 100
# A request that was lost with its server is made again after this, so it bounds the delay after a reconnect too.
IDLE = 1.0
AWAY = 1.0
# Together these delays outlast `ack_wait` twice: what a message waits for may be in the hands of a process that died.
MOST_ATTEMPTS = 8
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0


class Listener:
    """Pulls one stream for one service: fetch, one transaction for the batch, then acknowledge."""

    def __init__(
        self, stream: str, subscriptions: Subscriptions, database: Database, bus: Bus, figures: Figures
    ) -> None:
        self.stream, self._subscriptions, self._database = stream, subscriptions, database
        self._bus, self._figures = bus, figures

    async def run(self) -> None:
        """Until cancelled. Binds to the durable consumer; never makes one."""
        while True:
            seen = self._bus.pulse.count
            if not self._bus.connected:
                await self._bus.pulse.wait(seen, AWAY)
                continue
            try:
                await self._listen()
            except Exception as failed:
                log.warning("listening interrupted", stream=self.stream, error=describe(failed))
                await asyncio.sleep(AWAY)

    async def _listen(self) -> None:
        subscription = await self._bus.jetstream.pull_subscribe_bind(
            durable=self._subscriptions.service, stream=self.stream
        )
        try:
            while True:
                if fetched := await _fetch(subscription):
                    self._figures.consumer_lag.labels(self.stream).set(fetched[-1].metadata.num_pending)
                    await self._handle(fetched)
        finally:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await _hand_back_unread(subscription)
                await subscription.unsubscribe()

    async def _handle(self, fetched: list[Msg]) -> None:
        try:
            await self._handle_together(fetched)
        except asyncio.CancelledError:
            await _hand_back(fetched)
            raise
        except Exception as failed:
            await self._try_otherwise(fetched, failed)
            return
        for msg in fetched:
            await msg.ack()
        self._figures.handled.labels(self.stream, "done").inc(len(fetched))

    async def _handle_together(self, fetched: list[Msg]) -> None:
        try:
            async with self._database.transaction() as session:
                await self._subscriptions.handle(session, [self._heard(msg) for msg in fetched])
                await self._forget_failures(session, fetched)
        finally:
            set_origin(Origin())

    def _heard(self, msg: Msg) -> Heard:
        return Heard(self.stream, msg.subject, msg.data)

    async def _try_otherwise(self, fetched: list[Msg], failed: Exception) -> None:
        if is_away(failed):
            log.warning("database away", stream=self.stream, error=type(failed).__name__)
            await _hand_back(fetched, delay=AWAY)
            await asyncio.sleep(AWAY)
        elif len(fetched) == 1:
            await self._fail(fetched[0], failed)
        else:
            log.info("batch failed; handling one by one", stream=self.stream, error=describe(failed))
            await self._handle_one_by_one(fetched)

    async def _handle_one_by_one(self, fetched: list[Msg]) -> None:
        for number, msg in enumerate(fetched):
            try:
                await self._handle([msg])
            except asyncio.CancelledError:
                await _hand_back(fetched[number + 1 :])
                raise

    async def _forget_failures(self, session: AsyncSession, fetched: list[Msg]) -> None:
        again = [msg.metadata.sequence.stream for msg in fetched if (msg.metadata.num_delivered or 1) > 1]
        if again:
            statement = delete(failures).where(failures.c.stream == self.stream, failures.c.stream_seq.in_(again))
            await (await session.connection()).execute(statement)

    async def _fail(self, msg: Msg, failed: Exception) -> None:
        """Counts in the database: counting deliveries buried 8 healthy messages of 1,500 under crashes."""
        if is_passing(failed):
            await _hand_back([msg], delay=_back_off(0))
            return
        error, sequence = describe(failed), msg.metadata.sequence.stream
        log.warning("message failed", stream=self.stream, seq=sequence, type=msg.subject, error=error)
        self._figures.handled.labels(self.stream, "failed").inc()
        try:
            async with self._database.transaction() as session:
                attempts = await _count_failure(session, self.stream, msg, error)
        except Exception as uncounted:
            log.warning("failure could not be counted", error=describe(uncounted))
            await _hand_back([msg], delay=AWAY)
            return
        if attempts >= MOST_ATTEMPTS:
            await msg.ack()
        else:
            await _hand_back([msg], delay=_back_off(attempts))


async def _fetch(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    """Waits for one, and takes with it what else is there: the server ends a `no_wait` request with what it has."""
    try:
        return await subscription.fetch(BATCH, timeout=IDLE)
    except TimeoutError:
        return []


async def _hand_back(fetched: Sequence[Msg], delay: float | None = None) -> None:
    for msg in fetched:
        with contextlib.suppress(nats.errors.Error):
            await msg.nak(delay=delay)


async def _hand_back_unread(subscription: JetStreamContext.PullSubscription) -> None:
    """What came after the last look, so that another process need not wait until it counts as lost."""
    while subscription.pending_msgs:
        await _hand_back(await subscription.fetch(1, timeout=0.05))


def _back_off(attempts: int) -> float:
    return float(min(FIRST_DELAY * 2**attempts, LONGEST_DELAY)) * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter


async def _count_failure(session: AsyncSession, stream: str, msg: Msg, error: str) -> int:
    """Attempts so far; the last one allowed buries the message among the dead letters."""
    connection = await session.connection()
    place = {"stream": stream, "stream_seq": msg.metadata.sequence.stream}
    counted = {"last_error": error, "failed_at": datetime.now(UTC)}
    statement = insert_for(connection)(failures).values(**place, attempts=1, **counted)
    statement = statement.on_conflict_do_update(
        index_elements=list(place), set_={"attempts": failures.c.attempts + 1, **counted}
    ).returning(failures.c.attempts)
    attempts: int = (await connection.execute(statement)).scalar_one()
    if attempts >= MOST_ATTEMPTS:
        await connection.execute(delete(failures).filter_by(**place))
        await _bury(session, place, msg, error)
    return attempts


async def _bury(session: AsyncSession, place: dict[str, object], msg: Msg, error: str) -> None:
    """A letter already at this place is of a tail that the stream lost, and was told again at another: replaced."""
    connection = await session.connection()
    letter = {
        "message_id": _id_of(msg),
        "type": msg.subject[:120],
        "envelope": storable(msg.data.decode(errors="replace")),
        "last_error": error,
        "died_at": datetime.now(UTC),
    }
    statement = insert_for(connection)(dead_letters).values(**place, **letter)
    await connection.execute(statement.on_conflict_do_update(index_elements=list(place), set_=letter))


def _id_of(msg: Msg) -> UUID | None:
    try:
        # What was told again has the number of the first time behind it.
        return UUID((msg.headers or {}).get("Nats-Msg-Id", "").partition("/")[0])
    except ValueError:
        return None
