"""HEAD wherever there is a GET, and an `Allow` that names what the address takes (RFC 9110, 9.3.2 and 10.2.1)."""

from fastapi import Request
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def taken_at(request: Request) -> str:
    """The methods that the request's address takes, as `Allow` lists them."""
    routes = request.app.router.routes
    taken = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(["GET", "HEAD", *taken[1:]] if taken[:1] == ["GET"] else taken)


def as_head(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """A GET whose answer has no body: what would stream without end is left as soon as its headers are there."""
    begun = False

    async def read() -> Message:
        return {"type": "http.disconnect"} if begun else await receive()

    async def answer(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            begun = True
            await send(message)
        elif not message.get("more_body", False):
            await send({**message, "body": b""})

    return {**scope, "method": "GET"}, read, answer
