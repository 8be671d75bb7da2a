"""What a process holds of the machine's memory, by Linux' own account, in MiB."""

import re
from pathlib import Path

MIB = 1024


def pss(pid: int) -> float:
    """What is shared among processes is counted once."""
    return _mib(Path(f"/proc/{pid}/smaps_rollup").read_text(), "Pss")


def rss(pid: int) -> float:
    return _mib(Path(f"/proc/{pid}/status").read_text(), "VmRSS")


def _mib(text: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / MIB if found else 0.0
