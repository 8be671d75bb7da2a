"""Work that a service does by itself when it is due."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI

from shared.telemetry import get_logger

log = get_logger()
IDLE_POLL = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due: `run` does a piece and says whether more waits. Called at every wake-up and every `poll` s."""

    name: str
    run: Callable[[FastAPI], Awaitable[bool]]
    poll: float = IDLE_POLL


async def work(app: FastAPI, job: Job) -> None:
    """Runs a job until cancelled; a piece that fails is logged, counted, and tried again at the next wake-up."""
    pulse, figures = app.state.bus.pulse, app.state.figures
    while True:
        seen = pulse.count
        try:
            while await job.run(app):
                figures.jobs.labels(job.name, "done").inc()
        except Exception as failed:
            figures.jobs.labels(job.name, "failed").inc()
            log.exception("job failed", job=job.name, exc_info=failed)
            await asyncio.sleep(1)
        await pulse.wait(seen, job.poll)
