"""The inbox live, as server-sent events. A stream holds no session between its looks."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import anyio
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.contacts import contact_of
from services.notify.inbox import Follower, count_unread
from services.notify.letters.addresses import Addresses
from services.notify.routes.inbox import OWN, TheAddresses, view
from services.notify.service import notify_of
from services.notify.tables import Contact
from shared.access.caller import Caller
from shared.http.callers import KnownCaller
from shared.http.running import Service
from shared.problems import Problem

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])

# Under load every commit beats the pulse; one look for several beats is enough.
BETWEEN_LOOKS = 0.2
# So often a silent stream says that it lives, and the key is read again: it may be over, or revoked.
SIGN_OF_LIFE = 15.0
RETRY_MS = 2_000


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


@router.get(
    "/stream",
    response_class=EventStream,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "Events `unread` (data: {`unread`}) and `notification` (data: a notification; id: its id)",
        },
        **OWN,
    },
)
async def follow_inbox(
    request: Request,
    caller: KnownCaller,
    addresses: TheAddresses,
    last_event_id: Annotated[str | None, Header(description="The id of the last notification seen")] = None,
) -> EventStream:
    """New notifications as they come; after `Last-Event-ID`, those missed too. One just seen may come twice.

    A browser sends that header by itself, whatever it holds: what names no notification of this inbox counts as none.
    """
    stream = _Stream(notify_of(request), addresses, _Credentials.of(request))
    await stream.start(caller, _id_in(last_event_id))
    return EventStream(stream.lines(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def _id_in(header: str | None) -> UUID | None:
    try:
        return UUID(header or "")
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What the caller showed, to be read again: then it is refused if it is over meanwhile."""

    bearer: str | None
    key: str | None

    @classmethod
    def of(cls, request: Request) -> "_Credentials":
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return cls(token if scheme.lower() == "bearer" else None, request.query_params.get("key"))

    def read(self, service: Service) -> Caller:
        if self.bearer is not None:
            return service.tokens.read(self.bearer)
        return Caller(link=service.links.read(self.key or ""))


class _Stream:
    """One follower of one inbox. Whoever has no inbox yet gets one with the first letter to that address."""

    def __init__(self, service: Service, addresses: Addresses, credentials: _Credentials) -> None:
        self._service, self._addresses, self._credentials = service, addresses, credentials
        self._contact: Contact | None = None
        self._follower: Follower | None = None
        self._unread = -1

    async def start(self, caller: Caller, last_seen: UUID | None) -> None:
        """Refuses before the answer begins, while a status can still say why."""
        async with self._service.database.reading() as session:
            await self._find(session, caller, last_seen)

    async def lines(self) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        stopping, pulse = self._service.stopping, self._service.bus.pulse
        checked_at = time.monotonic()
        while not stopping.is_set():
            seen = pulse.count
            if time.monotonic() - checked_at >= SIGN_OF_LIFE:
                checked_at = time.monotonic()
                yield b": here\n\n"
                if not await self._still_allowed():
                    return
            for line in await self._look():
                yield line
            if self._follower is not None and self._follower.is_behind:
                continue
            await _until(stopping, asyncio.sleep(BETWEEN_LOOKS))
            await _until(stopping, pulse.wait(seen, SIGN_OF_LIFE))

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncSession]:
        """Whole even if the reader leaves meanwhile: a session that is cancelled leaves its connection to nobody."""
        with anyio.CancelScope(shield=True):
            async with self._service.database.reading() as session:
                yield session

    async def _find(self, session: AsyncSession, caller: Caller, last_seen: UUID | None) -> None:
        self._contact = await contact_of(session, caller)
        if self._contact is not None:
            self._follower = await Follower.after(session, self._contact.id, last_seen)

    async def _still_allowed(self) -> bool:
        """Whether the key or token still opens this inbox; looks for an inbox that was not there yet."""
        try:
            caller = self._credentials.read(self._service)
            async with self._reading() as session:
                if self._contact is None:
                    await self._find(session, caller, None)
                else:
                    await contact_of(session, caller)
        except Problem:
            return False
        return True

    async def _look(self) -> list[bytes]:
        if self._contact is None or self._follower is None:
            return []
        async with self._reading() as session:
            rows = await self._follower.look(session)
            unread = await count_unread(session, self._contact)
        lines = [_event("notification", view(row, self._addresses).model_dump_json(), row[0].id) for row in rows]
        if unread != self._unread:
            self._unread = unread
            lines.append(_event("unread", f'{{"unread":{unread}}}'))
        return lines


def _event(name: str, data: str, identity: UUID | None = None) -> bytes:
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\ndata: {data}\n\n".encode()


async def _until(stopping: asyncio.Event, waiting: Coroutine[None, None, None]) -> None:
    """Waits for either."""
    tasks = (asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(waiting))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
