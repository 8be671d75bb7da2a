"""How small it is: memory of each process and of the embedded stack, and the time until it is ready.

    python3 dev.py bench footprint [--from-nothing]

Memory is PSS (what is shared among processes is counted once), after the sample was loaded. `--from-nothing` also
clones this commit into an empty folder and times its first `dev.py up`, virtual environment included.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.journeys.readme import ROOT, stack
from tests.support.postgres import free_port
from tests.support.processes import pss, rss


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found] + [each for child in found for each in children_of(int(child))]


def name_of(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    named = re.search(r"services\.(\w+)|deploy\.local\.?(\w*)|(nats-server)", " ".join(command))
    return next((part for part in named.groups() if part), "supervisor") if named else command[0]


def memory() -> None:
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        with stack(Path(name)):
            print(f"first start in this environment, sample loaded: {time.perf_counter() - started:.1f} s")
            time.sleep(3)
            supervisor = next(pid for pid in children_of(_self()) if "deploy.local" in _command(pid))
            processes = [supervisor, *children_of(supervisor)]
            for pid in processes:
                print(f"  {name_of(pid):12} {pss(pid):6.1f} MiB PSS   {rss(pid):6.1f} MiB RSS")
            print(
                f"  {'together':12} {sum(map(pss, processes)):6.1f} MiB PSS   {sum(map(rss, processes)):6.1f} MiB RSS"
            )


def _self() -> int:
    return int(Path("/proc/self").resolve().name)


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def until_up(folder: Path) -> float:
    """Seconds from the command to the words that it is up; stopped again."""
    ports = ["--base-port", str(free_port())]
    started = time.perf_counter()
    command = [sys.executable, "dev.py", "up", *ports]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if "Videnbro is up" in line:
                break
        else:
            sys.exit("".join(said[-20:]))
        seconds = time.perf_counter() - started
        process.terminate()
    return seconds


def from_nothing() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        subprocess.run([shutil.which("git") or "git", "clone", "-q", str(ROOT), str(folder)], check=True)
        print(f"from nothing to up: {until_up(folder):.1f} s")
        print(f"and again: {until_up(folder):.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from-nothing", action="store_true")
    arguments = parser.parse_args()
    memory()
    if arguments.from_nothing:
        from_nothing()
