"""What matching listens to."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.leaving import erasures, exports
from services.matching.sign_ups import going, newcomers
from shared.contracts.events import (
    EventCancelled,
    EventCompleted,
    EventFacts,
    EventPublished,
    EventsErasedOrganisation,
    EventsExportedOrganisation,
    EventUpdated,
    RegistrationCancelled,
    RegistrationCreated,
    RegistrationFacts,
    RegistrationUpdated,
)
from shared.contracts.notify import NotifyErasedOrganisation, NotifyExportedOrganisation
from shared.messaging.subscriptions import Subscriptions

subscriptions = Subscriptions("matching")


@subscriptions.copy(EventPublished, EventUpdated, EventCancelled, EventCompleted)
async def keep_event(session: AsyncSession, event: EventFacts) -> None:
    await going.keep_event(session, event)


@subscriptions.copy(RegistrationCreated, RegistrationUpdated, RegistrationCancelled)
async def keep_going(session: AsyncSession, registration: RegistrationFacts) -> None:
    await going.keep_going(session, registration)


@subscriptions.fact(RegistrationCreated, RegistrationUpdated)
async def meet_organisation(session: AsyncSession, registration: RegistrationFacts) -> None:
    await newcomers.meet(session, registration)


@subscriptions.fact(EventsErasedOrganisation)
async def collect_erased_by_events(session: AsyncSession, told: EventsErasedOrganisation) -> None:
    await erasures.collect(session, "events", told)


@subscriptions.fact(NotifyErasedOrganisation)
async def collect_erased_by_notify(session: AsyncSession, told: NotifyErasedOrganisation) -> None:
    await erasures.collect(session, "notify", told)


@subscriptions.fact(EventsExportedOrganisation)
async def collect_exported_by_events(session: AsyncSession, told: EventsExportedOrganisation) -> None:
    await exports.collect(session, "events", told, told.registrations)


@subscriptions.fact(NotifyExportedOrganisation)
async def collect_exported_by_notify(session: AsyncSession, told: NotifyExportedOrganisation) -> None:
    await exports.collect(session, "notify", told, told.letters)
