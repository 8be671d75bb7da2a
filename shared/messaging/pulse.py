"""One wake-up for all who look at the database: relay, jobs and live streams."""

import asyncio
import contextlib


class Pulse:
    """Counts commits heard of. Waiting from a count seen earlier never sleeps through a later one."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def beat(self) -> None:
        self.count += 1
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seen: int, timeout: float) -> None:  # noqa: ASYNC109 -- polling is the safety net, not an error
        """Returns when the count has passed `seen`, or after `timeout` seconds."""
        if self.count != seen:
            return
        # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with the beat.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._event.wait()
