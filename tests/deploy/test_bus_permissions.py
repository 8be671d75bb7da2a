"""A service may say its own words and read what it listens to, and nothing else."""

from collections.abc import Iterator

import pytest
from nats.errors import TimeoutError as NatsTimeout
from nats.js.errors import NoStreamResponseError

from deploy.local.nats import permissions
from deploy.local.stack import ROOT
from shared.messaging.topology import LISTENERS
from tests.support.nats import NatsServer, running_nats
from tests.support.services import LONG_ENOUGH


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with running_nats() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
async def provisioned(server: NatsServer) -> None:
    await server.provision()


@pytest.mark.parametrize("service", LISTENERS)
def test_the_production_server_allows_what_the_local_one_does(service: str) -> None:
    configuration = (ROOT / "deploy" / "nats" / "nats.conf").read_text()
    section = configuration.split(f"user: {service},")[1].split("user:")[0]
    wanted = permissions(service)
    for subject in wanted["publish"]["allow"] + wanted["subscribe"]["allow"]:
        assert f'"{subject}"' in section


async def test_a_service_tells_its_own_words_and_its_listener_reads_them(server: NatsServer) -> None:
    teller, listener = await server.connect("events"), await server.connect("matching")
    await teller.jetstream(timeout=LONG_ENOUGH).publish("events.registration.updated.v1", b"{}")
    consumer = await listener.jetstream(timeout=LONG_ENOUGH).pull_subscribe_bind("matching", stream="EVENTS")
    (message,) = await consumer.fetch(1, timeout=LONG_ENOUGH)
    await message.ack_sync(timeout=LONG_ENOUGH)
    assert (await consumer.consumer_info()).num_ack_pending == 0
    await teller.close()
    await listener.close()


async def test_a_service_may_not_tell_the_words_of_another(server: NatsServer) -> None:
    client = await server.connect("matching")
    with pytest.raises((NatsTimeout, NoStreamResponseError)):
        await client.jetstream(timeout=0.5).publish("events.registration.updated.v1", b"{}")
    await client.close()


async def test_a_service_may_neither_read_for_another_nor_remove_a_stream(server: NatsServer) -> None:
    client = await server.connect("events")
    jetstream = client.jetstream(timeout=0.5)
    with pytest.raises(TimeoutError):
        await jetstream.consumer_info("EVENTS", "notify")
    with pytest.raises(TimeoutError):
        await jetstream.delete_stream("EVENTS")
    await client.close()
