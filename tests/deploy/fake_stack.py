"""`dev.py up` with stand-ins for the services: real supervisor, nats-server, processes and ports."""

import argparse
import gc
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from deploy.local import processes, supervisor
from deploy.local.__main__ import read_arguments, run, stack_of

NOTE = "import os, sys; open(os.environ['FAKE_JOURNAL'], 'a').write(sys.argv[1] + '\\n')"
REFUSE = "import sys; print('no such table'); sys.exit(4)"
LEAVE_ONE_BEHIND = """
import os, subprocess, sys
left = subprocess.Popen(['sleep', '600'])
open(os.environ['FAKE_JOURNAL'], 'a').write(f'{left.pid}\\n')
sys.exit(4)
"""
MIGRATIONS = {"--migration-fails": REFUSE, "--migration-leaves-one-behind": LEAVE_ONE_BEHIND}


def read_own(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """What only this stack understands, and the rest."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--grace", type=float, default=processes.GRACE_SECONDS)
    parser.add_argument("--last", type=int, default=supervisor.LAST_SECONDS)
    for option, script in MIGRATIONS.items():
        parser.add_argument(option, dest="migrate", action="store_const", const=("-c", script))
    parser.set_defaults(migrate=("-c", NOTE, "migrated"))
    return parser.parse_known_args(words)


def collect_for_ever() -> None:
    """What nobody holds is gone at once, and not when some collection happens to come."""
    while True:
        gc.collect()
        time.sleep(0.02)


def main() -> int:
    own, words = read_own(sys.argv[1:])
    processes.GRACE_SECONDS, supervisor.LAST_SECONDS = own.grace, own.last
    if own.collect:
        threading.Thread(target=collect_for_ever, daemon=True).start()
    sys.path.insert(0, str(Path(__file__).parents[2]))
    stack = replace(
        stack_of(read_arguments(words)),
        application="tests.deploy.fake_service:create_app",
        migrate=own.migrate,
        provision=("-c", NOTE, "provisioned"),
    )
    return run(stack, "-c", "print('welcome')")


if __name__ == "__main__":
    sys.exit(main())
