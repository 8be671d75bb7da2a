"""`dev.py up` with stand-ins for the services: real supervisor, nats-server, processes and ports."""

import gc
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

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
COLLECT = "--collect"


def collect_for_ever() -> None:
    """What nobody holds is gone at once, and not when some collection happens to come."""
    while True:
        gc.collect()
        time.sleep(0.02)


def main() -> int:
    own = {word for word in sys.argv[1:] if word in MIGRATIONS or word == COLLECT}
    if COLLECT in own:
        threading.Thread(target=collect_for_ever, daemon=True).start()
    failing = [("-c", MIGRATIONS[word]) for word in own if word in MIGRATIONS]
    migrate = failing[0] if failing else ("-c", NOTE, "migrated")
    arguments = read_arguments([word for word in sys.argv[1:] if word not in own])
    sys.path.insert(0, str(Path(__file__).parents[2]))
    stack = replace(
        stack_of(arguments),
        application="tests.deploy.fake_service:create_app",
        migrate=migrate,
        provision=("-c", NOTE, "provisioned"),
    )
    return run(stack, "-c", "print('welcome')")


if __name__ == "__main__":
    sys.exit(main())
