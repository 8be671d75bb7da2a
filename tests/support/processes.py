"""Whether a process is alive, and what it holds: memory in MiB and descriptors, by Linux' own account."""

import re
from pathlib import Path

MIB = 1024


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def pss(pid: int) -> float:
    """What is shared among processes is counted once."""
    return _mib(Path(f"/proc/{pid}/smaps_rollup").read_text(), "Pss")


def rss(pid: int) -> float:
    return _mib(Path(f"/proc/{pid}/status").read_text(), "VmRSS")


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _mib(text: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / MIB if found else 0.0
