"""The same clothes for every service: `create_service` is all that the three `app.py` call."""

import asyncio
import contextlib
import fcntl
import functools
import gc
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, TypeVar
from uuid import uuid4

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import problems
from shared.auth import ActsFor, Links, tokens_of
from shared.database import Database, is_away, is_passing
from shared.documents import complete_document
from shared.messaging.bus import Bus, Relay
from shared.messaging.cleaning import Cleaner
from shared.messaging.listener import Listener
from shared.messaging.outbox import write_outbox
from shared.messaging.subscriptions import Subscriptions
from shared.operations import operations
from shared.problems import (
    BodyTooLarge,
    Invalid,
    MalformedBody,
    NotFound,
    Problem,
    Unavailable,
    documented,
)
from shared.settings import ServiceName, ServiceSettings
from shared.telemetry import (
    Figures,
    Origin,
    configure_logging,
    get_logger,
    readable_request_id,
    readable_traceparent,
    set_origin,
)

log = get_logger()

MIB = 1024 * 1024
LARGEST_BODY = MIB
IDLE_POLL = 2.0
CANCEL_AGAIN = 0.5
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due: `run` does a piece and says whether more waits. Called at every wake-up and every `poll` s."""

    name: str
    run: Callable[[FastAPI], Awaitable[bool]]
    poll: float = IDLE_POLL


def create_service(
    name: ServiceName,
    settings: ServiceSettings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    pages: Sequence[APIRouter] = (),
    subscriptions: Subscriptions | None = None,
    jobs: Sequence[Job] = (),
    acts_for: ActsFor | None = None,
    started: Callable[[FastAPI], Awaitable[None]] | None = None,
    stopped: Callable[[FastAPI], Awaitable[None]] | None = None,
) -> FastAPI:
    """An application with database, bus, relay, listeners and jobs; `started` adds a service's own to `app.state`."""
    configure_logging(name, settings.log_level, settings.log_format)
    subscriptions = subscriptions or Subscriptions(name)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as open_things:
            open_things.enter_context(_only_process(settings))
            open_things.push_async_callback(app.state.database.close)
            open_things.push_async_callback(app.state.bus.close)
            if started is not None:
                await started(app)
            if stopped is not None:
                open_things.push_async_callback(stopped, app)
            open_things.push_async_callback(_stop_tasks, _start_tasks(app, subscriptions, jobs))
            open_things.callback(app.state.stopping.set)
            open_things.enter_context(_told_of_signals(app.state.stopping))
            _leave_out_of_collections()
            yield

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        openapi_url=f"/openapi/{name}.json",
        docs_url=f"/docs/{name}",
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        responses=documented(MalformedBody, BodyTooLarge, Invalid),
    )
    _fill_state(app, name, settings, subscriptions)
    app.state.acts_for = acts_for
    for router in routers:
        app.include_router(router)
    for router in pages:
        app.include_router(router, include_in_schema=False)
    app.include_router(operations, include_in_schema=False)
    _render_problems(app)
    complete_document(app)
    app.add_middleware(Edge, name=name)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "X-Request-ID", "Idempotency-Replayed"],
        )
    return app


@contextlib.contextmanager
def _told_of_signals(stopping: asyncio.Event) -> Iterator[None]:
    """Sets `stopping` when the server is told to stop, not when it has: it waits for open streams before our end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), {each: signal.getsignal(each) for each in _STOPS}

    def hear(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    handled = [each for each, handler in before.items() if callable(handler)]
    for each in handled:
        signal.signal(each, hear)
    try:
        yield
    finally:
        for each in handled:
            if signal.getsignal(each) is hear:
                signal.signal(each, before[each])


@functools.cache
def _leave_out_of_collections() -> None:
    """What start-up made lives as long as the process; not looking at it cut the 99th percentile by a third."""
    gc.collect()
    gc.freeze()


def _fill_state(app: FastAPI, name: ServiceName, settings: ServiceSettings, subscriptions: Subscriptions) -> None:
    state = app.state
    state.name, state.settings, state.subscriptions = name, settings, subscriptions
    state.database = Database(settings.database_url, connections=settings.database_connections)
    state.links = Links(settings.link_secret.get_secret_value())
    state.tokens = tokens_of(settings)
    state.figures = Figures()
    state.bus = Bus(settings, name)
    state.stopping = asyncio.Event()
    state.database.before_commit.append(write_outbox)
    state.database.after_commit.append(state.bus.poke)


def _operation_id(route: APIRoute) -> str:
    return route.name


def _render_problems(app: FastAPI) -> None:
    app.add_exception_handler(Problem, problems.render_problem)
    app.add_exception_handler(RequestValidationError, problems.render_validation)
    app.add_exception_handler(HTTPException, problems.render_http)
    app.add_exception_handler(DBAPIError, _render_database_error)
    app.add_exception_handler(OSError, _render_database_error)
    app.add_exception_handler(PoolTimeout, _render_database_error)


async def _render_database_error(request: Request, error: Exception) -> Response:
    if is_away(error) or is_passing(error):
        log.warning("database away or busy", path=request.url.path, error=type(error).__name__)
        return Unavailable().response()
    log.exception("database error", path=request.url.path, exc_info=error)
    return Problem().response()


def _start_tasks(app: FastAPI, subscriptions: Subscriptions, jobs: Sequence[Job]) -> list[asyncio.Task[None]]:
    state = app.state
    relay = Relay(state.database, state.bus, state.figures)
    listeners = [
        Listener(stream, subscriptions, state.database, state.bus, state.figures) for stream in subscriptions.streams
    ]
    return [
        asyncio.create_task(state.bus.keep(), name="bus"),
        asyncio.create_task(relay.run(), name="relay"),
        asyncio.create_task(Cleaner(state.database).run(), name="cleaner"),
        *(asyncio.create_task(listener.run(), name=listener.stream) for listener in listeners),
        *(asyncio.create_task(_work(app, job), name=job.name) for job in jobs),
    ]


async def _stop_tasks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels until all have ended: libraries lose a cancellation now and then (`wait_for` before Python 3.12)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN)
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            log.error("a task had failed", error=f"{type(outcome).__name__}: {outcome}")


async def _work(app: FastAPI, job: Job) -> None:
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


@contextlib.contextmanager
def _only_process(settings: ServiceSettings) -> Any:
    """On SQLite a service is one process: the lock is also the relay's."""
    path = make_url(settings.database_url).database if settings.is_sqlite else None
    if not path or path == ":memory:":
        yield
        return
    lock_path = Path(f"{path}.lock")
    lock: IO[str]
    with lock_path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                f"Another process already serves {path}. On SQLite a service is one process;"
                " give each its own file, or use PostgreSQL for replicas."
            ) from None
        yield


class Edge:
    """The outermost layer: request id, trace, size of bodies, time to answer, headers of safety."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app, self._name = app, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key: value.decode("latin-1") for key, value in scope["headers"] if key in _WANTED}
        origin = Origin(
            readable_request_id(headers.get(b"x-request-id")) or uuid4().hex,
            readable_traceparent(headers.get(b"traceparent")),
        )
        set_origin(origin)
        started = time.perf_counter()
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_answer_headers(origin, scope["path"])]
            await send(message)

        try:
            if (problem := _wrong_address(scope)) is not None:
                await problem.response()(scope, receive, answer)
            else:
                await self._app(scope, _bounded(scope, receive, headers.get(b"content-length")), answer)
        except ClientDisconnect:
            log.debug("caller left before its request was whole", path=scope["path"])
        except Exception as fault:
            # Here and not by the framework's outermost layer, so that this answer has its request id too.
            log.exception("unexpected fault", path=scope["path"], exc_info=fault)
            if status is not None:
                raise
            await Problem().response()(scope, receive, answer)
        finally:
            self._record(scope, status or 500, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        template = getattr(scope.get("route"), "path", "none")
        figures: Figures = scope["app"].state.figures
        figures.requests.labels(scope["method"], template, str(status)).observe(seconds)
        if template not in _QUIET:
            # The path without its query: a key stands there.
            log.debug(
                "answered",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
            )


_WANTED = frozenset((b"x-request-id", b"traceparent", b"content-length"))
_LARGEST = "largest_body"
_QUIET = frozenset(("/livez", "/readyz", "/metrics"))
_PAGE_POLICY = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:;"
    b" frame-ancestors 'none'; base-uri 'none'"
)


def _wrong_address(scope: Scope) -> Problem | None:
    """PostgreSQL fails on a NUL that it is asked for; nothing of ours has one, nor a control character in its path."""
    if not scope["path"].isprintable():
        return NotFound()
    if b"%00" in scope["query_string"]:
        return Invalid.field("?", "control characters are not allowed (found U+0000)")
    return None


def _answer_headers(origin: Origin, path: str) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-request-id", (origin.request_id or "").encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
    if origin.traceparent:
        headers.append((b"traceparent", origin.traceparent.encode()))
    if path.startswith(("/p/", "/t/")):
        headers.append((b"content-security-policy", _PAGE_POLICY))
    return headers


def takes_bodies_up_to(most: int) -> Callable[[Endpoint], Endpoint]:
    """Lets a route take more bytes than others. It asks who calls before it reads them."""

    def marked(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _LARGEST, most)
        return endpoint

    return marked


def _bounded(scope: Scope, receive: Receive, declared: str | None) -> Receive:
    """Refuses bodies over the limit: at once when declared, else as soon as too much has come."""
    length = int(declared) if declared is not None and declared.isdecimal() else 0
    received = 0

    async def bounded() -> Message:
        nonlocal received
        # At the first read, not before: only then is it known whose route it is.
        most: int = getattr(scope.get("endpoint"), _LARGEST, LARGEST_BODY)
        too_large = HTTPException(BodyTooLarge.status, f"At most {most // MIB} MiB can be sent here.")
        if length > most:
            raise too_large
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise too_large
        return message

    return bounded
