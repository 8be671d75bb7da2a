"""A cluster of three real nats-servers on loopback."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.local.nats import PROVISIONER, STREAM_BYTES
from shared.messaging.provision import provision
from tests.support.nats import NatsServer
from tests.support.postgres import free_port

SIZE = 3
# Without a leader a request is lost, and must be made again.
ASKED_AGAIN_AFTER = 5.0


class NatsCluster:
    """Named by the addresses of all its servers, with commas between them, as a service is told."""

    def __init__(self, folder: Path) -> None:
        routes = [free_port() for _ in range(SIZE)]
        self.nodes = [_node(folder, number, routes) for number in range(SIZE)]
        self.passwords = self.nodes[0].passwords
        for node in self.nodes:
            node.passwords = self.passwords

    @property
    def url(self) -> str:
        return ", ".join(node.url for node in self.nodes)

    async def provision(self) -> None:
        client = await self.nodes[0].connect(PROVISIONER)
        jetstream = client.jetstream(timeout=ASKED_AGAIN_AFTER)
        try:
            await provision(jetstream, replicas=SIZE, max_bytes=STREAM_BYTES // 8)
        finally:
            await client.close()


def _node(folder: Path, number: int, routes: list[int]) -> NatsServer:
    own = folder / str(number)
    own.mkdir()
    cluster = {
        "name": "videnbro",
        "listen": f"127.0.0.1:{routes[number]}",
        "routes": [f"nats-route://127.0.0.1:{port}" for port in routes],
        # Else clients learn the addresses of the servers from each other, and a list would prove nothing.
        "no_advertise": True,
    }
    node = NatsServer(own, server_name=f"node-{number}", cluster=cluster)
    node.port = free_port()
    return node


@contextlib.contextmanager
def running_cluster() -> Iterator[NatsCluster]:
    with tempfile.TemporaryDirectory(prefix="videnbro-cluster-") as folder:
        cluster = NatsCluster(Path(folder))
        try:
            for node in cluster.nodes:
                node.start()
            yield cluster
        finally:
            for node in cluster.nodes:
                node.stop()
