"""What a stream lacks of what it acknowledged: it was made anew, emptied, or came back from an older disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import orjson
from nats.aio.client import Client
from nats.js.api import StreamInfo
from sqlalchemy import ColumnElement, or_, select, true, update
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import insert_for
from shared.messaging.tables import known_streams, outbox

_WITH_DELETED = orjson.dumps({"deleted_details": True})
# So many numbers are compared in one statement.
PORTION = 500


class NoStream(Exception):
    """The bus has no such stream, or cannot say."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a stream holds: all from `first_seq` to `last_seq` but for the `deleted`, each for at most `max_age`."""

    name: str
    created_at: datetime
    first_seq: int
    last_seq: int
    deleted: Sequence[int]
    max_age: timedelta

    @classmethod
    def of(cls, name: str, info: StreamInfo) -> Self:
        if info.created is None:
            raise NoStream(f"{name}: the bus does not say when it was made")
        state, max_age = info.state, timedelta(seconds=info.config.max_age or 0)
        return cls(name, info.created, state.first_seq, state.last_seq, state.deleted or (), max_age)

    def would_still_hold(self) -> ColumnElement[bool]:
        """The rows it acknowledged and has not let go for their age."""
        if not self.max_age:
            return outbox.c.published_at.is_not(None)
        return outbox.c.published_at > datetime.now(UTC) - self.max_age


async def look(client: Client, stream: str, within: float) -> Standing:
    """As it stands now. Not nats-py's `stream_info`: that cannot ask which numbers were deleted."""
    asked = await client.request(f"$JS.API.STREAM.INFO.{stream}", _WITH_DELETED, timeout=within)
    answer: dict[str, Any] = orjson.loads(asked.data)
    if "error" in answer:
        raise NoStream(f"{stream}: {answer['error'].get('description')}")
    return Standing.of(stream, StreamInfo.from_response(answer))


async def tell_what_it_lacks(session: AsyncSession, standing: Standing) -> int:
    """Marks unpublished what the stream should hold and does not; answers how many rows."""
    if await _is_another(session, standing):
        return await _tell_again(session, standing, true())
    outside = or_(outbox.c.stream_seq < standing.first_seq, outbox.c.stream_seq > standing.last_seq)
    count = await _tell_again(session, standing, outside)
    for at in range(0, len(standing.deleted), PORTION):
        deleted = standing.deleted[at : at + PORTION]
        count += await _tell_again(session, standing, outbox.c.stream_seq.in_(deleted))
    return count


async def tell_from(session: AsyncSession, standing: Standing, first_seq: int) -> int:
    """Marks unpublished what stood at `first_seq` and after it, where the stream now holds something else."""
    return await _tell_again(session, standing, outbox.c.stream_seq >= first_seq)


async def _tell_again(session: AsyncSession, standing: Standing, lacking: ColumnElement[bool]) -> int:
    # The old number stays: it tells a message that is told again from one that is told for the first time.
    statement = update(outbox).where(standing.would_still_hold(), lacking).values(published_at=None)
    done: Any = await (await session.connection()).execute(statement)
    return int(done.rowcount)


async def _is_another(session: AsyncSession, standing: Standing) -> bool:
    """Whether the stream is not the one that was known; from now on this one is."""
    connection = await session.connection()
    known = (
        await connection.execute(select(known_streams.c.created_at).where(known_streams.c.name == standing.name))
    ).scalar()
    if known == standing.created_at:
        return False
    statement = insert_for(connection)(known_streams).values(name=standing.name, created_at=standing.created_at)
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"created_at": statement.excluded.created_at}
    )
    await connection.execute(statement)
    return known is not None
