"""The README's main job, run as it stands there: every `sh` block under the heading, in one shell, with what it prints.

python -m tests.journeys.readme --write      puts what was printed into the README
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import dies_with
from shared.settings import SERVICES
from tests.support.postgres import free_port

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
HEADING = "## The main job"
BASH = shutil.which("bash") or "/bin/bash"
_BLOCK = re.compile(r"```sh\n(?P<command>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)
_EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)
UP_WITHIN_SECONDS = 120.0
STOPS_WITHIN_SECONDS = 30.0

# What differs from run to run.
_CHANGING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"key=[\w-]{40,}"), "key=KEY"),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b\d{1,2}\. \w+ 20\d\d\b|\b\d{1,2} \w+ 20\d\d\b"), "DAY"),
    (re.compile(r'("reference": ")[2-9A-Z]{8}"'), r'\1REFERENCE"'),
    (re.compile(r"\b[A-Z2-7]{16}\b"), "CODE"),
    (re.compile(r"\d\.\d{3,}"), "NUMBER"),
)


@dataclass(frozen=True)
class Block:
    command: str
    shown: str


def blocks(text: str) -> list[Block]:
    section = text[text.index(HEADING) :]
    section = section[: section.find("\n## ", len(HEADING))]
    return [Block(found["command"], found["shown"] or "") for found in _BLOCK.finditer(section)]


def masked(text: str) -> str:
    for changing, name in _CHANGING:
        text = changing.sub(name, text)
    return text


@contextmanager
def stack(folder: Path) -> Iterator[dict[str, str]]:
    """`dev.py up --sample` on free ports; gives the variables it tells to export."""
    log = folder / "up.log"
    ports = [word for service in SERVICES for word in (f"--{service}-port", str(free_port()))]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "--sample", "--data", str(folder / "data"), *ports],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with(os.getpid()),
        )
    try:
        yield _exports(log, process) | {"DATA": str(folder / "data")}
    finally:
        _stop(process, log)


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        # What it started dies with it.
        process.kill()
        process.wait()
        raise AssertionError("the stack did not stop:\n" + log.read_text()[-4_000:]) from None


def _exports(log: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    deadline = time.monotonic() + UP_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = dict(_EXPORT.findall(log.read_text()))
        if "ORGANISATION" in found:
            return found
        time.sleep(0.1)
    raise AssertionError("the stack did not come up:\n" + log.read_text()[-4_000:])


def run(commands: list[Block], variables: dict[str, str], folder: Path) -> list[str]:
    """What each block prints, in one bash that stops at the first command that fails."""
    script = ["set -euo pipefail"]
    for number, block in enumerate(commands):
        script += [f"exec > {folder}/{number}.out 2> {folder}/{number}.err", block.command]
    environment = os.environ | variables | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run([BASH, "-c", "\n".join(script)], cwd=ROOT, env=environment, check=False, timeout=300)
    printed = [(folder / f"{number}.out") for number in range(len(commands))]
    if done.returncode:
        last = max(number for number, path in enumerate(printed) if path.exists())
        told = (folder / f"{last}.out").read_text() + (folder / f"{last}.err").read_text()
        raise AssertionError(f"block {last + 1} of the README failed:\n{commands[last].command}\n{told}")
    return [path.read_text() for path in printed]


def perform() -> tuple[list[Block], list[str]]:
    commands = blocks(README.read_text())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with stack(folder) as variables:
            return commands, run(commands, variables, folder)


def write(commands: list[Block], printed: list[str]) -> None:
    outputs = iter(printed)

    def filled(found: re.Match[str]) -> str:
        output = next(outputs)
        shown = f"\n```text\n{output}```\n" if output else ""
        return f"```sh\n{found['command']}```\n{shown}"

    text = README.read_text()
    start = text.index(HEADING)
    end = text.find("\n## ", start + len(HEADING))
    README.write_text(text[:start] + _BLOCK.sub(filled, text[start:end]) + text[end:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    performed, said = perform()
    if arguments.write:
        write(performed, said)
    else:
        print("\n".join(said))
