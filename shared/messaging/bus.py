"""The connection to NATS, and the relay that puts told messages on the bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.database import Database
from shared.messaging import outbox
from shared.messaging.pulse import Pulse
from shared.settings import ServiceName, ServiceSettings
from shared.telemetry import Figures, get_logger

log = get_logger()

ACKNOWLEDGED_WITHIN = 5.0
BATCH = 200
POLL = 1.0
_RELAY_LOCK = 7_226_001


def stream_of(service: str) -> str:
    return service.upper()


class Bus:
    """One connection, kept for ever: reconnects without limit, and says on every reconnect that it did."""

    def __init__(self, settings: ServiceSettings, service: ServiceName) -> None:
        self._settings, self.service = settings, service
        self.client: Client = Client()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=ACKNOWLEDGED_WITHIN)
        self.connections = 0
        self.pulse = Pulse()
        self._pokes: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        return self.client.is_connected

    async def connect(self) -> None:
        """Returns when connected, however long the server is away."""
        password = self._settings.nats_password
        await self.client.connect(
            servers=[self._settings.nats_url],
            name=self.service,
            user=self._settings.nats_user,
            password=password.get_secret_value() if password else None,
            # An inbox prefix of its own: else any service can read another's replies.
            inbox_prefix=f"_INBOX_{self.service}".encode(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=_log_error,
            reconnected_cb=self._count_connection,
            disconnected_cb=_log_disconnected,
        )
        await self._count_connection()
        await self.client.subscribe(f"poke.{self.service}", cb=self._on_poke)

    async def _count_connection(self) -> None:
        self.connections += 1
        log.info("bus connected", connections=self.connections)
        self.pulse.beat()

    async def _on_poke(self, _: Msg) -> None:
        self.pulse.beat()

    def poke(self) -> None:
        """Wakes this process now, and every other replica if the message gets through."""
        self.pulse.beat()
        if self.client.is_connected:
            task = asyncio.ensure_future(self._send_poke())
            self._pokes.add(task)
            task.add_done_callback(self._pokes.discard)

    async def _send_poke(self) -> None:
        with contextlib.suppress(nats.errors.Error):
            await self.client.publish(f"poke.{self.service}", b"")

    async def close(self) -> None:
        # Not drain(): after an idle pull it hangs for its whole time-out.
        with contextlib.suppress(nats.errors.Error):
            await self.client.close()


async def _log_error(error: Exception) -> None:
    # A denied permission shows only here.
    log.warning("bus error", error=f"{type(error).__name__}: {error}")


async def _log_disconnected() -> None:
    log.warning("bus disconnected")


class Relay:
    """Publishes the outbox in its order; one active per database."""

    def __init__(self, database: Database, bus: Bus, figures: Figures) -> None:
        self._database, self._bus, self._figures = database, bus, figures
        self._checked_connection = 0

    async def run(self) -> None:
        """Until cancelled. What fails is tried again: rows stay unpublished until the stream has them."""
        while True:
            try:
                async with self._only_one() as mine:
                    await (self._relay(mine) if mine is not None else asyncio.sleep(POLL))
            except (
                SQLAlchemyError,
                OSError,
                nats.errors.Error,
                nats.js.errors.Error,
                TimeoutError,
            ) as failed:
                log.warning("relay interrupted", error=f"{type(failed).__name__}: {failed}"[:300])
                await asyncio.sleep(POLL / 2)

    @contextlib.asynccontextmanager
    async def _only_one(self) -> AsyncIterator[Any]:
        """PostgreSQL: an advisory lock on a connection of its own. SQLite: the process lock taken at start is enough."""
        if self._database.is_sqlite:
            yield True
            return
        async with self._database.engine.connect() as connection:
            holder = await connection.execution_options(isolation_level="AUTOCOMMIT")
            mine = await holder.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _RELAY_LOCK})
            try:
                yield holder if mine else None
            finally:
                # Returned to the pool a live connection would keep the lock.
                await connection.invalidate()

    async def _relay(self, holder: Any) -> None:
        self._checked_connection = 0
        while True:
            seen = self._bus.pulse.count
            if holder is not True:
                await holder.execute(text("SELECT 1"))
            if not self._bus.connected:
                await self._bus.pulse.wait(seen, POLL)
                continue
            await self._check_for_lost_tail()
            if await self._publish_some() < BATCH:
                await self._bus.pulse.wait(seen, POLL)

    async def _check_for_lost_tail(self) -> None:
        """A server restored from an older disk has forgotten acknowledged messages: tell them again."""
        connections = self._bus.connections
        if self._checked_connection == connections:
            return
        info = await self._bus.jetstream.stream_info(stream_of(self._bus.service))
        async with self._database.transaction(quiet=True) as session:
            again = await outbox.tell_lost_tail_again(session, info.state.last_seq)
        if again:
            log.warning("stream lost its tail; telling again", messages=again, last_seq=info.state.last_seq)
        self._checked_connection = connections

    async def _publish_some(self) -> int:
        async with self._database.reading() as session:
            rows = await outbox.read_waiting(session, BATCH)
        if not rows:
            return 0
        acknowledged = await self._publish(rows)
        if acknowledged:
            async with self._database.transaction(quiet=True) as session:
                await outbox.mark_published(session, acknowledged)
            self._figures.published.inc(len(acknowledged))
        if len(acknowledged) < len(rows):
            log.warning("not all messages were acknowledged", sent=len(rows), acknowledged=len(acknowledged))
            await asyncio.sleep(POLL / 4)
        return len(rows)

    async def _publish(self, rows: Sequence[Any]) -> list[tuple[int, int]]:
        """The unbroken prefix the stream acknowledged: outbox number and stream sequence."""
        jetstream = self._bus.jetstream
        futures = [
            await jetstream.publish_async(row.type, row.envelope.encode(), headers={"Nats-Msg-Id": str(row.message_id)})
            for row in rows
        ]
        # Futures of a lost connection never end by themselves and keep their places: bound, then cancel.
        _, unanswered = await asyncio.wait(futures, timeout=ACKNOWLEDGED_WITHIN)
        for future in unanswered:
            future.cancel()
        acknowledged: list[tuple[int, int]] = []
        for row, future in zip(rows, futures, strict=True):
            if future in unanswered or future.cancelled() or future.exception() is not None:
                break
            acknowledged.append((row.seq, future.result().seq))
        return acknowledged
