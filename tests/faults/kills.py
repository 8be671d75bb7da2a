"""Killing by progress: which part dies after how many requests, and when it comes back."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.progress import Progress
from tests.faults.system import System

# How many requests writers may run ahead of a kill that waits for its victim.
AHEAD = 16
LONGEST_PAUSE = 1.0
WATCH = 0.2


@dataclass(frozen=True, slots=True)
class Kill:
    victim: str
    at: int
    pause: float


def plan_kills(victims: Sequence[str], total: int, dice: random.Random, *, at_once: bool) -> list[Kill]:
    """In this order, spread over `total` requests; each is down for up to a second, and then for its start.

    `at_once`: the first strikes before anything else is asked.
    """
    spread = [number + dice.uniform(0.2, 0.8) for number in range(len(victims))]
    if at_once and spread:
        spread[0] = 0.0
    return [
        Kill(victim, int(place * total / len(victims)), dice.uniform(0, LONGEST_PAUSE))
        for victim, place in zip(victims, spread, strict=True)
    ]


class Reaper:
    """Kills and starts again. What died by itself is started too, as a supervisor would, but counted: `fallen`."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.kills: Counter[str] = Counter()
        self.fallen: list[str] = []
        self._absences: dict[str, asyncio.Task[None]] = {}
        self._watch = asyncio.create_task(self._start_the_fallen())

    async def strike(self, kills: Sequence[Kill], progress: Progress) -> None:
        """In turn. One that comes back slowly may still be away when the next is killed."""
        for kill in kills:
            await progress.limit(kill.at + AHEAD)
            await progress.reach(kill.at)
            if self._is_away(kill.victim) or not await self._system.is_ready(kill.victim):
                await self._until_up(kill.victim)
                # Not while it starts, when it has nothing in hand yet.
                await progress.limit(progress.done + 2 * AHEAD)
                await progress.reach(progress.done + AHEAD)
            self._absences[kill.victim] = asyncio.create_task(self._kill(kill))
        await progress.limit(progress.total)

    async def all_up(self) -> None:
        for name in self._system.parts:
            await self._until_up(name)

    async def close(self) -> None:
        tasks = [self._watch, *self._absences.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _kill(self, kill: Kill) -> None:
        part = self._system.parts[kill.victim]
        await self._system.in_thread(part.kill)
        self.kills[kill.victim] += 1
        await asyncio.sleep(kill.pause)
        await self._system.in_thread(part.start)

    def _is_away(self, name: str) -> bool:
        return name in self._absences and not self._absences[name].done()

    async def _until_up(self, name: str) -> None:
        if name in self._absences:
            await self._absences[name]
        await self._system.until_ready(name)

    async def _start_the_fallen(self) -> None:
        while True:
            await asyncio.sleep(WATCH)
            for name, part in self._system.parts.items():
                if not self._is_away(name) and not part.runs():
                    self.fallen.append(name)
                    await self._system.in_thread(part.start)
