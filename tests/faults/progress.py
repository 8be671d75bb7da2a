"""How far the writers have come. Kills are aimed by it, so that a slow machine is not killed while it still starts."""

import asyncio


class Progress:
    """Counts what is done. Writers stop at the limit, where the next kill waits for its victim to be up."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self._begun, self._limit = 0, total
        self._changed = asyncio.Condition()

    async def may_go_on(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._begun < self._limit)
            self._begun += 1

    async def step(self) -> None:
        async with self._changed:
            self.done += 1
            self._changed.notify_all()

    async def limit(self, most: int) -> None:
        """No more than `most` may be begun until the limit is set again."""
        async with self._changed:
            self._limit = max(self._begun, min(most, self.total))
            self._changed.notify_all()

    async def reach(self, count: int) -> None:
        """Returns when so many are done, or all."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.done >= min(count, self.total))
