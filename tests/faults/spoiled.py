"""What may befall the streams while the bus runs: they are emptied, or deleted and made anew. Aimed as kills are."""

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client

from deploy.local.nats import STREAM_BYTES
from shared.messaging.provision import consumer_config, provision
from tests.faults.witness import STREAMS, WITNESS

PURGED, MADE_ANEW = "streams purged", "streams made anew"


class Spoiling:
    """A part that always runs; to kill it is to spoil the streams, to start it to have them again."""

    def __init__(self, name: str, connect: Callable[[], Awaitable[Client]]) -> None:
        self.name, self._connect = name, connect

    def start(self) -> None:
        asyncio.run(self._have())

    def kill(self) -> None:
        asyncio.run(self._spoil())

    def stop(self) -> bool:
        return True

    def runs(self) -> bool:
        return True

    def is_ready(self) -> bool:
        return True

    def last_words(self) -> str:
        return ""

    async def _have(self) -> None:
        client = await self._connect()
        await make_streams(client)
        await client.close()

    async def _spoil(self) -> None:
        client = await self._connect()
        jetstream = client.jetstream(timeout=60)
        for stream in STREAMS:
            await (jetstream.purge_stream(stream) if self.name == PURGED else jetstream.delete_stream(stream))
        await client.close()


async def make_streams(client: Client) -> None:
    """Those of the services, and the witness's ear at each."""
    await provision(client.jetstream(timeout=60), max_bytes=STREAM_BYTES)
    for stream in STREAMS:
        await client.jetstream(timeout=60).add_consumer(stream, consumer_config(WITNESS))
