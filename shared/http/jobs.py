"""Work that a service does by itself when it is due."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.http.running import Service
from shared.telemetry import get_logger

log = get_logger()
IDLE_POLL = 2.0
A_MINUTE = 60.0
Step = Callable[[AsyncSession], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due: `run` does a piece for the service and says whether more waits.

    Called at every wake-up and every `poll` seconds.
    """

    name: str
    run: Callable[[Any], Awaitable[bool]]
    poll: float = IDLE_POLL

    @classmethod
    def due(cls, name: str, waits: Step, work: Step) -> "Job":
        """Looks before it writes, once a minute: an empty transaction would wake all jobs again."""

        async def run(service: Service) -> bool:
            async with service.database.reading() as session:
                if not await waits(session):
                    return False
            async with service.database.transaction() as session:
                return await work(session)

        return cls(name, run, A_MINUTE)


async def work(service: Service, job: Job) -> None:
    """Runs a job until cancelled; a piece that fails is logged, counted, and tried again at the next wake-up."""
    pulse, figures = service.bus.pulse, service.figures
    while True:
        seen = pulse.count
        try:
            while await job.run(service):
                figures.jobs.labels(job.name, "done").inc()
        except Exception as failed:
            figures.jobs.labels(job.name, "failed").inc()
            log.exception("job failed", job=job.name, exc_info=failed)
            await asyncio.sleep(1)
        await pulse.wait(seen, job.poll)
