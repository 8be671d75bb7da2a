"""Who sends a delivery now: claimed for a minute, kept while it is under way, free again when its sender died.

The clock may be set meanwhile: what was written in what is now the future was written before that, and binds nobody.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.deliveries.clock import ClockWasSet
from services.notify.tables import Delivery, table_of
from shared.fields import utc_now

CLAIMED_FOR = timedelta(seconds=60)
# So far the clocks of two machines may be apart.
CLOCKS_APART = timedelta(minutes=2)

_deliveries = table_of(Delivery)
_time = _deliveries.c.due_at.type
_now, _ahead, _until = (bindparam(name, type_=_time) for name in ("now", "ahead", "until"))
_said_at = func.coalesce(_deliveries.c.waits_since, _deliveries.c.created_at, type_=_time)


def _claim() -> Any:
    claimed_until = _deliveries.c.claimed_until
    due = (
        select(_deliveries.c.id)
        .where(
            _deliveries.c.status == "queued",
            _deliveries.c.id.not_in(bindparam("ours", expanding=True)),
            or_(_deliveries.c.due_at <= _now, _said_at > _ahead),
            or_(claimed_until.is_(None), claimed_until <= _now, claimed_until > bindparam("never", type_=_time)),
        )
        .order_by(_deliveries.c.due_at, _deliveries.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    claimed = update(_deliveries).where(_deliveries.c.id.in_(due))
    return claimed.values(claimed_until=_until).returning(_deliveries.c.id)


_CLAIM = _claim()
_KEEP = (
    update(_deliveries)
    .where(_deliveries.c.id.in_(bindparam("ours", expanding=True)), _deliveries.c.status == "queued")
    .values(claimed_until=_until)
)


async def claim(session: AsyncSession, most: int, ours: Sequence[UUID] = ()) -> list[UUID]:
    """Deliveries that are due and not `ours` already: if we die, the claim lapses and another sends them."""
    now = utc_now()
    until = now + CLAIMED_FOR
    times = {"now": now, "ahead": now + CLOCKS_APART, "until": until, "never": until + CLOCKS_APART}
    values = {**times, "most": most, "ours": list(ours)}
    return list((await (await session.connection()).execute(_CLAIM, values)).scalars())


async def keep(session: AsyncSession, ours: Sequence[UUID]) -> None:
    """A mail may be under way for longer than a claim holds, and nobody else may send it meanwhile."""
    await (await session.connection()).execute(_KEEP, {"ours": list(ours), "until": utc_now() + CLAIMED_FOR})


async def wait_no_longer(session: AsyncSession, was_set: ClockWasSet) -> None:
    """What was said to wait before the clock was set back waits no longer for that: once, whoever notices it."""
    if was_set.by >= timedelta():
        return
    waiting = (
        select(_deliveries.c.id, _deliveries.c.due_at)
        .where(_deliveries.c.status == "queued", _deliveries.c.due_at > utc_now(), _said_at < was_set.after)
        .with_for_update()
    )
    connection = await session.connection()
    found = (await connection.execute(waiting)).all()
    moved = [{"delivery": row.id, "due": row.due_at + was_set.by, "since": utc_now()} for row in found]
    if moved:
        await connection.execute(_MOVE, moved)


_MOVE = (
    update(_deliveries)
    .where(_deliveries.c.id == bindparam("delivery"))
    .values(due_at=bindparam("due"), waits_since=bindparam("since"))
)
