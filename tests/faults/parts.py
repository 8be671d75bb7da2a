"""The processes of the whole system as parts that can be killed, and started again at the same place."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.error import URLError
from urllib.request import urlopen

from deploy.local.processes import dies_with
from deploy.local.stack import ROOT
from tests.support.postgres import PostgresCluster

STOPS_WITHIN = 20.0


class Part(Protocol):
    """Something that may die. Calls block; a part dies with the thread that started it."""

    name: str

    def start(self) -> None: ...

    def kill(self) -> None:
        """SIGKILL: nothing is written, closed or said any more."""

    def stop(self) -> bool:
        """Asks it to end; whether it did so by itself."""

    def runs(self) -> bool: ...

    def is_ready(self) -> bool: ...

    def last_words(self) -> str: ...


class Program:
    """One process with a log of its own, dead when we are."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        ready: Callable[["Program"], bool],
    ) -> None:
        self.name, self.log = name, log
        self._command, self._environment, self._ready = command, environment, ready
        self._process: subprocess.Popen[bytes] | None = None
        self._log_began = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._log_began = log.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> bool:
        if self._process is None or not self.runs():
            return True
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_ready(self) -> bool:
        return self.runs() and self._ready(self)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def has_said(self, words: bytes) -> bool:
        """Since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            return words in log.read()


class Postmaster:
    """PostgreSQL. Its postmaster is killed; the backends notice and follow. The next start recovers from the log."""

    name = "postgres"

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster

    def start(self) -> None:
        self._cluster.start()

    def kill(self) -> None:
        self._cluster.kill()

    def stop(self) -> bool:
        self._cluster.stop()
        return True

    def runs(self) -> bool:
        process = self._cluster.process
        return process is not None and process.poll() is None

    def is_ready(self) -> bool:
        return self.runs()

    def last_words(self) -> str:
        return (self._cluster.folder / "server.log").read_text(errors="replace")[-2000:]


def listens_on(port: int) -> bool:
    with socket.socket() as trial:
        trial.settimeout(1)
        return trial.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 -- an address of ours, on loopback
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
