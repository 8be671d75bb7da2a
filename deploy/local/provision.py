"""Makes the streams and consumers of the embedded stack, unless this very provisioning made them already."""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.data_folder import DataFolder, add_data_option
from deploy.local.nats import STREAM_BYTES
from deploy.local.processes import dies_with

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ("--max-bytes", str(STREAM_BYTES))


def fingerprint() -> str:
    code = [(ROOT / "shared" / "messaging" / name).read_bytes() for name in ("provision.py", "topology.py")]
    return hashlib.sha256(b"\0".join([*code, repr(ARGUMENTS).encode()])).hexdigest()


def main() -> int:
    """Importing all that provisioning needs takes more than a second, which a second start can spare.

    The mark lies in the store, so it goes when the streams go; `/readyz` asks the bus itself anyway.
    """
    parser = argparse.ArgumentParser(prog="provision", description=__doc__)
    add_data_option(parser)
    mark = DataFolder(parser.parse_args().data.resolve()).nats / "store" / "provisioned"
    if mark.exists() and mark.read_text() == fingerprint():
        return 0
    command = [sys.executable, "-m", "shared.messaging.provision", *ARGUMENTS]
    code = subprocess.run(command, preexec_fn=dies_with(os.getpid())).returncode
    if code == 0:
        mark.write_text(fingerprint())
    return code


if __name__ == "__main__":
    sys.exit(main())
