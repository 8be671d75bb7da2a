"""What matching listens to."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching import sign_ups
from shared.contracts.events import (
    EventCancelled,
    EventCompleted,
    EventFacts,
    EventPublished,
    EventUpdated,
    RegistrationCancelled,
    RegistrationCreated,
    RegistrationFacts,
    RegistrationUpdated,
)
from shared.messaging.subscriptions import Subscriptions

subscriptions = Subscriptions("matching")


@subscriptions.copy(EventPublished, EventUpdated, EventCancelled, EventCompleted)
async def keep_event(session: AsyncSession, event: EventFacts) -> None:
    await sign_ups.keep_event(session, event)


@subscriptions.copy(RegistrationCreated, RegistrationUpdated, RegistrationCancelled)
async def keep_going(session: AsyncSession, registration: RegistrationFacts) -> None:
    await sign_ups.keep_going(session, registration)


@subscriptions.fact(RegistrationCreated, RegistrationUpdated)
async def meet_organisation(session: AsyncSession, registration: RegistrationFacts) -> None:
    await sign_ups.meet(session, registration)
