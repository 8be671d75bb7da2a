"""A child process that cannot outlive its parent, with its lines prefixed."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

GRACE_SECONDS = 8.0
LAST_LINE_SECONDS = 1.0
LONGEST_LINE = 2**20
COLOURS = {"nats": 35, "events": 32, "matching": 36, "notify": 33, "sample": 34}
PR_SET_PDEATHSIG = 1

Worth = Callable[[str], bool]


class Child:
    """One process in a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone.

    Whoever starts one holds it: the event loop holds tasks and readers weakly.
    """

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, lines: asyncio.StreamReader, worth: Worth = bool
    ) -> None:
        """Of its lines those that are `worth` it are shown."""
        self.name, self.pid = name, process.pid
        self._lines, self._worth = lines, worth
        self._code = asyncio.create_task(process.wait())
        self._echo = asyncio.create_task(self._print_lines())

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], environment: Mapping[str, str], worth: Worth = bool
    ) -> "Child":
        read_end, write_end = os.pipe()
        # Not asyncio's own pipe: with that, the exit code comes when the last who holds it has ended, not the child.
        lines = await _reader_of(read_end)
        with os.fdopen(write_end, "wb") as theirs:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),
            )
        return cls(name, process, lines, worth)

    async def ended(self) -> int:
        """Wait for the end and for its last line, but not for what it may have left behind."""
        code = await asyncio.shield(self._code)
        await asyncio.wait({self._echo}, timeout=LAST_LINE_SECONDS)
        return code

    async def stop(self) -> None:
        """Ask, wait for a while, then kill."""
        self.send(signal.SIGTERM)
        done, _ = await asyncio.wait({self._code}, timeout=GRACE_SECONDS)
        if not done:
            say(f"{self.name} did not stop within {GRACE_SECONDS:.0f} seconds and is killed")
            self.send(signal.SIGKILL)
        await self.ended()

    def send(self, number: signal.Signals) -> None:
        if not self._code.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _print_lines(self) -> None:
        while True:
            try:
                line = await self._lines.readline()
            except ValueError:
                line = f"(a line of more than {LONGEST_LINE} characters is left out)\n".encode()
            if not line:
                return
            words = line.decode(errors="replace").rstrip()
            if not self.name or self._worth(words):
                say(words, self.name)


def dies_with(parent: int, number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """For the child, between fork and exec: get `number` when `parent` ends, even if that is killed.

    The parent may have ended before the kernel was asked, hence the look afterwards.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def bind() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:
                os._exit(1)

    return bind


async def _reader_of(read_end: int) -> asyncio.StreamReader:
    lines = asyncio.StreamReader(limit=LONGEST_LINE)
    protocol = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(read_end, "rb"))
    return lines


def say(words: str, who: str = "videnbro") -> None:
    """One line, or several, with the prefix of `who`; without a prefix when `who` is empty."""
    prefix = f"{who:<9} | " if who else ""
    if prefix and sys.stdout.isatty():
        prefix = f"\x1b[{COLOURS.get(who, 1)}m{prefix}\x1b[0m"
    print(*(prefix + line for line in words.splitlines() or [""]), sep="\n", flush=True)
