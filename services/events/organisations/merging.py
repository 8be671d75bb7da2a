"""An organisation that was registered twice, as matching tells it: what the one had here goes on as the other's."""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.organisations.erased import is_erased
from services.events.organisations.recognising import hold_now
from services.events.tables import Event, MailDomain, Member, Organisation, Registration
from shared.contracts.matching import OrganisationMerged


async def keep(session: AsyncSession, told: OrganisationMerged) -> None:
    """Re-points registrations, events, who belongs there and what was merged before.

    In whatever order merges are told, all end at the last: none is kept as merged into one that is merged itself.
    """
    if await is_erased(session, told.merged_id) or await is_erased(session, told.organisation_id):
        # Erased since: what was merged into it is erased by a message of its own.
        return
    into = await hold_now(session, told.organisation_id)
    # Whoever signs up holds the row until the registration is there to follow.
    merged = await session.get(Organisation, told.merged_id, with_for_update=True, populate_existing=True)
    merged = merged or Organisation(id=told.merged_id, name=told.name, country=told.country)
    merged.merged_into = into
    session.add(merged)
    await session.flush()
    await _re_point(session, merged.id, into)


async def _re_point(session: AsyncSession, merged: UUID, into: UUID) -> None:
    connection = await session.connection()
    for kind in (Registration, Event, MailDomain, Member):
        its = col(kind.organisation_id) == merged
        await connection.execute(update(kind).where(its).values(organisation_id=into))
    earlier = update(Organisation).where(col(Organisation.merged_into) == merged)
    await connection.execute(earlier.values(merged_into=into))
