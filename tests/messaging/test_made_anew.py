"""A stream made anew, emptied or lost with its disk: what it lacks is told again, also by a running service."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import PROVISIONER, STREAM_BYTES
from shared.messaging.provision import provision
from shared.settings import ServiceSettings
from tests.messaging.tiny import listening, noted, organisation, published, telling, told, waiting
from tests.support.nats import NatsServer, running_nats
from tests.support.services import LONG_ENOUGH, Client, eventually, running

AN_HOUR = 3600.0
NAMES = [f"Number {number}" for number in range(30)]
Spoil = Callable[[JetStreamContext], Awaitable[object]]


@pytest.fixture
async def nats_server() -> AsyncIterator[NatsServer]:
    """One of its own, whose streams are spoiled."""
    with running_nats() as server:
        await server.provision()
        yield server


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.messaging.relay.LOOK_EVERY", 0.1)


async def make_anew(jetstream: JetStreamContext) -> None:
    await jetstream.delete_stream("MATCHING")
    await provision(jetstream, max_bytes=STREAM_BYTES)


async def purge(jetstream: JetStreamContext) -> None:
    await jetstream.purge_stream("MATCHING")


async def delete_one(jetstream: JetStreamContext) -> None:
    await jetstream.delete_msg("MATCHING", 4)


async def delete_many(jetstream: JetStreamContext) -> None:
    for number in range(2, 8):
        await jetstream.delete_msg("MATCHING", number)


async def spoil(server: NatsServer, how: Spoil) -> None:
    client = await server.connect(PROVISIONER)
    await how(client.jetstream(timeout=LONG_ENOUGH))
    await client.close()


async def all_told(teller: Client, names: list[str]) -> None:
    before = await published(teller.app)
    await told(teller.app, *(organisation(name) for name in names))

    async def so_many_more() -> bool:
        return await published(teller.app) >= before + len(names) and await waiting(teller.app) == 0

    await eventually(so_many_more)


async def noted_once(listener: Client, names: list[str]) -> bool:
    return sorted(await noted(listener.app)) == sorted(names)


@pytest.mark.parametrize("how", [make_anew, purge, delete_one, delete_many])
async def test_what_a_spoiled_stream_lacks_is_told_again_though_nothing_else_is_told(
    nats_server: NatsServer, teller: Client, listener_settings: ServiceSettings, how: Spoil, often: None
) -> None:
    await all_told(teller, NAMES[:10])
    await spoil(nats_server, how)
    async with running(listening, listener_settings) as listener:
        await eventually(partial(noted_once, listener, NAMES[:10]))


async def test_an_acknowledgement_below_what_was_known_shows_that_the_stream_is_another(
    nats_server: NatsServer, teller: Client, listener_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the new stream has passed the old one's numbers, nothing but the time it was made would tell them apart."""
    monkeypatch.setattr("shared.messaging.relay.LOOK_EVERY", AN_HOUR)
    await all_told(teller, NAMES[:10])
    await spoil(nats_server, make_anew)
    await told(teller.app, *(organisation(name) for name in NAMES[10:]))
    async with running(listening, listener_settings) as listener:
        await eventually(partial(noted_once, listener, NAMES))


async def test_a_stream_made_anew_is_known_by_a_service_started_later(
    nats_server: NatsServer, teller_settings: ServiceSettings, listener_settings: ServiceSettings
) -> None:
    async with running(telling, teller_settings) as teller:
        await all_told(teller, NAMES[:10])
    await spoil(nats_server, make_anew)
    client = await nats_server.connect("matching")
    for number in range(12):
        await client.jetstream(timeout=60).publish("matching.unknown.v1", f'"{number}"'.encode())
    await client.close()
    async with running(telling, teller_settings), running(listening, listener_settings) as listener:
        await eventually(partial(noted_once, listener, NAMES[:10]))


async def test_a_store_that_was_wiped_is_filled_again(
    nats_server: NatsServer, teller: Client, listener_settings: ServiceSettings
) -> None:
    await all_told(teller, NAMES[:10])
    nats_server.stop()
    shutil.rmtree(nats_server.folder / "store")
    nats_server.start()
    await nats_server.provision()
    await told(teller.app, *(organisation(name) for name in NAMES[10:]))
    async with running(listening, listener_settings) as listener:
        await eventually(partial(noted_once, listener, NAMES))


@pytest.mark.parametrize("how", [make_anew, purge])
async def test_what_was_heard_and_is_told_again_has_no_second_effect(
    nats_server: NatsServer, teller: Client, listener: Client, how: Spoil, often: None
) -> None:
    await all_told(teller, NAMES[:10])
    await eventually(partial(noted_once, listener, NAMES[:10]))
    await spoil(nats_server, how)

    async def ten_again() -> bool:
        client = await nats_server.connect(PROVISIONER)
        consumer = await client.jetstream(timeout=LONG_ENOUGH).consumer_info("MATCHING", "notify")
        stream = await client.jetstream(timeout=LONG_ENOUGH).stream_info("MATCHING")
        await client.close()
        return stream.state.messages == 10 and consumer.num_pending == consumer.num_ack_pending == 0

    await eventually(ten_again)
    await all_told(teller, NAMES[10:12])
    await eventually(partial(noted_once, listener, NAMES[:12]))
