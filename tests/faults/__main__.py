"""The long fault run: `python3 dev.py faults`. Real services, killed under load, on both databases, with all controls.

Exits with 0 only if nothing was lost, doubled, oversold, overtaken, buried or stuck, and every control is convicted.
"""

import argparse
import asyncio
import itertools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import get_args

from tests.faults.controls import CONTROLS, run_control
from tests.faults.sabotage import LATE_ACKNOWLEDGEMENT, LATE_COMMIT
from tests.faults.spoiled import MADE_ANEW, PURGED
from tests.faults.system import Dialect
from tests.faults.table import table, victims
from tests.faults.trial import Outcome, Plan, run_trial

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
LISTENERS = ("notify", "matching", "witness")
SPOILT = (PURGED, MADE_ANEW)
# The streams are spoiled while listeners are away, or have just come back.
SPOILING = ("notify", PURGED, "matching", MADE_ANEW, "events", PURGED)
MOST_SHOWN = 20


class Run:
    """Its trials so far, and whether all ended as they must."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._asked, self._folder = arguments, folder
        self._numbers = itertools.count(1)
        self.rows: list[tuple[str, Outcome]] = []
        self.well = True

    async def on(self, dialect: Dialect) -> None:
        asked = self._asked
        plan = Plan(dialect, asked.registrations, asked.events, asked.kills, asked.seed)
        await self._try(dialect, plan)
        await self._try(f"{dialect}, {' and '.join(SPOILT)}", Plan(dialect, 120, 6, 6, asked.seed, victims=SPOILING))
        if asked.controls:
            # The same, with kills that are sure to fall before or after a listener's commit.
            for gap in (LATE_COMMIT, LATE_ACKNOWLEDGEMENT):
                await self._try(f"{dialect}, {gap}", Plan(dialect, 120, 6, 6, asked.seed, gap, LISTENERS))
            for control in CONTROLS:
                outcome = await run_control(control, dialect, self._new_folder, asked.seed)
                self._note(f"{dialect}, {control.sabotage}", outcome, control.convicts(outcome))

    async def _try(self, name: str, plan: Plan) -> None:
        outcome = await run_trial(plan, self._new_folder())
        self._note(name, outcome, not outcome.faults)

    def _new_folder(self) -> Path:
        return self._folder / str(next(self._numbers))

    def _note(self, name: str, outcome: Outcome, as_it_must: bool) -> None:
        self.well &= as_it_must
        self.rows.append((name, outcome))
        print(f"{name}: {'as it must be' if as_it_must else 'NOT AS IT MUST BE'}; {victims(outcome)}", flush=True)
        if not as_it_must:
            for kind, words in outcome.faults[:MOST_SHOWN]:
                print(f"  {kind}: {words}", flush=True)


async def run_all(run: Run, dialects: list[Dialect]) -> None:
    for dialect in dialects:
        await run.on(dialect)
    print(table(run.rows))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 dev.py faults", description=__doc__)
    parser.add_argument("--database", choices=DIALECTS, help="one of them alone (default: both)")
    parser.add_argument("--registrations", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--kills", type=int, default=30, help="for each database, beside those of the controls")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-controls", dest="controls", action="store_false")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave logs and SQLite files there")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="videnbro-faults-"))
    run = Run(arguments, folder.resolve())
    try:
        asyncio.run(run_all(run, [arguments.database] if arguments.database else list(DIALECTS)))
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if run.well else 1


if __name__ == "__main__":
    sys.exit(main())
