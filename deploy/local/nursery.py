"""Where services come from: one process imports what all of them need and forks each, so it is imported once.

Three services of their own would each spend two seconds and eighty megabytes on the same libraries. A fork is
still a process of its own, with its own memory, session, output and end.
"""

import asyncio
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from deploy.local.processes import LONGEST_LINE, Child, call_this_process, dies_with

LONGEST_REQUEST = 2**16


class Nursery:
    """The supervisor's side: asks for a service, and is told when one ended."""

    def __init__(self, process: Child, control: socket.socket) -> None:
        self.process = process
        self._control = control
        self._one_at_a_time = asyncio.Lock()
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._codes: dict[int, asyncio.Future[int]] = {}
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, preloaded: Sequence[str]) -> "Nursery":
        ours, theirs = socket.socketpair()
        with theirs:
            end = theirs.fileno()
            command = [sys.executable, "-m", "deploy.local.nursery", str(end), *preloaded]
            process = await Child.start("nursery", command, {}, pass_fds=[end])
        ours.setblocking(False)
        return cls(process, ours)

    async def fork(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """`python -m` with these arguments, in a fork of the nursery. Waits until that has imported its modules."""
        request = json.dumps({"name": name, "arguments": [*arguments], "environment": {**environment}}).encode()
        read_end, write_end = os.pipe()
        async with self._one_at_a_time:
            socket.send_fds(self._control, [request], [write_end])
            os.close(write_end)
            pid = await self._born.get()
        lines = asyncio.StreamReader(limit=LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(lines)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(read_end, "rb"))
        return Child(name, pid, lines, self._codes[pid])

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self._control)
        while line := await reader.readline():
            told = json.loads(line)
            if "code" in told:
                self._codes[told["pid"]].set_result(told["code"])
            else:
                self._codes[told["pid"]] = asyncio.get_running_loop().create_future()
                self._born.put_nowait(told["pid"])
        # The nursery is gone, and its services die with it.
        for code in self._codes.values():
            if not code.done():
                code.set_result(-signal.SIGKILL)
        writer.close()


def serve(control: socket.socket) -> tuple[dict[str, Any], int]:
    """The nursery's side: fork for every request, tell of every end. Returns, in a fork, what that is to become."""
    woken, wakes = socket.socketpair()
    for end in (woken, wakes):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            woken.recv(LONGEST_REQUEST)
            tell_ends(control)
        if control in ready:
            request, (output,), _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
            if fork_and_tell(control) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (control, woken, wakes):
                    each.close()
                return json.loads(request), output
            os.close(output)


def fork_and_tell(control: socket.socket) -> int:
    dies = dies_with(os.getpid())
    pid = os.fork()
    if pid == 0:
        os.setsid()
        dies()
    else:
        tell(control, pid=pid)
    return pid


def tell_ends(control: socket.socket) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            tell(control, pid=ended[0], code=os.waitstatus_to_exitcode(ended[1]))


def tell(control: socket.socket, **words: int) -> None:
    control.sendall(json.dumps(words).encode() + b"\n")


def become(request: Mapping[str, Any], output: int) -> None:
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    os.environ.update(request["environment"])
    call_this_process(request["name"])
    sys.argv = request["arguments"]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # What is frozen is never moved or looked through again, so its memory stays one for all forks.
    gc.collect()
    gc.freeze()
    become(*serve(control))


if __name__ == "__main__":
    main()
