"""Building an index beside the answers: few profiles in a worker thread, many in a process of its own.

A thread would share one interpreter with the answers, which then take several times as long. The profiles go to the
other process and the index comes back in files without a name, so nothing is left behind whoever dies.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from services.matching.similarity import Index, Unreadable, unpack

MANY = 2_000  # profiles; fewer are counted sooner than another process has loaded what it needs
LONGEST = 900  # seconds; a million profiles take half of it
NICENESS = 10
ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "services.matching.index.building")


class NotBuilt(Exception):
    """The other process failed, was killed or took too long."""


async def build(packed: Sequence[bytes]) -> Index:
    """An index of these profiles, ready to answer. Raises NotBuilt, after which there is nothing to clear away."""
    if len(packed) < MANY:
        return await asyncio.to_thread(counted, packed)
    try:
        with TemporaryFile() as profiles, TemporaryFile() as built:
            await asyncio.to_thread(_write, profiles, packed)
            await _run(profiles, built)
            return await asyncio.to_thread(_read, built)
    except (OSError, Unreadable) as failed:
        raise NotBuilt(f"{type(failed).__name__}: {failed}") from failed


def counted(packed: Sequence[bytes]) -> Index:
    """Built by this thread."""
    return Index.build(map(unpack, packed))


def _write(profiles: IO[bytes], packed: Sequence[bytes]) -> None:
    profiles.writelines(line + b"\n" for line in packed)
    profiles.seek(0)


async def _run(profiles: IO[bytes], built: IO[bytes]) -> None:
    """Whatever ends this, a stop of the service too, ends the other process."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=profiles, stdout=built, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        async with asyncio.timeout(LONGEST):
            _, said = await child.communicate()
    except TimeoutError:
        raise NotBuilt(f"not within {LONGEST} seconds") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise NotBuilt(f"exit code {child.returncode}: {said.decode(errors='replace')[-500:]}")


def _read(built: IO[bytes]) -> Index:
    built.seek(0)
    index, _ = Index.load(built)
    # What is computed once for all questions is computed by this one, not by the first that somebody waits for.
    index.suggest(next(index.profile_ids()))
    return index


def main() -> None:
    """Profiles on stdin, the index on stdout."""
    signal.alarm(LONGEST)  # for the case that nobody is left to end it
    os.nice(NICENESS)
    Index.build(map(unpack, sys.stdin.buffer)).write(sys.stdout.buffer)


if __name__ == "__main__":
    main()
