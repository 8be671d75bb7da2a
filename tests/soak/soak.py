"""The embedded stack under mixed load for some minutes, and what must hold at the end."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.data_folder import SERVICES, DataFolder
from tests.deploy.stack_process import StackProcess
from tests.faults.records import read_records
from tests.faults.verdict import faults_without_witness
from tests.faults.writers import Taken
from tests.soak.load import Load
from tests.soak.minutes import Minute, errors_in, head, line
from tests.support.processes import is_alive

MINUTE = 60.0
SETTLED_WITHIN = 180.0
LOOK = 2.0
Say = Callable[[str], None]


async def soak(folder: Path, minutes: int, rate: float, seed: int, say: Say) -> list[str]:
    """Everything that is wrong, in words. The stack has ended when this returns."""
    stack = StackProcess(folder, "deploy.local", "--sample")
    try:
        await asyncio.to_thread(stack.until_said, "export ORGANISATION=")
        wrong = await _load_and_judge(stack, minutes, rate, seed, say)
        stack.process.terminate()
        code = await asyncio.to_thread(stack.ended)
        wrong += [f"the stack ended with {code}"] if code else []
    finally:
        stack.process.kill()
        stack.process.wait()
    return wrong + errors_in(stack.said)


async def _load_and_judge(stack: StackProcess, minutes: int, rate: float, seed: int, say: Say) -> list[str]:
    load = Load(stack, rate, seed)
    try:
        await load.prepare()
        async with asyncio.TaskGroup() as group:
            loading = group.create_task(load.run(time.monotonic() + minutes * MINUTE))
            if dead := await _watch(stack, load, minutes, say):
                loading.cancel()
                return dead
        say(load.summary())
        return [*load.wrong(), *await _unsettled(stack, load.writers.taken), *_dead(stack)]
    finally:
        await load.close()


async def _watch(stack: StackProcess, load: Load, minutes: int, say: Say) -> list[str]:
    """Who was found dead, which ends it."""
    say(head())
    for number in range(1, minutes + 1):
        await asyncio.sleep(MINUTE)
        if dead := _dead(stack):
            return dead
        minute, load.minute = load.minute, Minute()
        say(line(number, minute, stack.processes, len(errors_in(stack.said))))
    return []


def _dead(stack: StackProcess) -> list[str]:
    return [f"{name} is dead" for name, pid in stack.processes.items() if not is_alive(pid)]


async def _unsettled(stack: StackProcess, taken: list[Taken]) -> list[str]:
    """What is not as it must be once messages and mails under way have arrived."""
    folder = DataFolder(stack.data)
    urls = {service: folder.database_url(service, None) for service in SERVICES}
    deadline = time.monotonic() + SETTLED_WITHIN
    while True:
        faults = faults_without_witness(await read_records(urls, folder.mail), taken)
        if not faults or time.monotonic() > deadline:
            return [f"{kind}: {words}" for kind, words in faults]
        await asyncio.sleep(LOOK)
