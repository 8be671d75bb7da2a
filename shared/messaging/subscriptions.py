"""Listening: every message is handled once in effect, however often and in whatever order it comes."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.message import Envelope, Message
from shared.database import Database, is_away
from shared.messaging.bus import Bus, stream_of
from shared.messaging.tables import copied_versions, dead_letters, failures, handled_messages
from shared.settings import ServiceName
from shared.telemetry import Figures, Origin, get_logger, set_origin

log = get_logger()

BATCH = 100
IDLE = 5.0
MOST_ATTEMPTS = 5
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
_AT_HAND = "message at hand"

M = TypeVar("M", bound=Message)
Handler = Callable[[AsyncSession, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Listening:
    handler: Handler
    contract: type[Message]
    copies: bool


class Subscriptions:
    """What a service listens to. A *copy* keeps another's facts and ignores older versions; a *fact* is done once."""

    def __init__(self, service: ServiceName) -> None:
        self.service: ServiceName = service
        self._by_type: dict[str, list[_Listening]] = defaultdict(list)

    def copy(self, *contracts: type[Message]) -> Callable[[Handler], Handler]:
        """The handler runs only for a version newer than or equal to the last one copied."""
        return self._add(contracts, copies=True)

    def fact(self, *contracts: type[Message]) -> Callable[[Handler], Handler]:
        """The handler runs once for each message, whatever its version."""
        return self._add(contracts, copies=False)

    def _add(self, contracts: Sequence[type[Message]], *, copies: bool) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            for contract in contracts:
                self._by_type[contract.type].append(_Listening(handler, contract, copies))
            return handler

        return register

    @property
    def streams(self) -> list[str]:
        return sorted({stream_of(message_type.split(".", 1)[0]) for message_type in self._by_type})

    async def handle(self, session: AsyncSession, envelopes: Sequence[bytes]) -> None:
        """Handles a batch in the session's transaction, leaving out what was handled before."""
        read = [Envelope.model_validate_json(envelope) for envelope in envelopes]
        new = await _not_yet_handled(session, [envelope.id for envelope in read])
        for envelope in read:
            if envelope.id in new:
                new.discard(envelope.id)
                await self._dispatch(session, envelope)

    async def _dispatch(self, session: AsyncSession, envelope: Envelope) -> None:
        set_origin(Origin(envelope.correlationid, envelope.traceparent))
        session.info[_AT_HAND] = envelope.id
        for listening in self._by_type.get(envelope.type, ()):
            message = listening.contract.model_validate(envelope.data)
            if not listening.copies or await _is_news(session, message):
                await listening.handler(session, message)


def message_at_hand(session: AsyncSession) -> UUID:
    """The id of the message that is being handled in this transaction; what is made of it can be unique by it."""
    identity: UUID = session.info[_AT_HAND]
    return identity


def _insert_for(session: AsyncSession) -> Any:
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert


async def _not_yet_handled(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    now = datetime.now(UTC)
    rows = [{"message_id": message_id, "handled_at": now} for message_id in dict.fromkeys(ids)]
    statement = (
        _insert_for(session)(handled_messages)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(handled_messages.c.message_id)
    )
    return set((await (await session.connection()).execute(statement)).scalars())


async def _is_news(session: AsyncSession, message: Message) -> bool:
    kind = message.aggregate.removesuffix("_id")
    statement = _insert_for(session)(copied_versions).values(
        kind=kind, aggregate_id=message.aggregate_id, version=message.version
    )
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "aggregate_id"],
        set_={"version": statement.excluded.version},
        where=copied_versions.c.version <= statement.excluded.version,
    ).returning(copied_versions.c.version)
    return (await (await session.connection()).execute(statement)).scalar() is not None


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
            try:
                await self._listen()
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as failed:
                log.warning(
                    "listening interrupted",
                    stream=self.stream,
                    error=f"{type(failed).__name__}: {failed}"[:300],
                )
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        subscription = await self._bus.jetstream.pull_subscribe_bind(
            durable=self._subscriptions.service, stream=self.stream
        )
        try:
            while True:
                fetched = await self._fetch(subscription)
                if fetched:
                    await self._handle(fetched)
        finally:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> list[Msg]:
        """Waits for one, then takes as many more as the server says are there: a plain batch waits for more to come."""
        try:
            first = (await subscription.fetch(1, timeout=IDLE))[0]
        except TimeoutError:
            return []
        self._figures.consumer_lag.labels(self.stream).set(first.metadata.num_pending)
        pending = min(first.metadata.num_pending, BATCH - 1)
        more: list[Msg] = []
        if pending:
            with contextlib.suppress(TimeoutError):
                more = await subscription.fetch(pending, timeout=1)
        return [first, *more]

    async def _handle(self, fetched: list[Msg]) -> None:
        try:
            async with self._database.transaction() as session:
                await self._subscriptions.handle(session, [msg.data for msg in fetched])
                await self._forget_failures(session, fetched)
        except asyncio.CancelledError:
            await _hand_back(fetched, delay=0)
            raise
        except Exception as failed:
            if len(fetched) == 1:
                await self._fail(fetched[0], failed)
            else:
                log.info(
                    "batch failed; handling one by one",
                    stream=self.stream,
                    error=f"{type(failed).__name__}: {failed}"[:200],
                )
                for msg in fetched:
                    await self._handle([msg])
            return
        for msg in fetched:
            await msg.ack()
        self._figures.handled.labels(self.stream, "done").inc(len(fetched))

    async def _forget_failures(self, session: AsyncSession, fetched: list[Msg]) -> None:
        again = [msg.metadata.sequence.stream for msg in fetched if (msg.metadata.num_delivered or 1) > 1]
        if again:
            statement = delete(failures).where(failures.c.stream == self.stream, failures.c.stream_seq.in_(again))
            await (await session.connection()).execute(statement)

    async def _fail(self, msg: Msg, failed: Exception) -> None:
        """Counts in the database: counting deliveries buried 8 healthy messages of 1,500 under crashes."""
        if is_away(failed):
            await _hand_back([msg], delay=1)
            return
        error = _describe(failed)
        log.warning(
            "message failed",
            stream=self.stream,
            seq=msg.metadata.sequence.stream,
            type=msg.subject,
            error=error,
        )
        self._figures.handled.labels(self.stream, "failed").inc()
        try:
            async with self._database.transaction() as session:
                attempts = await _count_failure(session, self.stream, msg, error)
        except Exception as uncounted:
            log.warning("failure could not be counted", error=_describe(uncounted))
            await _hand_back([msg], delay=1)
            return
        if attempts >= MOST_ATTEMPTS:
            await msg.ack()
        else:
            await _hand_back([msg], delay=_back_off(attempts))


def _back_off(attempts: int) -> float:
    return float(min(FIRST_DELAY * 2**attempts, LONGEST_DELAY)) * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter


def _describe(failed: BaseException) -> str:
    """Type and place of what is wrong; a validation error's values are left out, they may be personal."""
    if isinstance(failed, ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in failed.errors()[:5])
    return f"{type(failed).__name__}: {failed}"[:500]


async def _hand_back(fetched: Sequence[Msg], delay: float) -> None:
    for msg in fetched:
        with contextlib.suppress(nats.errors.Error):
            await msg.nak(delay=delay or None)


async def _count_failure(session: AsyncSession, stream: str, msg: Msg, error: str) -> int:
    """Attempts so far; the last one allowed buries the message among the dead letters."""
    connection = await session.connection()
    key = {"stream": stream, "stream_seq": msg.metadata.sequence.stream}
    now = datetime.now(UTC)
    statement = _insert_for(session)(failures).values(**key, attempts=1, last_error=error, failed_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["stream", "stream_seq"],
        set_={"attempts": failures.c.attempts + 1, "last_error": error, "failed_at": now},
    ).returning(failures.c.attempts)
    attempts: int = (await connection.execute(statement)).scalar_one()
    if attempts >= MOST_ATTEMPTS:
        await connection.execute(delete(failures).filter_by(**key))
        await connection.execute(
            _insert_for(session)(dead_letters)
            .values(
                **key,
                message_id=_id_of(msg),
                type=msg.subject,
                envelope=msg.data.decode(errors="replace"),
                last_error=error,
                died_at=now,
            )
            .on_conflict_do_nothing()
        )
    return attempts


def _id_of(msg: Msg) -> UUID | None:
    try:
        return UUID((msg.headers or {}).get("Nats-Msg-Id", ""))
    except ValueError:
        return None


async def dead_letter_count(session: AsyncSession) -> int:
    statement = select(func.count()).select_from(dead_letters)
    return int((await (await session.connection()).execute(statement)).scalar_one())


async def replay(session: AsyncSession, subscriptions: Subscriptions, stream: str, stream_seq: int) -> bool:
    """Handles a dead letter now, in this transaction; False when there is none at that place.

    Raises whatever the handler raises: then the letter stays.
    """
    connection = await session.connection()
    row = (
        await connection.execute(
            delete(dead_letters)
            .where(dead_letters.c.stream == stream, dead_letters.c.stream_seq == stream_seq)
            .returning(dead_letters.c.envelope)
        )
    ).first()
    if row is None:
        return False
    await subscriptions.handle(session, [row.envelope.encode()])
    return True
