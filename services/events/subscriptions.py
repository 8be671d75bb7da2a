"""What the events service listens to."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events import organisations
from shared.contracts.matching import OrganisationCreated, OrganisationFacts, OrganisationUpdated
from shared.messaging.subscriptions import Subscriptions

subscriptions = Subscriptions("events")


@subscriptions.copy(OrganisationCreated, OrganisationUpdated)
async def keep_organisation(session: AsyncSession, facts: OrganisationFacts) -> None:
    await organisations.keep_copy(session, facts)
