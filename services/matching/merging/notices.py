"""What an organisation was told of new partners, and others of it, becomes the other's when it is merged."""

from uuid import UUID

from sqlmodel import col, delete, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import FoundSuggestion, NewProfile, Notice
from shared.database import insert_for


async def carry_out(session: AsyncSession, merged_id: UUID, into_id: UUID) -> None:
    """A pair of which either was told counts as told: nobody hears of the same organisation twice."""
    its = or_(col(FoundSuggestion.organisation_id) == merged_id, col(FoundSuggestion.other_id) == merged_id)
    rows = [
        {**each.model_dump(), "organisation_id": organisation_id, "other_id": other_id}
        for each in await session.exec(select(FoundSuggestion).where(its))
        for organisation_id, other_id in [_now(each, merged_id, into_id)]
        if organisation_id != other_id
    ]
    connection = await session.connection()
    if rows:
        insert = insert_for(connection)(FoundSuggestion)
        told_at = func.coalesce(col(FoundSuggestion.told_at), insert.excluded.told_at)
        pair = ["organisation_id", "other_id"]
        await connection.execute(insert.on_conflict_do_update(index_elements=pair, set_={"told_at": told_at}), rows)
    await session.exec(delete(FoundSuggestion).where(its))
    await session.exec(delete(NewProfile).where(col(NewProfile.organisation_id) == merged_id))
    await _keep_latest_notice(session, merged_id, into_id)


def _now(found: FoundSuggestion, merged_id: UUID, into_id: UUID) -> tuple[UUID, UUID]:
    one, other = (into_id if each == merged_id else each for each in (found.organisation_id, found.other_id))
    return one, other


async def _keep_latest_notice(session: AsyncSession, merged_id: UUID, into_id: UUID) -> None:
    of_merged = await session.get(Notice, merged_id)
    if of_merged is None:
        return
    kept = await session.get(Notice, into_id) or Notice(organisation_id=into_id, told_at=of_merged.told_at)
    kept.told_at = max(kept.told_at, of_merged.told_at)
    session.add(kept)
    await session.delete(of_merged)
