"""Makes the streams and the durable consumers: `python -m shared.messaging.provision`. Services only bind to them.

Run with the provisioning user, before services start and again after an upgrade; it changes what differs.
"""

import argparse
import asyncio

import nats
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from shared.messaging.bus import stream_of
from shared.messaging.topology import LISTENERS
from shared.settings import ServiceName, ServiceSettings

DAY = 86_400.0
# Three streams of this size fit into the 10 GB that deploy/nats/nats.conf allows.
STREAM_BYTES = 3 * 1024**3


def stream_config(service: ServiceName, replicas: int, max_bytes: int) -> StreamConfig:
    """Limits and `discard: new`: refused messages wait in the outbox; `old` dropped 115 of 200 acknowledged ones."""
    return StreamConfig(
        name=stream_of(service),
        subjects=[f"{service}.>"],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        max_age=30 * DAY,
        max_bytes=max_bytes,
        duplicate_window=600,
        num_replicas=replicas,
    )


def consumer_config(listener: ServiceName) -> ConsumerConfig:
    """No server-side limit of deliveries: it hides a message for ever. The listener's database counts failures."""
    return ConsumerConfig(
        durable_name=listener,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=30,
        max_deliver=-1,
        max_ack_pending=1_000,
    )


async def provision(jetstream: JetStreamContext, *, replicas: int = 1, max_bytes: int = STREAM_BYTES) -> None:
    """A stream is made, then its consumers, before anything is told to it by a service."""
    for service, listeners in LISTENERS.items():
        wanted = stream_config(service, replicas, max_bytes)
        try:
            await jetstream.stream_info(stream_of(service))
        except NotFoundError:
            await jetstream.add_stream(wanted)
        else:
            await jetstream.update_stream(wanted)
        for listener in listeners:
            await jetstream.add_consumer(stream_of(service), consumer_config(listener))


async def _main(settings: ServiceSettings, replicas: int, max_bytes: int) -> None:
    password = settings.nats_password
    client = await nats.connect(
        settings.nats_servers,
        user=settings.nats_user,
        password=password.get_secret_value() if password else None,
        # The one inbox its permissions let it listen to.
        inbox_prefix=b"_INBOX_provision",
        max_reconnect_attempts=20,
        reconnect_time_wait=0.5,
    )
    try:
        await provision(client.jetstream(), replicas=replicas, max_bytes=max_bytes)
    except APIError as refused:
        raise SystemExit(f"provision: streams of {replicas} replicas are refused: {refused.description}") from refused
    finally:
        await client.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    settings = ServiceSettings.load()
    parser.add_argument("--replicas", type=int, default=settings.stream_replicas, help="of each stream")
    parser.add_argument("--max-bytes", type=int, default=STREAM_BYTES, help="a stream's size on disk")
    arguments = parser.parse_args()
    asyncio.run(_main(settings, arguments.replicas, arguments.max_bytes))
