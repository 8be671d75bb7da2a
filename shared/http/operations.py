"""What an operator asks a service: is it alive, is it ready, its figures, its dead letters. Not for the proxy."""

from collections.abc import Awaitable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import select

from shared.http.callers import KnownCaller
from shared.http.lists import Limit, Page
from shared.http.running import Service
from shared.http.sessions import Reading, Transaction, service_of
from shared.messaging.bus import stream_of
from shared.messaging.subscriptions import dead_letter_count, describe, replay
from shared.messaging.tables import dead_letters
from shared.messaging.telling import Stored, Telling
from shared.migrations import head_of, revision_at
from shared.problems import NotFound, Problem

operations = APIRouter(tags=["operations"])


@operations.get("/livez", response_class=PlainTextResponse)
async def live() -> str:
    return "alive"


@operations.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    service = service_of(request)
    checks = {
        "database": await _outcome(_check_database(service)),
        "migrations": await _outcome(_check_migrations(service)),
        "bus": await _outcome(_check_bus(service)),
    }
    told = await _detail(service) if checks["migrations"] == "ok" else {"dead_letters": 0}
    detail = {**told, "stream": asdict(service.bus.stored) if service.bus.stored else None}
    ok = all(outcome == "ok" for outcome in checks.values())
    return JSONResponse({"status": "ready" if ok else "not ready", "checks": checks, **detail}, 200 if ok else 503)


async def _detail(service: Service) -> dict[str, Any]:
    """What an operator should see and no balancer: sign-ups are taken while nothing can be told."""
    async with service.database.reading() as session:
        telling = await Telling.read(session, service.bus.refusal)
        letters = await dead_letter_count(session)
    return {"dead_letters": letters, "telling": asdict(telling)}


async def _outcome(check: Awaitable[str]) -> str:
    try:
        return await check
    except Exception as failed:
        return f"{type(failed).__name__}: {failed}"[:200]


async def _check_database(service: Service) -> str:
    async with service.database.reading() as session:
        await (await session.connection()).execute(select(1))
    return "ok"


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
