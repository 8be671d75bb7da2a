"""Which organisations were erased: nothing of them is taken in again."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import ErasedOrganisation


async def is_erased(session: AsyncSession, organisation_id: UUID) -> bool:
    return await session.get(ErasedOrganisation, organisation_id) is not None
