"""The connection to NATS, and the relay that puts told messages on the bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import PubAck
from sqlalchemy import text

from shared.database import Database
from shared.messaging import outbox
from shared.messaging.pulse import Pulse
from shared.settings import ServiceName, ServiceSettings
from shared.telemetry import Figures, get_logger

log = get_logger()

ACKNOWLEDGED_WITHIN = 5.0
# A server that hangs does not take what is still to be sent.
CLOSED_WITHIN = 2.0
BATCH = 200
POLL = 1.0
_TRY_LOCK = text("SELECT pg_try_advisory_lock(7226001)")


def stream_of(service: str) -> str:
    return service.upper()


class Bus:
    """The connection of listeners and pokes, kept for ever; and lines, which end when they break."""

    def __init__(self, settings: ServiceSettings, service: ServiceName) -> None:
        self._settings, self.service = settings, service
        self.pulse = Pulse()
        self._pokes: set[asyncio.Task[None]] = set()
        self._take(Client())

    def _take(self, client: Client) -> None:
        self.client = client
        self.jetstream: JetStreamContext = client.jetstream(timeout=ACKNOWLEDGED_WITHIN)

    @property
    def connected(self) -> bool:
        return self.client.is_connected

    async def keep(self) -> None:
        """Connects, and stays so until cancelled. What the server calls an error ends a client of nats-py for ever."""
        while True:
            try:
                if not self.connected:
                    await self.connect()
                while not self.client.is_closed:  # noqa: ASYNC110 -- nats-py reconnects by itself meanwhile
                    await asyncio.sleep(POLL)
                log.warning("bus closed; connecting anew", error=str(self.client.last_error))
            except Exception as failed:
                await _log_error(failed)
                await asyncio.sleep(POLL)
            await _close(self.client)
            self._take(Client())

    async def connect(self) -> None:
        """Returns when connected, however long the server is away."""
        await self.client.connect(**self._options(), reconnected_cb=self._say_connected, disconnected_cb=_log_lost)
        await self.client.subscribe(f"poke.{self.service}", cb=self._on_poke)
        await self._say_connected()

    def _options(self) -> dict[str, Any]:
        password = self._settings.nats_password
        return {
            "servers": [self._settings.nats_url],
            "name": self.service,
            "user": self._settings.nats_user,
            "password": password.get_secret_value() if password else None,
            # An inbox prefix of its own: else any service can read another's replies.
            "inbox_prefix": f"_INBOX_{self.service}".encode(),
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 1,
            "ping_interval": 5,
            "max_outstanding_pings": 2,
            # Our own pokes need not come back.
            "no_echo": True,
            # Else who publishes while the server hangs waits for ever, even when the connection has ended since.
            "flush_timeout": ACKNOWLEDGED_WITHIN,
            "error_cb": _log_error,
        }

    @contextlib.asynccontextmanager
    async def line(self) -> AsyncIterator["Line"]:
        """A connection that never reconnects: what nats-py buffers meanwhile would be sent before anyone looked."""
        line = Line()
        try:
            await line.client.connect(**self._options(), allow_reconnect=False, closed_cb=line.end)
            yield line
        finally:
            await _close(line.client)

    async def _say_connected(self) -> None:
        log.info("bus connected")
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
        """Also before anything was connected."""
        await _close(self.client)


class Line:
    """One connection as long as it lasts; `over` is done when it has ended."""

    def __init__(self) -> None:
        self.client = Client()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=ACKNOWLEDGED_WITHIN)
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def _close(client: Client) -> None:
    if not client.servers:
        # It was never told to connect, and closing such a one fails in nats-py.
        return
    # Not drain(): after an idle pull it hangs for its whole time-out.
    closing = asyncio.create_task(client.close())
    # Not `timeout`: nats-py forgets a cancellation while it waits for its buffer.
    await asyncio.wait({closing}, timeout=CLOSED_WITHIN)
    if closing.done():
        with contextlib.suppress(nats.errors.Error, OSError):
            closing.result()
    else:
        closing.cancel()


async def _log_error(error: Exception) -> None:
    # A denied permission shows only here.
    log.warning("bus error", error=f"{type(error).__name__}: {error}")


async def _log_lost() -> None:
    log.warning("bus disconnected")


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
