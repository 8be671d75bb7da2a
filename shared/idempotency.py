"""Idempotency-Key: the first answer again, for whoever asks the same twice.

After draft-ietf-httpapi-idempotency-key-header-07. The answer is kept in the transaction of the work it answers; only
successes are kept. A second caller with a running key waits (the unique row on PostgreSQL, the write turn on SQLite).
"""

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Column, Integer, LargeBinary, String, Table, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from shared.messaging.tables import messaging
from shared.problems import Invalid, Problem

SHORTEST_PUBLIC_KEY, LONGEST_KEY = 16, 200
# Longer answers are kept packed; bodies and answers this long are not worked on in the event loop.
LONG = 64 * 1024

answers = Table(
    "idempotency",
    messaging,
    Column("scope", String(200), primary_key=True),
    Column("key", String(LONGEST_KEY), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("asked_at", UTCDateTime, nullable=False, index=True),
)


class KeyReused(Problem):
    status, slug, title = 422, "idempotency-key-reused", "This Idempotency-Key came before with another body"


@dataclass(frozen=True, slots=True)
class Claim:
    """One request as it may be repeated: whose, which key, and what was asked (SHA-256)."""

    scope: str
    key: str
    fingerprint: bytes

    @property
    def place(self) -> tuple[str, str]:
        return (self.scope, self.key)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given."""

    status: int
    body: bytes

    def response(self) -> Response:
        return Response(self.body, self.status, {"Idempotency-Replayed": "true"}, media_type="application/json")


async def recall(session: AsyncSession, claims: Sequence[Claim]) -> dict[tuple[str, str], Kept | KeyReused]:
    """Claims each key, and answers what is kept for those that came before. Keys must be distinct."""
    if not claims:
        return {}
    connection = await session.connection()
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    now = datetime.now(UTC)
    # In one order everywhere, so that two processes cannot wait for each other.
    rows = [
        {"scope": claim.scope, "key": claim.key, "fingerprint": claim.fingerprint, "asked_at": now}
        for claim in sorted(claims, key=lambda claim: claim.place)
    ]
    statement = insert(answers).on_conflict_do_nothing().returning(answers.c.scope, answers.c.key)
    fresh = {(scope, key) for scope, key in (await connection.execute(statement, rows)).all()}
    seen = [claim for claim in claims if claim.place not in fresh]
    if not seen:
        return {}
    found = await connection.execute(
        select(answers).where(tuple_(answers.c.scope, answers.c.key).in_([claim.place for claim in seen]))
    )
    kept = {(row.scope, row.key): row for row in found.all()}
    return {claim.place: _answer_for(claim, kept[claim.place]) for claim in seen}


def _answer_for(claim: Claim, row: Any) -> Kept | KeyReused:
    if row.fingerprint != claim.fingerprint:
        return KeyReused("Use a new key for a new request, or send the first body again.")
    return Kept(row.status, _unpacked(row.body))


async def _packed(body: bytes) -> bytes:
    return body if len(body) < LONG else await asyncio.to_thread(zlib.compress, body, 1)


def _unpacked(body: bytes) -> bytes:
    # What zlib packs begins with an x, which no JSON does.
    return zlib.decompress(body) if body[:1] == b"x" else body


async def remember(session: AsyncSession, given: Sequence[tuple[Claim, Kept | None]]) -> None:
    """Keeps the answers with the work they answer; None (a refusal) frees the key again."""
    connection = await session.connection()
    for claim, kept in given:
        place = (answers.c.scope == claim.scope) & (answers.c.key == claim.key)
        if kept is None:
            await connection.execute(delete(answers).where(place))
        else:
            body = await _packed(kept.body)
            await connection.execute(update(answers).where(place).values(status=kept.status, body=body))


def read_key(request: Request, *, public: bool) -> str | None:
    """The caller's key, if one was sent. Raises Invalid for one too short to be nobody else's."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    shortest = SHORTEST_PUBLIC_KEY if public else 1
    if not shortest <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid.field("header:Idempotency-Key", f"must be {shortest} to {LONGEST_KEY} printable characters")
    return key


def claim_of(request: Request, body: bytes) -> Claim | None:
    """Scoped to the caller: who it is, or for anybody the path alone."""
    credentials = request.headers.get("Authorization") or request.query_params.get("key")
    key = read_key(request, public=credentials is None)
    if key is None:
        return None
    whose = hashlib.sha256(credentials.encode()).hexdigest()[:32] if credentials else "public"
    scope = f"{whose} {request.method} {request.url.path}"
    if len(scope) > 200 or not scope.isprintable():
        scope = hashlib.sha256(scope.encode()).hexdigest()
    return Claim(scope, key, hashlib.sha256(body).digest())


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=LONGEST_KEY,
        description="Sent again with the same body, the first answer comes again",
    ),
]


class _Replay(Exception):
    def __init__(self, kept: Kept) -> None:
        self.kept = kept


class OnceRoute(APIRoute):
    """A route whose POSTs may be repeated by key; the answer is kept in the request's own transaction."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            claim = claim_of(request, b"") if request.method == "POST" else None
            if claim is None:
                return await handle(request)
            asked = _Asked(request, claim)
            request.state.before_transaction = asked.read_body
            request.state.first_in_transaction = asked.recall
            try:
                response = await handle(request)
            except _Replay as replay:
                return replay.kept.response()
            session = getattr(request.state, "session", None)
            if session is not None:
                well = response.status_code < 400
                kept = Kept(response.status_code, bytes(response.body)) if well else None
                await remember(session, [(asked.claim, kept)])
            return response

        return once


class _Asked:
    """One request that came with a key."""

    def __init__(self, request: Request, claim: Claim) -> None:
        self._request, self.claim = request, claim

    async def read_body(self) -> None:
        """Whole before the transaction begins, so that a slow sender holds up nobody; and after who calls is known."""
        body = await self._request.body()
        digest = hashlib.sha256(body) if len(body) < LONG else await asyncio.to_thread(hashlib.sha256, body)
        self.claim = replace(self.claim, fingerprint=digest.digest())

    async def recall(self, session: AsyncSession) -> None:
        match (await recall(session, [self.claim])).get(self.claim.place):
            case Kept() as kept:
                raise _Replay(kept)
            case KeyReused() as reused:
                raise reused
