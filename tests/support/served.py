"""A service as a real process on a port of its own, for what must be seen from outside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from deploy.local.processes import dies_with

ANSWERS_WITHIN_SECONDS = 60.0
STOPS_WITHIN_SECONDS = 30.0


@contextlib.contextmanager
def served(application: str, *options: str, **environment: str) -> Iterator[int]:
    """A uvicorn process of one worker, stopped when the block ends; gives its port."""
    with replica(application, *options, **environment) as running:
        yield running.port


@dataclass
class Replica:
    """A process that can be stopped, frozen and started again on its port."""

    port: int
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, env=self.environment, start_new_session=True, preexec_fn=dies_with(os.getpid())
        )
        _wait_until_answered(self.port, self.process)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        """As an operator does: it finishes what it answers."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the service did not stop") from None


@contextlib.contextmanager
def replica(application: str, *options: str, **environment: str) -> Iterator[Replica]:
    """The same, for who stops and starts it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    # Not by --fd: uvicorn takes such a socket for a UNIX one, TCP_NODELAY stays off, and every answer takes 40 ms.
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *options, "--no-access-log"]
    running = Replica(port, [*command, "--log-level", "warning"], os.environ | environment)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def _wait_until_answered(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/livez")
            return
        time.sleep(0.05)
    raise RuntimeError(f"the service does not answer on port {port} (exit code {process.poll()})")
