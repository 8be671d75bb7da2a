"""Idempotency-Key over HTTP: a route whose POSTs may be repeated."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import undo
from shared.http.callers import links_of
from shared.idempotency import LONG, Kept, KeyReused, Repeatable, recall, remember
from shared.messaging.tables import LONGEST_KEY
from shared.problems import Invalid, Problem

# As much as 128 random bits need in base64; a UUID has more.
SHORTEST_PUBLIC_KEY = 22
# What a caller is answered who is not let in, or no longer.
_NOT_LET_IN = (401, 403, 404, 410)


def read_key(request: Request, *, public: bool) -> str | None:
    """The caller's key, if one was sent. Raises Invalid for one too short to be nobody else's."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    shortest = SHORTEST_PUBLIC_KEY if public else 1
    if not shortest <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid.field("header:Idempotency-Key", f"must be {shortest} to {LONGEST_KEY} printable characters")
    return key


def repeatable_of(request: Request, body: bytes) -> Repeatable | None:
    """Scoped to the caller: who it is, or for anybody the path alone."""
    credentials = request.headers.get("Authorization") or request.query_params.get("key")
    key = read_key(request, public=not credentials)
    if key is None:
        return None
    whose = hashlib.sha256(credentials.encode()).hexdigest()[:32] if credentials else "public"
    scope = f"{whose} {request.method} {request.url.path}"
    if len(scope) > 200 or not scope.isprintable():
        scope = hashlib.sha256(scope.encode()).hexdigest()
    return Repeatable(scope, key, hashlib.sha256(body).digest())


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=LONGEST_KEY,
        description="Sent again with the same body, the first answer comes again",
    ),
]


def _replayed(kept: Kept) -> Response:
    return Response(kept.body, kept.status, {"Idempotency-Replayed": "true"}, media_type="application/json")


class OnceRoute(APIRoute):
    """A route whose POSTs may be repeated by key; the answer is kept in the request's own transaction.

    What came before is done again and undone: whoever would be let in no more does not get the kept answer either.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            repeatable = repeatable_of(request, b"") if request.method == "POST" else None
            if repeatable is None:
                return await handle(request)
            asked = _Asked(request, repeatable)
            request.state.before_transaction = asked.read_body
            request.state.first_in_transaction = asked.recall
            try:
                response = await handle(request)
            except Exception as refusal:
                if asked.before is None or (isinstance(refusal, Problem) and refusal.status in _NOT_LET_IN):
                    if isinstance(refusal, Problem) and refusal.keeps:
                        await remember(request.state.session, links_of(request), [(asked.repeatable, None)])
                    raise
                return _replayed(asked.before)
            if asked.before is not None:
                return _replayed(asked.before)
            session = getattr(request.state, "session", None)
            if session is not None:
                well = response.status_code < 400
                kept = Kept(response.status_code, bytes(response.body)) if well else None
                await remember(session, links_of(request), [(asked.repeatable, kept)])
            return response

        return once


class _Asked:
    """One request that came with a key."""

    def __init__(self, request: Request, repeatable: Repeatable) -> None:
        self._request, self.repeatable = request, repeatable
        self.before: Kept | None = None

    async def read_body(self) -> None:
        """Whole before the transaction begins, so that a slow sender holds up nobody; and after who calls is known."""
        body = await self._request.body()
        digest = hashlib.sha256(body) if len(body) < LONG else await asyncio.to_thread(hashlib.sha256, body)
        self.repeatable = replace(self.repeatable, fingerprint=digest.digest())

    async def recall(self, session: AsyncSession) -> None:
        match (await recall(session, links_of(self._request), [self.repeatable])).get(self.repeatable.place):
            case Kept() as kept:
                self.before = kept
                undo(session)
            case KeyReused() as reused:
                raise reused
