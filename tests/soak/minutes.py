"""A minute of a soak as a line: latency, and what each process holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.processes import descriptors, pss, rss

PARTS = ("events", "matching", "notify", "nats", "supervisor")
COLUMNS = (
    "minute", "requests", "median ms", "p99 ms", *(f"{part} PSS" for part in PARTS), "all PSS", "all RSS",
    *(f"{part} fds" for part in PARTS), "log errors",
)  # fmt: skip
_WRONG = re.compile(r"\[(?:error|critical) *\]|^Traceback|Task was destroyed|never retrieved", re.MULTILINE)


@dataclass(slots=True)
class Minute:
    """`seconds` that each request took to its answer."""

    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> str:
        """In milliseconds."""
        if not self.seconds:
            return "-"
        return f"{sorted(self.seconds)[min(int(len(self.seconds) * share), len(self.seconds) - 1)] * 1000:.0f}"


def errors_in(said: str) -> list[str]:
    """The lines that tell of something wrong."""
    return [said[found.start() :].partition("\n")[0] for found in _WRONG.finditer(_unprefixed(said))]


def _unprefixed(said: str) -> str:
    return re.sub(r"^\w+ +\| ", "", said, flags=re.MULTILINE)


def head() -> str:
    return f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def line(number: int, minute: Minute, processes: Mapping[str, int], errors: int) -> str:
    """All processes must be alive."""
    pids = [processes[part] for part in PARTS]
    held = [pss(pid) for pid in pids]
    together = (sum(held), sum(map(rss, pids)))
    cells = [number, len(minute.seconds), minute.quantile(0.5), minute.quantile(0.99)]
    cells += [f"{mib:.0f}" for mib in (*held, *together)]
    return f"| {' | '.join(map(str, [*cells, *map(descriptors, pids), errors]))} |"
