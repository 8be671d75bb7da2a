"""The data folder of the embedded stack: what lies where in it, and the secrets made at the first start."""

import argparse
import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from deploy.local.nats import PROVISIONER
from shared.messaging.topology import LISTENERS

SERVICES: tuple[str, ...] = tuple(LISTENERS)
DEFAULT_DATA = Path(__file__).resolve().parents[2] / ".data"


class FolderInUse(Exception):
    """Another stack runs from the same data folder."""


@dataclass(frozen=True)
class DataFolder:
    path: Path

    @property
    def mail(self) -> Path:
        return self.path / "mail"

    @property
    def nats(self) -> Path:
        return self.path / "nats"

    def database(self, service: str) -> Path:
        return self.path / f"{service}.db"

    def database_url(self, service: str, prefix: str | None) -> str:
        """A SQLite file, unless `prefix` is an URL that the service's name completes."""
        return f"sqlite+aiosqlite:///{self.database(service)}" if prefix is None else prefix + service

    def secrets_of(self, who: str) -> Path:
        """The folder that `who` alone is given; its files are named after the settings."""
        return self.path / "secrets" / who

    def secret(self, who: str, name: str) -> str:
        return (self.secrets_of(who) / f"videnbro_{name}").read_text()

    def prepare(self) -> None:
        """Make folders and secrets that are not there yet; what is there stays."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.mail, self.nats):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not (self.path / "secrets" / "complete").exists():
            self._make_secrets()

    def _make_secrets(self) -> None:
        # Imported late: only the first start needs it.
        from shared.access.keys import new_key_pair
        from shared.access.links import share_of

        link_secret = secrets.token_urlsafe(32)
        private, public = new_key_pair()
        for who in (*SERVICES, PROVISIONER):
            self._write(who, "nats_password", secrets.token_urlsafe(24))
        for service in LISTENERS:
            self._write(service, "link_secret", share_of(link_secret, service))
            self._write(service, "jwt_public_key", public)
        self._write("matching", "jwt_private_key", private)
        (self.path / "secrets" / "complete").touch()

    def _write(self, who: str, name: str, value: str) -> None:
        folder = self.secrets_of(who)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"videnbro_{name}"
        path.touch(mode=0o600)
        path.write_text(value)

    def hold(self) -> TextIO:
        """Take the folder until the answer is closed; the lock falls with the process."""
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise FolderInUse(f"{self.path} is in use by process {lock.read().strip()}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def add_data_option(parser: argparse.ArgumentParser) -> None:
    where = "folder of databases, bus, mail and secrets (default: .data)"
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help=where)


def add_database_option(parser: argparse.ArgumentParser) -> None:
    instead = "instead of SQLite files: URL to which each service's name is added"
    parser.add_argument("--database-prefix", metavar="URL", help=instead)
