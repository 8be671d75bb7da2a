"""`dev.py up` with stand-ins for the services: real supervisor, nats-server, processes and ports."""

import sys
from dataclasses import replace
from pathlib import Path

from deploy.local.__main__ import read_arguments, run, stack_of

NOTE = "import os, sys; open(os.environ['FAKE_JOURNAL'], 'a').write(sys.argv[1] + '\\n')"
REFUSE = "import sys; print('no such table'); sys.exit(4)"


def main() -> int:
    words = sys.argv[1:]
    migrate = ("-c", REFUSE) if "--migration-fails" in words else ("-c", NOTE, "migrated")
    arguments = read_arguments([word for word in words if word != "--migration-fails"])
    sys.path.insert(0, str(Path(__file__).parents[2]))
    stack = replace(
        stack_of(arguments),
        application="tests.deploy.fake_service:create_app",
        preloaded=("uvicorn.main",),
        migrate=migrate,
        provision=("-c", NOTE, "provisioned"),
    )
    return run(stack, "-c", "print('welcome')")


if __name__ == "__main__":
    sys.exit(main())
