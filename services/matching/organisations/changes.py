"""Numbers the changes of profiles, so that every replica's index reads on exactly where it stopped.

Not by an identity column or a time: commits overtake each other, and a reader would step over the later one.
"""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import ChangeCounter, ErasedOrganisation, Organisation
from shared.database import insert_for, mark, take_marked

_CHANGED, _ERASED = "changed profiles", "erased profiles"
PORTION = 500


def mark_changed(session: AsyncSession, organisation_id: UUID) -> None:
    """Has the profile numbered when this transaction commits."""
    mark(session, _CHANGED, organisation_id)


def mark_erased(session: AsyncSession, organisation_id: UUID) -> None:
    """Has the end of the profile numbered when this transaction commits."""
    mark(session, _ERASED, organisation_id)


async def number_changes(session: AsyncSession) -> None:
    """A step of the edge before its commit. Nothing else takes the counter's row, and nothing is locked after it."""
    changed, erased = sorted(set(take_marked(session, _CHANGED))), take_marked(session, _ERASED)
    if not changed and not erased:
        return
    await session.flush()
    connection = await session.connection()
    counter = insert_for(connection)(ChangeCounter).values(id=1, value=1)
    counter = counter.on_conflict_do_update(index_elements=["id"], set_={"value": ChangeCounter.value + 1})
    number = (await connection.execute(counter.returning(col(ChangeCounter.value)))).scalar_one()
    for at in range(0, len(changed), PORTION):
        some = col(Organisation.id).in_(changed[at : at + PORTION])
        await connection.execute(update(Organisation).where(some).values(change=number))
    if erased:
        gone = col(ErasedOrganisation.organisation_id).in_(erased)
        await connection.execute(update(ErasedOrganisation).where(gone).values(change=number))


async def newest_number(session: AsyncSession) -> int:
    """Whoever sees it sees every change up to it."""
    return (await session.exec(select(ChangeCounter.value))).first() or 0
