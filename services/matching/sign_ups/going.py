"""What sign-ups for events tell us: which organisations are going, and which are shown there."""

from collections import Counter
from typing import get_args
from uuid import UUID

from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.leaving import erasures
from services.matching.tables import Event, Going, Organisation
from shared.contracts.events import (
    AttendeeStatus,
    EventFacts,
    RegisteredAttendee,
    RegistrationFacts,
)
from shared.problems import NotFound

ACTIVE = frozenset(get_args(AttendeeStatus)) - {"cancelled", "rejected", "expired"}


async def keep_event(session: AsyncSession, facts: EventFacts) -> None:
    """Our copy of an event."""
    organiser = await _held(session, facts.organisation_id)
    copied = Event(
        id=facts.event_id,
        slug=facts.slug,
        organisation_id=organiser,
        status=facts.status,
        title={str(code): text for code, text in facts.title.items()},
        ends_at=facts.ends_at,
    )
    await session.merge(copied)


async def keep_going(session: AsyncSession, registration: RegistrationFacts) -> None:
    """Counts a registration's attendees for its organisation; a private person's registration is nobody's."""
    named = registration.organisation
    organisation_id = await _held(session, named.id) if named else None
    if organisation_id is None or await erasures.is_erased(session, organisation_id):
        await session.exec(delete(Going).where(col(Going.registration_id) == registration.registration_id))
        return
    counts = Counter(attendee.status for attendee in registration.attendees)
    going = await session.get(Going, registration.registration_id)
    going = going or Going(
        registration_id=registration.registration_id,
        event_id=registration.event_id,
        organisation_id=organisation_id,
    )
    going.organisation_id = organisation_id
    going.confirmed = counts["confirmed"]
    going.shown = sum(is_shown(attendee) for attendee in registration.attendees)
    going.signed_up = sum(counts[status] for status in ACTIVE)
    session.add(going)


async def _held(session: AsyncSession, organisation_id: UUID) -> UUID:
    """The id it goes on by, held: a merge waits, and re-points what this transaction writes."""
    held = {"read": True, "key_share": True}
    organisation = await session.get(Organisation, organisation_id, with_for_update=held, populate_existing=True)
    return organisation_id if organisation is None else organisation.merged_into or organisation.id


def is_shown(attendee: RegisteredAttendee) -> bool:
    """Whether this person comes and agreed to be shown to others who do."""
    agreed = attendee.consents is not None and attendee.consents.shown_to_participants
    return agreed and attendee.status == "confirmed"


async def find_event(session: AsyncSession, reference: str) -> Event:
    """By id or slug."""
    try:
        event = await session.get(Event, UUID(reference))
    except ValueError:
        event = (await session.exec(select(Event).where(Event.slug == reference))).first()
    if event is None:
        raise NotFound("There is no such event.")
    return event


async def organisations_shown(session: AsyncSession, event_id: UUID) -> frozenset[UUID]:
    """Who may be proposed there: a confirmed attendee has agreed to be shown."""
    shown = select(Going.organisation_id).where(Going.event_id == event_id, Going.shown > 0)
    return frozenset(await session.exec(shown))


async def is_signed_up(session: AsyncSession, event_id: UUID, organisation_id: UUID) -> bool:
    """Whether the organisation has anybody confirmed, waiting, or not yet approved there."""
    mine = (Going.event_id == event_id, Going.organisation_id == organisation_id, Going.signed_up > 0)
    return bool((await session.exec(select(func.count()).select_from(Going).where(*mine))).one())
