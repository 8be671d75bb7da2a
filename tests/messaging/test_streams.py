"""Provisioning, and what happens at the limits of a stream."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from nats.js.errors import APIError

from deploy.local.nats import PROVISIONER
from shared.messaging import outbox
from shared.messaging.provision import provision
from shared.messaging.topology import LISTENERS
from tests.messaging.tiny import noted, organisation, told, waiting
from tests.support.nats import NatsServer, running_nats
from tests.support.services import LONG_ENOUGH, Client, eventually


@pytest.fixture
async def nats_server() -> AsyncIterator[NatsServer]:
    """One of its own, whose streams are changed."""
    with running_nats() as server:
        await server.provision()
        yield server


async def limit(server: NatsServer, max_bytes: int) -> None:
    client = await server.connect(PROVISIONER)
    await provision(client.jetstream(timeout=LONG_ENOUGH), max_bytes=max_bytes)
    await client.close()


async def test_a_full_stream_refuses_and_what_was_told_waits_until_there_is_room(
    nats_server: NatsServer, teller: Client, listener: Client
) -> None:
    await limit(nats_server, 64 * 1024)
    names = [f"{number} {'x' * 20_000}" for number in range(10)]
    await told(teller.app, *(organisation(name) for name in names))

    async def some_published() -> bool:
        return await waiting(teller.app) < 10

    async def all_noted() -> bool:
        return await noted(listener.app) == names

    await eventually(some_published)
    assert await waiting(teller.app) > 0

    async def refused() -> bool:
        ready = (await teller.get("/readyz")).json()
        figures = (await teller.get("/metrics")).text
        assert ready["checks"]["bus"] == "ok"
        assert ready["stream"]["filled"] > 0.5
        assert "bus_refuses 1.0" in figures
        return "outbox_waiting 0.0" not in figures

    await eventually(refused)
    await limit(nats_server, 2**20)
    await eventually(all_noted)
    assert "bus_refuses 0.0" in (await teller.get("/metrics")).text


async def test_a_message_too_large_for_the_bus_is_refused_where_it_is_told(teller: Client) -> None:
    with pytest.raises(ValueError, match=r"matching\.organisation\.updated\.v1 has \d+ bytes"):
        await told(teller.app, organisation("x" * outbox.LARGEST))
    assert await waiting(teller.app) == 0


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_provisioning_again_changes_what_differs_and_loses_nothing(
    nats_server: NatsServer, teller: Client, listener: Client
) -> None:
    await told(teller.app, organisation("before"))
    await eventually(partial(noted, listener.app))
    await limit(nats_server, 2**21)
    client = await nats_server.connect(PROVISIONER)
    for service, listeners in LISTENERS.items():
        info = await client.jetstream(timeout=LONG_ENOUGH).stream_info(service.upper())
        assert info.config.max_bytes == 2**21
        for name in listeners:
            consumer = await client.jetstream(timeout=LONG_ENOUGH).consumer_info(service.upper(), name)
            assert consumer.config.max_deliver == -1
            assert consumer.num_pending == (1 if (service, name) == ("matching", "events") else 0)
    await client.close()
    await told(teller.app, organisation("after"))

    async def both_noted() -> bool:
        return await noted(listener.app) == ["before", "after"]

    await eventually(both_noted)


async def test_a_service_may_neither_make_nor_change_nor_empty_a_stream(nats_server: NatsServer) -> None:
    client = await nats_server.connect("matching")
    jetstream = client.jetstream(timeout=0.5)
    for attempt in (
        jetstream.add_stream(name="OWN", subjects=["own.>"]),
        jetstream.update_stream(name="MATCHING", subjects=["matching.>"], max_age=1),
        jetstream.purge_stream("MATCHING"),
        jetstream.delete_consumer("EVENTS", "matching"),
    ):
        with pytest.raises((TimeoutError, APIError)):
            await attempt
    await client.close()
