"""A real nats-server for a test, with the users and permissions of the embedded stack."""

import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client

from deploy.local.nats import (
    PROVISIONER,
    STREAM_BYTES,
    address_of,
    configuration,
    inbox_prefix,
    server_command,
    write_configuration,
)
from deploy.local.processes import dies_with
from shared.messaging.bus import stream_of
from shared.messaging.provision import provision
from shared.messaging.topology import LISTENERS

STARTS_WITHIN_SECONDS = 60.0
ANSWERS_WITHIN_SECONDS = 60.0


class NatsServer:
    """Chooses its port at the first start and keeps it, so that clients find it again after a kill.

    Start it from a thread that lives as long as it is wanted: the server dies with that thread.
    """

    def __init__(self, folder: Path, **more: object) -> None:
        """`more` is added to the configuration, or stands instead of what is there."""
        self.folder, self._more = folder, more
        self.passwords = {who: secrets.token_urlsafe(16) for who in (*LISTENERS, PROVISIONER)}
        self.port = -1
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def environment(self, who: str) -> dict[str, str]:
        """The settings by which `who`, a service or the provisioner, finds this server."""
        named = {"URL": self.url, "USER": who, "PASSWORD": self.passwords[who]}
        return {f"VIDENBRO_NATS_{name}": value for name, value in named.items()}

    def start(self) -> None:
        write_configuration(
            self.folder / "server.conf",
            {**configuration(self.folder / "store", self.passwords, self.port), **self._more},
        )
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                server_command(self.folder / "server.conf", self.folder),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),
            )
        self.port = self._listening_port(self.process)

    def _listening_port(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if (address := address_of(self.folder, process.pid)) is not None:
                return urlsplit(address).port or -1
            time.sleep(0.01)
        raise RuntimeError("nats-server did not start:\n" + (self.folder / "server.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    async def connect(self, who: str) -> Client:
        """A client that is `who`, with all its permissions and no more."""
        return await nats.connect(
            self.url,
            user=who,
            password=self.passwords[who],
            inbox_prefix=inbox_prefix(who).encode(),
        )

    async def provision(self) -> None:
        client = await self.connect(PROVISIONER)
        try:
            await provision(client.jetstream(timeout=ANSWERS_WITHIN_SECONDS), max_bytes=STREAM_BYTES)
        finally:
            await client.close()

    async def empty(self) -> None:
        """Forget all messages; streams and consumers stay, and numbers go on."""
        client = await self.connect(PROVISIONER)
        try:
            for service in LISTENERS:
                await client.jetstream(timeout=ANSWERS_WITHIN_SECONDS).purge_stream(stream_of(service))
        finally:
            await client.close()


@contextlib.contextmanager
def running_nats() -> Iterator[NatsServer]:
    """A server in a folder of its own, started, and gone afterwards with all it kept."""
    with tempfile.TemporaryDirectory(prefix="videnbro-nats-") as folder:
        server = NatsServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
