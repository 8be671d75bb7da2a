"""Handing over what is held of an organisation: its registrations, as a manager of it may see them."""

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.registrations.facts import RegistrationSeen, contact_of, see_all
from services.events.tables import Attendee, Event, Registration
from shared.contracts.events import EventsExportedOrganisation, ExportedAttendee, ExportedRegistration
from shared.contracts.matching import OrganisationExportRequested
from shared.messaging.outbox import tell_in_parts

AT_A_TIME = 200


async def hand_over(session: AsyncSession, asked: OrganisationExportRequested) -> None:
    def part(some: tuple[ExportedRegistration, ...], **place: int) -> EventsExportedOrganisation:
        return EventsExportedOrganisation(
            organisation_id=asked.organisation_id,
            version=asked.version,
            export_id=asked.export_id,
            registrations=some,
            **place,
        )

    tell_in_parts(session, await _registrations_of(session, asked.organisation_id), part)


async def _registrations_of(session: AsyncSession, organisation_id: UUID) -> list[ExportedRegistration]:
    """In the order they were made."""
    found: list[ExportedRegistration] = []
    after: UUID | None = None
    while True:
        statement = select(Registration).where(Registration.organisation_id == organisation_id)
        if after is not None:
            statement = statement.where(Registration.id > after)
        some = (await session.exec(statement.order_by(col(Registration.id)).limit(AT_A_TIME))).all()
        events = await _events_of(session, some)
        found += [_exported(seen, events[seen.registration.event_id]) for seen in await see_all(session, some)]
        if len(some) < AT_A_TIME:
            return found
        after = some[-1].id


async def _events_of(session: AsyncSession, registrations: Iterable[Registration]) -> dict[UUID, Event]:
    ids = {each.event_id for each in registrations}
    return {each.id: each for each in await session.exec(select(Event).where(col(Event.id).in_(ids)))}


def _exported(seen: RegistrationSeen, event: Event) -> ExportedRegistration:
    return ExportedRegistration.model_validate(
        {
            **seen.registration.model_dump(include={"id", "reference", "event_id", "created_at"}),
            "event_title": event.title,
            "starts_at": event.starts_at,
            "contact": contact_of(seen.registration),
            "attendees": [_attendee(each) for each in seen.attendees],
        }
    )


def _attendee(attendee: Attendee) -> ExportedAttendee:
    return ExportedAttendee.model_validate(attendee.model_dump(include=set(ExportedAttendee.model_fields)))
