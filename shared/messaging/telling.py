"""How telling goes: what waits and since when, what the stream refuses, how full and how safe it is."""

from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js.api import StreamInfo
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.messaging import outbox


@dataclass(frozen=True, slots=True)
class Telling:
    """`refusal` is why the stream did not take the last message of this process; another process may be telling."""

    waiting: int
    oldest_seconds: int
    refusal: str | None

    @classmethod
    async def read(cls, session: AsyncSession, refusal: str | None) -> "Telling":
        waiting, oldest = await outbox.depth(session)
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0
        return cls(waiting, int(age), refusal)


@dataclass(frozen=True, slots=True)
class Stored:
    """`replicas` have all that the stream holds, of `replicas_set`; `filled` is the share of its room that is taken."""

    replicas: int
    replicas_set: int
    filled: float

    @classmethod
    def of(cls, info: StreamInfo) -> "Stored":
        others = (info.cluster.replicas if info.cluster else None) or []
        whole = 1 + sum(bool(other.current) and not other.offline for other in others)
        room = info.config.max_bytes or 0
        return cls(whole, info.config.num_replicas or 1, round(info.state.bytes / room, 3) if room > 0 else 0.0)
