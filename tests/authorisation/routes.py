"""Every route a service has, whether its document names it or not."""

from collections.abc import Iterable, Iterator
from importlib import import_module

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from shared.settings import ServiceName
from tests.support.services import settings_for


def application(service: ServiceName) -> FastAPI:
    """The service as built, not started; it opens no database."""
    settings = import_module(f"services.{service}.settings").Settings
    app: FastAPI = import_module(f"services.{service}.app").create_app(
        settings_for(settings, service, "sqlite+aiosqlite://")
    )
    return app


def served(app: FastAPI) -> set[str]:
    """As `GET /v1/events/{event}`. HEAD goes with GET."""
    return {
        f"{method} {path.replace(':path}', '}')}"
        for path, route in _walk(app.routes)
        for method in (route.methods or {"ANY"}) - {"HEAD"}
    }


def documented(app: FastAPI) -> set[str]:
    paths = app.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}


def _walk(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, Route]]:
    """FastAPI nests included routers: each knows its own routes and the context it was included with."""
    for route in routes:
        if isinstance(route, Route):
            yield prefix + route.path, route
        else:
            included, context = getattr(route, "original_router", None), getattr(route, "include_context", None)
            assert included is not None, f"a kind of route that the table does not know: {route!r}"
            assert context is not None
            yield from _walk(included.routes, prefix + context.prefix)
