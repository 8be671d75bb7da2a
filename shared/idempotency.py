"""Idempotency-Key: the first answer again, for whoever asks the same twice.

After draft-ietf-httpapi-idempotency-key-header-07. The answer is kept in the transaction of the work it answers; only
successes are kept. A second caller with a running key waits (the unique row on PostgreSQL, the write turn on SQLite).
"""

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, tuple_, update
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.access.links import Links
from shared.database import insert_for
from shared.messaging.tables import answers
from shared.problems import Problem

# Longer answers are kept packed; bodies and answers this long are not worked on in the event loop.
LONG = 64 * 1024


class KeyReused(Problem):
    status, slug, title = 422, "idempotency-key-reused", "This Idempotency-Key came before with another body"


@dataclass(frozen=True, slots=True)
class Repeatable:
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


async def recall(
    session: AsyncSession, links: Links, asked: Sequence[Repeatable]
) -> dict[tuple[str, str], Kept | KeyReused]:
    """Claims each key, and answers what is kept for those that came before. Keys must be distinct."""
    if not asked:
        return {}
    connection = await session.connection()
    now = datetime.now(UTC)
    # In one order everywhere, so that two processes cannot wait for each other.
    rows = [
        {"scope": repeatable.scope, "key": repeatable.key, "fingerprint": repeatable.fingerprint, "asked_at": now}
        for repeatable in sorted(asked, key=lambda repeatable: repeatable.place)
    ]
    statement = insert_for(connection)(answers).on_conflict_do_nothing().returning(answers.c.scope, answers.c.key)
    fresh = {(scope, key) for scope, key in (await connection.execute(statement, rows)).all()}
    seen = [repeatable for repeatable in asked if repeatable.place not in fresh]
    if not seen:
        return {}
    found = await connection.execute(
        select(answers).where(tuple_(answers.c.scope, answers.c.key).in_([repeatable.place for repeatable in seen]))
    )
    kept = {(row.scope, row.key): row for row in found.all()}
    return {repeatable.place: _answer_for(links, repeatable, kept[repeatable.place]) for repeatable in seen}


def _answer_for(links: Links, repeatable: Repeatable, row: Any) -> Kept | KeyReused:
    if row.fingerprint != repeatable.fingerprint:
        return KeyReused("Use a new key for a new request, or send the first body again.")
    return Kept(row.status, links.with_proofs(_unpacked(row.body)))


async def _packed(body: bytes) -> bytes:
    return body if len(body) < LONG else await asyncio.to_thread(zlib.compress, body, 1)


def _unpacked(body: bytes) -> bytes:
    # What zlib packs begins with an x, which no JSON does.
    return zlib.decompress(body) if body[:1] == b"x" else body


async def remember(session: AsyncSession, links: Links, given: Sequence[tuple[Repeatable, Kept | None]]) -> None:
    """Keeps the answers with the work they answer, without what would open a link; None (a refusal) frees the key."""
    connection = await session.connection()
    for repeatable, kept in given:
        place = (answers.c.scope == repeatable.scope) & (answers.c.key == repeatable.key)
        if kept is None:
            await connection.execute(delete(answers).where(place))
        else:
            body = await _packed(links.without_proofs(kept.body))
            await connection.execute(update(answers).where(place).values(status=kept.status, body=body))
