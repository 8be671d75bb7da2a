"""Profiles that are new to others: queued in the transaction that published them, until partners were looked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import NewProfile, Organisation
from shared.database import insert_for, mark, take_marked
from shared.fields import utc_now

_NEW = "new profiles"
PORTION = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """What others see of a profile: it, and whether it says what it offers or needs."""

    published: bool = False
    states: bool = False

    @classmethod
    def of(cls, organisation: Organisation) -> "Shown":
        return cls(organisation.published, organisation.published and bool(organisation.offers or organisation.needs))


def mark_if_new(session: AsyncSession, organisation: Organisation, before: Shown) -> None:
    """Has the profile queued at the commit, if others see it for the first time, or read what it offers or needs."""
    now = Shown.of(organisation)
    if (now.published and not before.published) or (now.states and not before.states):
        mark(session, _NEW, organisation.id)


async def queue_new(session: AsyncSession) -> None:
    """A step of the edge before its commit. Queued again, a profile waits anew: its people are still at work on it."""
    marked = sorted(set(take_marked(session, _NEW)))
    if not marked:
        return
    await session.flush()
    connection = await session.connection()
    insert = insert_for(connection)(NewProfile)
    statement = insert.on_conflict_do_update(
        index_elements=["organisation_id"], set_={"queued_at": insert.excluded.queued_at}
    )
    for at in range(0, len(marked), PORTION):
        rows = [{"organisation_id": each, "queued_at": utc_now()} for each in marked[at : at + PORTION]]
        await connection.execute(statement, rows)


async def due(session: AsyncSession, after: timedelta, most: int) -> Sequence[NewProfile]:
    """Those queued longer ago than `after`, the oldest first."""
    ripe = select(NewProfile).where(NewProfile.queued_at <= utc_now() - after)
    return (await session.exec(ripe.order_by(col(NewProfile.queued_at)).limit(most))).all()


async def any_due(session: AsyncSession, after: timedelta) -> bool:
    return bool(await due(session, after, 1))


async def looked_at(session: AsyncSession, profiles: Sequence[tuple[UUID, datetime]]) -> None:
    """Takes them off the queue, but for those queued again meanwhile."""
    for organisation_id, queued_at in profiles:
        same = (col(NewProfile.organisation_id) == organisation_id) & (col(NewProfile.queued_at) == queued_at)
        await session.exec(delete(NewProfile).where(same))
