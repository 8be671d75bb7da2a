"""What the embedded stack consists of: ports, addresses, commands, and what each process is told."""

import json
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.data_folder import SERVICES, DataFolder
from deploy.local.nats import PROVISIONER

ROOT = Path(__file__).resolve().parents[2]
FIRST_PORT = 8001
# Connections are kept for longer than proxies keep them idle, so that it is never we who end one they are about to use.
SERVER_OPTIONS = (
    *("--timeout-graceful-shutdown", "5"),
    *("--timeout-keep-alive", "75"),
    *("--no-server-header", "--no-access-log"),
)
MAIL_FROM = "Videnbro <videnbro@example.org>"


@dataclass(frozen=True)
class Stack:
    """Port -1 of nats and 0 of smtp mean a free one; `database_prefix` is an URL up to the service's name."""

    folder: DataFolder
    ports: dict[str, int] = field(default_factory=lambda: ports_from(FIRST_PORT))
    nats_port: int = -1
    smtp_port: int = 0
    database_prefix: str | None = None
    application: str = "services.{service}.app:create_app"
    migrate: tuple[str, ...] | None = None
    provision: tuple[str, ...] | None = None

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def migration_arguments(self) -> tuple[str, ...]:
        if self.migrate is not None:
            return self.migrate
        prefix = ("--database-prefix", self.database_prefix) if self.database_prefix else ()
        return ("-m", "deploy.local.migrate", "--data", str(self.folder.path), *prefix)

    def provision_arguments(self) -> tuple[str, ...]:
        return self.provision or ("-m", "deploy.local.provision", "--data", str(self.folder.path))

    def service_command(self, service: str) -> list[str]:
        """As production starts it."""
        options = ["--host", "127.0.0.1", "--port", str(self.ports[service])]
        application = self.application.format(service=service)
        return python("-m", "uvicorn", "--factory", application, *options, *SERVER_OPTIONS)

    def environment(self, who: str, nats_url: str, smtp_port: int) -> dict[str, str]:
        """For a service or for provisioning. Secrets are files in a folder that is its own."""
        told = {
            "VIDENBRO_MODE": "development",
            "VIDENBRO_NATS_URL": nats_url,
            "VIDENBRO_NATS_USER": who,
            "VIDENBRO_SECRETS_DIR": str(self.folder.secrets_of(who)),
            "VIDENBRO_PUBLIC_URLS": json.dumps({service: self.url(service) for service in SERVICES}),
            "VIDENBRO_LOG_FORMAT": "console",
        }
        if who != PROVISIONER:
            told["VIDENBRO_DATABASE_URL"] = self.folder.database_url(who, self.database_prefix)
        if who == "notify":
            told |= {"VIDENBRO_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}", "VIDENBRO_MAIL_FROM": MAIL_FROM}
        return told

    def taken_ports(self) -> list[str]:
        """A sentence for each chosen port that somebody else listens on."""
        chosen = {**self.ports, "nats": self.nats_port, "smtp": self.smtp_port}
        return [
            f"port {port} for {name} is taken; choose another with --{name}-port"
            + (", or all three with --base-port" if name in SERVICES else "")
            for name, port in chosen.items()
            if port > 0 and is_taken(port)
        ]


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def ports_from(first: int) -> dict[str, int]:
    return {service: first + offset for offset, service in enumerate(SERVICES)}


def is_taken(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
