"""What an operator asks a service: is it alive, is it ready, its figures, its dead letters. Not for the proxy."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import delete, insert, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.http.callers import KnownCaller
from shared.http.lists import Limit, Page
from shared.http.running import Service
from shared.http.sessions import Reading, Transaction, service_of
from shared.messaging.bus import stream_of
from shared.messaging.subscriptions import dead_letter_count, describe, replay
from shared.messaging.tables import dead_letters, failures
from shared.messaging.telling import Stored, Telling
from shared.migrations import head_of, revision_at
from shared.problems import NotFound, Problem

operations = APIRouter(tags=["operations"])

Outcome = TypeVar("Outcome")
# A connection that hangs takes two more to be given up; whoever asks waits five or so.
LOOKED_WITHIN = 2.0
NOTHING_KNOWN: dict[str, Any] = {"dead_letters": None, "telling": None}


@operations.get("/livez", response_class=PlainTextResponse)
async def live() -> str:
    return "alive"


@operations.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """Answers within its bound, whatever hangs. What waits or died is named, and no reason to send people elsewhere."""
    service = service_of(request)
    database, migrations, bus = await asyncio.gather(
        _outcome(_check_database(service)), _outcome(_check_migrations(service)), _outcome(_check_bus(service))
    )
    checks = {"database": database, "migrations": migrations, "bus": bus}
    if service.leaving:
        checks["service"] = "stopping"
    ok = all(outcome == "ok" for outcome in checks.values())
    waiting = await _outcome(_what_waits(service)) if database == "ok" else NOTHING_KNOWN
    stream = asdict(service.bus.stored) if service.bus.stored else None
    facts = {**(waiting if isinstance(waiting, dict) else NOTHING_KNOWN), "stream": stream}
    return JSONResponse({"status": "ready" if ok else "not ready", "checks": checks, **facts}, 200 if ok else 503)


async def _outcome(check: Awaitable[Outcome]) -> Outcome | str:
    try:
        async with asyncio.timeout(LOOKED_WITHIN):
            return await check
    except TimeoutError:
        return f"no answer within {LOOKED_WITHIN:.0f} s"
    except Exception as failed:
        return f"{type(failed).__name__}: {failed}"[:200]


async def _check_database(service: Service) -> str:
    """Whether it is read; and written, when that failed the last time."""
    async with service.database.reading() as session:
        await (await session.connection()).execute(select(1))
    if service.database.trouble is not None:
        async with service.database.transaction(quiet=True) as session:
            await _try_to_write(session)
    return "ok"


async def _try_to_write(session: AsyncSession) -> None:
    """A row that nobody sees: taken back before the commit, which has to reach the disk all the same."""
    connection = await session.connection()
    row = {"stream": "-", "stream_seq": 0, "attempts": 0, "last_error": "", "failed_at": datetime.now(UTC)}
    await connection.execute(insert(failures).values(**row))
    await connection.execute(delete(failures).filter_by(stream="-"))


async def _what_waits(service: Service) -> dict[str, Any]:
    """What an operator should see and no balancer: sign-ups are taken while nothing can be told."""
    async with service.database.reading() as session:
        telling = await Telling.read(session, service.bus.refusal)
        letters = await dead_letter_count(session)
    return {"dead_letters": letters, "telling": asdict(telling)}


async def _check_migrations(service: Service) -> str:
    async with service.database.reading() as session:
        there, wanted = await revision_at(session), head_of(service.name)
    return "ok" if there == wanted else f"at {there}, needs {wanted}: run `dev.py migrate`"


async def _check_bus(service: Service) -> str:
    """Looks at stream and consumers: a ping is answered also when a consumer is gone."""
    bus = service.bus
    if not bus.connected:
        return "not connected"
    bus.stored = Stored.of(await bus.jetstream.stream_info(stream_of(bus.service)))
    service.figures.stream_filled.set(bus.stored.filled)
    service.figures.replicas_missing.set(bus.stored.replicas_set - bus.stored.replicas)
    for stream in service.subscriptions.streams:
        info = await bus.jetstream.consumer_info(stream, bus.service)
        service.figures.consumer_lag.labels(stream).set(info.num_pending or 0)
    return "ok"


@operations.get("/metrics")
async def figures(request: Request, session: Reading) -> Response:
    service = service_of(request)
    telling = await Telling.read(session, service.bus.refusal)
    service.figures.outbox_waiting.set(telling.waiting)
    service.figures.outbox_age.set(telling.oldest_seconds)
    service.figures.refused.set(telling.refusal is not None)
    service.figures.database_trouble.set(service.database.trouble is not None)
    service.figures.dead_letters.set(await dead_letter_count(session))
    return Response(generate_latest(service.figures.registry), media_type=CONTENT_TYPE_LATEST)


class DeadLetter(BaseModel):
    stream: str
    stream_seq: int
    type: str
    last_error: str
    died_at: datetime
    envelope: str


@operations.get("/ops/dead-letters")
async def list_dead_letters(caller: KnownCaller, session: Reading, limit: Limit = 20) -> Page[DeadLetter]:
    caller.require(caller.is_admin)
    rows = await (await session.connection()).execute(
        select(dead_letters).order_by(dead_letters.c.stream, dead_letters.c.stream_seq).limit(limit)
    )
    return Page(items=[DeadLetter.model_validate(dict(row._mapping)) for row in rows])


class StillFailing(Problem):
    status, slug, title = 409, "still-failing", "It was tried again and failed again"


@operations.post("/ops/dead-letters/{stream}/{stream_seq}/replay")
async def replay_dead_letter(
    stream: Annotated[str, Path(pattern="^[A-Z]{1,40}$")],
    stream_seq: Annotated[int, Path(ge=1, lt=2**63)],
    request: Request,
    caller: KnownCaller,
    session: Transaction,
) -> dict[str, Any]:
    """Handles it now; if the handler fails again, the letter stays and the error is told."""
    caller.require(caller.is_admin)
    try:
        found = await replay(session, service_of(request).subscriptions, stream, stream_seq)
    except Exception as failed:
        raise StillFailing(describe(failed)) from failed
    if not found:
        raise NotFound("There is no dead letter at that place.")
    return {"stream": stream, "stream_seq": stream_seq, "status": "handled"}
