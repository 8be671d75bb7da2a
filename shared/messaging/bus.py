"""The connection to NATS."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shared.messaging.line import Line
from shared.messaging.pulse import Pulse
from shared.messaging.telling import Stored
from shared.settings import ServiceName, ServiceSettings
from shared.telemetry import get_logger

log = get_logger()

ACKNOWLEDGED_WITHIN = 5.0
# A server that hangs does not take what is still to be sent.
CLOSED_WITHIN = 2.0
POLL = 1.0
# A server cut off from its cluster keeps its clients, and has nothing for them.
LOOK_EVERY = 5.0


def stream_of(service: str) -> str:
    return service.upper()


class Bus:
    """The connection of listeners and pokes, kept for ever; and lines, which end when they break."""

    def __init__(self, settings: ServiceSettings, service: ServiceName) -> None:
        self._settings, self.service = settings, service
        self.pulse = Pulse()
        # Why the stream does not take what this process tells it; for whoever asks how the bus is.
        self.refusal: str | None = None
        # As the stream was when somebody last asked.
        self.stored: Stored | None = None
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
                await self._until_useless()
                log.warning("bus closed; connecting anew", error=str(self.client.last_error))
            except Exception as failed:
                await _log_error(failed)
                await asyncio.sleep(POLL)
            await _close(self.client)
            self._take(Client())

    async def _until_useless(self) -> None:
        """Until the client has ended, or its server does not know our stream while another may."""
        looked_at = time.monotonic()
        while not self.client.is_closed:  # nats-py reconnects by itself meanwhile
            await asyncio.sleep(POLL)
            if len(self.client.servers) > 1 and self.connected and time.monotonic() - looked_at > LOOK_EVERY:
                try:
                    await self.jetstream.stream_info(stream_of(self.service))
                except (nats.errors.Error, nats.js.errors.Error) as failed:
                    log.warning(
                        "the server knows no stream; trying another", error=f"{type(failed).__name__}: {failed}"
                    )
                    return
                looked_at = time.monotonic()

    async def connect(self) -> None:
        """Returns when connected, however long the server is away."""
        await self.client.connect(**self._options(), reconnected_cb=self._say_connected, disconnected_cb=_log_lost)
        await self.client.subscribe(f"poke.{self.service}", cb=self._on_poke)
        await self._say_connected()

    def _options(self) -> dict[str, Any]:
        password = self._settings.nats_password
        return {
            "servers": self._settings.nats_servers,
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
    async def line(self) -> AsyncIterator[Line]:
        """A connection that never reconnects: what nats-py buffers meanwhile would be sent before anyone looked."""
        line = Line()
        try:
            await line.client.connect(**self._options(), allow_reconnect=False, closed_cb=line.end)
            await line.hear_answers()
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
