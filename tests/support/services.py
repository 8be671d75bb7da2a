"""A service under test in this process: its settings, its lifespan, and a client that speaks to it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute

from shared.settings import ServiceName, ServiceSettings
from tests.support.callers import LINK_SECRET, PRIVATE_KEY, PUBLIC_KEY
from tests.support.nats import NatsServer
from tests.support.nats_cluster import NatsCluster

Settings = TypeVar("Settings", bound=ServiceSettings)
Found = TypeVar("Found")
_routes: dict[Callable[..., FastAPI], list[BaseRoute]] = {}
# Nobody listens there: the service goes on trying, and what it tells waits in its outbox.
NO_BUS = "nats://127.0.0.1:1"
# For what must happen, on a machine that is busy with something else. Nothing waits so long where all is well.
LONG_ENOUGH = 60.0


def settings_for(
    kind: type[Settings],
    service: ServiceName,
    database_url: str,
    bus: NatsServer | NatsCluster | None = None,
    **changes: Any,
) -> Settings:
    """Settings of `kind` as the service gets them in a test; without `bus` it is alone."""
    told: dict[str, Any] = {
        "database_url": database_url,
        "nats_url": NO_BUS if bus is None else bus.url,
        "link_secret": LINK_SECRET,
        "jwt_public_key": PUBLIC_KEY,
        "jwt_private_key": PRIVATE_KEY if service == "matching" else None,
        "log_level": "error" if bus is None else "warning",
        "log_format": "console",
    }
    if bus is not None:
        told |= {"nats_user": service, "nats_password": bus.passwords[service]}
    return kind(**{**told, **changes})


class Client(httpx.AsyncClient):
    """Speaks to an application in this process; a fault is answered with 500, as a server would."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://test", timeout=30
        )
        self.app = app


@contextlib.asynccontextmanager
async def running(create_app: Callable[[Settings], FastAPI], settings: Settings) -> AsyncIterator[Client]:
    """The service, started; stopped as Ctrl-C would when the block ends."""
    app = create_app(settings)
    _share_routes(create_app, app)
    async with app.router.lifespan_context(app), Client(app) as client:
        yield client


def _share_routes(create_app: Callable[..., FastAPI], app: FastAPI) -> None:
    """Gives a service the routes of the first of its kind: they hold no settings, and making them took longer than
    most tests, since the framework reads each route's signature again for each application."""
    if getattr(create_app, "__name__", "") == "create_app":
        app.router.routes = _routes.setdefault(create_app, app.router.routes)


async def eventually(look: Callable[[], Awaitable[Found]], within: float = LONG_ENOUGH) -> Found:
    """What `look` answers, as soon as it is something; an assertion it raises counts as nothing yet."""
    deadline = time.monotonic() + within
    while True:
        try:
            if found := await look():
                return found
            problem: AssertionError | None = None
        except AssertionError as not_yet:
            problem = not_yet
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s") from problem
        await asyncio.sleep(0.01)


async def a_moment(seconds: float = 0.2) -> None:
    """In which something would happen if it did, or may happen; what must happen is waited for by `eventually`."""
    await asyncio.sleep(seconds)
