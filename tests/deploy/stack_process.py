"""An embedded stack in a process of its own, as `dev.py up` runs it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from deploy.local.stack import ROOT
from tests.support.postgres import free_port

WITHIN_SECONDS = 180.0


class StackProcess:
    """One `up` in a process of its own, what it printed, and what its parts noted."""

    def __init__(self, folder: Path, module: str, *words: str, stdout: IO[bytes] | None = None) -> None:
        self.data = folder / "data"
        self.journal = folder / "journal"
        self.output = folder / "output"
        self.ports = {service: free_port() for service in ("events", "matching", "notify")}
        chosen = [part for service, port in self.ports.items() for part in (f"--{service}-port", str(port))]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "--data", self.data, *chosen, *words],
                cwd=ROOT,
                env={**os.environ, "FAKE_JOURNAL": str(self.journal), "PYTHONPATH": str(ROOT)},
                stdout=stdout or output,
                stderr=stdout or output,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def addresses(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        return found

    @property
    def processes(self) -> dict[str, int]:
        found: dict[str, int] = self.addresses["processes"]
        return found

    @property
    def exported(self) -> dict[str, str]:
        """What it says to export, with the sample."""
        return dict(re.findall(r"^export (\w+)=(\S+)$", self.said, re.MULTILINE))

    def notes(self) -> list[str]:
        return self.journal.read_text().splitlines()

    def until_said(self, words: str) -> "StackProcess":
        wait_until(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said, self.said
        return self

    def ended(self) -> int:
        return self.process.wait(WITHIN_SECONDS)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
