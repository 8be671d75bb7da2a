"""`python3 dev.py soak`: the embedded stack under mixed load, for twenty minutes. Prints a line each minute.

Exits with 0 only if nothing died, nothing was lost or answered wrongly, and the log holds no error.
"""

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.soak.soak import soak

MOST_SHOWN = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 dev.py soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--rate", type=float, default=4.0, help="actions a second (default: 4)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="videnbro-soak-") as folder:
        asked = (arguments.minutes, arguments.rate, arguments.seed)
        wrong = asyncio.run(soak(Path(folder), *asked, partial(print, flush=True)))
    print(*(wrong[:MOST_SHOWN] or ["nothing dead, nothing lost, no error"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
