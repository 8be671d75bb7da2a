"""The outermost layer of a service: request id, trace, size of bodies, time to answer, headers of safety."""

import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.methods import as_head
from shared.http.rendering import answer_of
from shared.http.running import Service
from shared.problems import BodyTooLarge, Invalid, NotFound, Problem
from shared.telemetry import Origin, get_logger, readable_request_id, readable_traceparent, set_origin

log = get_logger()
MIB = 1024 * 1024
LARGEST_BODY = MIB
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


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
                if scope["app"].state.leaving:
                    # Else the next request on this connection may meet a door that has just been closed.
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            if (problem := _wrong_address(scope)) is not None:
                await answer_of(problem)(scope, receive, answer)
            else:
                asked = (scope, _bounded(scope, receive, headers.get(b"content-length")), answer)
                await self._app(*(as_head(*asked) if scope["method"] == "HEAD" else asked))
        except ClientDisconnect:
            log.debug("caller left before its request was whole", path=scope["path"])
        except Exception as fault:
            # Here and not by the framework's outermost layer, so that this answer has its request id too.
            log.exception("unexpected fault", path=scope["path"], exc_info=fault)
            if status is not None:
                raise
            await answer_of(Problem())(scope, receive, answer)
        finally:
            self._record(scope, status or 500, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        template = getattr(scope.get("route"), "path", "none")
        service: Service = scope["app"].state
        service.figures.requests.labels(scope["method"], template, str(status)).observe(seconds)
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
