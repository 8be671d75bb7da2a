"""A bus of three servers, named by a list: whichever is away, nothing waits for it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial

import pytest
from nats.js.errors import APIError

from deploy.local.nats import PROVISIONER
from shared.settings import ServiceSettings
from tests.messaging.tiny import listening, noted, organisation, telling, told
from tests.support.nats import NatsServer, running_nats
from tests.support.nats_cluster import NatsCluster, running_cluster
from tests.support.services import LONG_ENOUGH, Client, eventually, running, settings_for

pytestmark = pytest.mark.faults


@pytest.fixture
async def cluster() -> AsyncIterator[NatsCluster]:
    with running_cluster() as cluster:

        async def provisioned() -> bool:
            try:
                await cluster.provision()
            except (APIError, TimeoutError):
                # Until the three have found each other and a leader.
                return False
            return True

        await eventually(provisioned)
        yield cluster


async def noted_all(listener: Client, names: list[str]) -> bool:
    return sorted(await noted(listener.app)) == sorted(names)


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_each_server_may_be_away_and_all_is_heard_meanwhile(
    cluster: NatsCluster, told_url: str, heard_url: str
) -> None:
    names: list[str] = []
    heard = partial(running, listening, settings_for(ServiceSettings, "notify", heard_url, cluster))
    async with (
        running(telling, settings_for(ServiceSettings, "matching", told_url, cluster)) as teller,
        heard() as listener,
    ):
        for number, node in enumerate(cluster.nodes):
            node.kill()
            more = [f"without {number}: {each}" for each in range(20)]
            names += more
            await told(teller.app, *(organisation(name) for name in more))
            await eventually(partial(noted_all, listener, names), within=2 * LONG_ENOUGH)
            await eventually(partial(whole, teller, 2))
            node.start()
            await eventually(partial(whole, teller, 3))


async def whole(teller: Client, replicas: int) -> bool:
    stream = (await teller.get("/readyz")).json()["stream"]
    return bool(stream and (stream["replicas"], stream["replicas_set"]) == (replicas, 3))


def provisioning(server: NatsServer, replicas: str) -> "subprocess.CompletedProcess[str]":
    told = {**os.environ, **server.environment(PROVISIONER), "VIDENBRO_STREAM_REPLICAS": replicas}
    command = [sys.executable, "-m", "shared.messaging.provision", "--max-bytes", "1000000"]
    return subprocess.run(command, env=told, capture_output=True, text=True)


def test_more_replicas_than_there_are_servers_are_refused() -> None:
    with running_nats() as server:
        refused = provisioning(server, "3")
        assert refused.returncode == 1
        assert "provision: streams of 3 replicas are refused: replicas > 1 not supported" in refused.stderr
        assert provisioning(server, "1").returncode == 0
