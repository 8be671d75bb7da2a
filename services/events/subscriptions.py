"""What the events service listens to."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events import merging, organisations
from shared.contracts.matching import (
    OrganisationCreated,
    OrganisationFacts,
    OrganisationMerged,
    OrganisationUpdated,
)
from shared.messaging.subscriptions import Subscriptions

subscriptions = Subscriptions("events")


@subscriptions.copy(OrganisationCreated, OrganisationUpdated, OrganisationMerged)
async def keep_organisation(session: AsyncSession, facts: OrganisationFacts) -> None:
    await organisations.keep_copy(session, facts)


@subscriptions.fact(OrganisationMerged)
async def keep_merge(session: AsyncSession, told: OrganisationMerged) -> None:
    await merging.keep(session, told)
