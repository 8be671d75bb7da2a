"""Telling: a message is a row first, written in the transaction it reports."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import bindparam, func, insert, select, text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.message import Contract, Message
from shared.database import mark, take_marked, uuid7
from shared.messaging.tables import outbox
from shared.telemetry import Origin, current_origin

_TOLD = "told messages"
# The server takes 1 MiB with headers. One that is larger would hold up all that is told after it.
LARGEST = 1_000_000
PART = LARGEST // 2
# So many rows are written at a time; more would hold the event loop for longer than other callers like.
PORTION = 500

Item = TypeVar("Item", bound=Contract)
_insert = insert(outbox)
_waiting = (
    select(outbox.c.seq, outbox.c.message_id, outbox.c.type, outbox.c.envelope, outbox.c.stream_seq)
    .where(outbox.c.published_at.is_(None))
    .order_by(outbox.c.seq)
    .limit(bindparam("most"))
)
_mark = {
    "sqlite": text(
        "UPDATE outbox SET published_at = :now, stream_seq = v.s FROM"
        " (SELECT value ->> 0 AS q, value ->> 1 AS s FROM json_each(:pairs)) AS v WHERE outbox.seq = v.q"
    ),
    "postgresql": text(
        "UPDATE outbox SET published_at = :now, stream_seq = v.s FROM"
        " (SELECT (value ->> 0)::bigint AS q, (value ->> 1)::bigint AS s"
        " FROM jsonb_array_elements(CAST(:pairs AS jsonb))) AS v WHERE outbox.seq = v.q"
    ),
}


def tell(session: AsyncSession, message: Message, origin: Origin | None = None) -> None:
    """Has `message` on the bus when, and only when, this transaction commits; a savepoint undone does not untell it."""
    mark(session, _TOLD, _row(message, origin or current_origin()))


def _row(message: Message, origin: Origin) -> dict[str, Any]:
    message_id, now = uuid7(), datetime.now(UTC)
    envelope = {
        "specversion": "1.0",
        "id": message_id,
        "source": f"/{message.type.split('.', 1)[0]}",
        "type": message.type,
        "subject": str(message.aggregate_id),
        "time": now,
        "datacontenttype": "application/json",
        "dataschema": f"/contracts/{message.type}",
        "aggregateversion": message.version,
        "data": orjson.Fragment(message.model_dump_json(exclude_none=True)),
    }
    if origin.request_id:
        envelope["correlationid"] = origin.request_id
    if origin.traceparent:
        envelope["traceparent"] = origin.traceparent
    written = orjson.dumps(envelope)
    if len(written) > LARGEST:
        raise ValueError(f"{message.type} has {len(written)} bytes; the bus takes {LARGEST}")
    return {"message_id": message_id, "type": message.type, "envelope": written.decode(), "created_at": now}


def tell_in_parts(session: AsyncSession, items: Iterable[Item], part: Callable[..., Message]) -> None:
    """Tells all items, in as many messages as the bus needs, one that is empty when there are none.

    `part` makes a message of some of them, given its number `part`, from 1, of `parts`.
    """
    found = in_parts(items)
    for number, some in enumerate(found, 1):
        tell(session, part(some, part=number, parts=len(found)))


def in_parts(items: Iterable[Item]) -> list[tuple[Item, ...]]:
    """The items, in their order, in parts that one message can carry each; at least one part, be it empty."""
    parts: list[list[Item]] = [[]]
    size = 0
    for item in items:
        length = len(item.model_dump_json().encode())
        if parts[-1] and size + length > PART:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += length
    return [tuple(part) for part in parts]


async def write_outbox(session: AsyncSession) -> None:
    """The edge's last step before its commit."""
    told = take_marked(session, _TOLD)
    for at in range(0, len(told), PORTION):
        connection = await session.connection()
        await connection.execute(_insert, told[at : at + PORTION])


async def read_waiting(session: AsyncSession, most: int) -> Sequence[Any]:
    """The oldest unpublished rows. By `published_at`, never by `seq > last seen`: numbers are given before commit."""
    connection = await session.connection()
    return (await connection.execute(_waiting, {"most": most})).all()


async def mark_published(session: AsyncSession, pairs: Sequence[tuple[int, int]]) -> None:
    """`pairs` of outbox number and the sequence the stream gave it."""
    connection = await session.connection()
    statement = _mark[connection.dialect.name]
    now: Any = datetime.now(UTC)
    if connection.dialect.name == "sqlite":
        now = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    await connection.execute(statement, {"now": now, "pairs": orjson.dumps(pairs).decode()})


async def depth(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many messages wait to be published, and since when the oldest does."""
    statement = select(func.count(), func.min(outbox.c.created_at)).where(outbox.c.published_at.is_(None))
    count, oldest = (await (await session.connection()).execute(statement)).one()
    return count, oldest
