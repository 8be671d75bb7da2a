"""The smallest thing the supervisor runs as a service: it is ready, and notes when it comes and goes."""

import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
JOURNAL = Path(os.environ["FAKE_JOURNAL"])
# Lines; more than all pipes up to the terminal hold.
CHATTER = 100_000
NAME = os.environ["VIDENBRO_NATS_USER"]


def note(what: str) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(f"{NAME} {what}\n")


def create_app() -> Application:
    return answer


async def answer(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    if scope["path"] == "/crash":
        os._exit(3)
    if scope["path"] == "/deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if scope["path"] == "/chatter":
        print("\n".join(["chatter"] * CHATTER), flush=True)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ready"})


async def live(
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    await receive()
    note("started")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    note("stopped")
    await send({"type": "lifespan.shutdown.complete"})
