"""Tells every event, registration and check-in again: `python -m services.events.retelling`."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.door.check_ins import movement
from services.events.programme.telling import facts_of
from services.events.registrations.facts import registration_facts, see_all
from services.events.tables import Attendee, Base, Event, Registration
from shared.contracts.events import AttendeeCheckedIn, AttendeeCheckedOut, EventUpdated, RegistrationUpdated
from shared.contracts.message import Message
from shared.messaging.retelling import main

FIRST = UUID(int=0)


async def events_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    """All that were ever published: nobody was told of a draft."""
    statement = select(Event).where(Event.status != "draft", Event.id > (after or FIRST))
    found = await session.exec(statement.order_by(col(Event.id)).limit(limit))
    return [(event.id, EventUpdated(**facts_of(event))) for event in found]


async def registrations_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    statement = select(Registration).where(Registration.id > (after or FIRST))
    found = (await session.exec(statement.order_by(col(Registration.id)).limit(limit))).all()
    seen = await see_all(session, found)
    return [(each.registration.id, RegistrationUpdated(**registration_facts(each, ()))) for each in seen]


async def check_ins_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    """Of attendees who came to a door: where each is now."""
    statement = select(Attendee).where(Attendee.check_in_version > 0, Attendee.id > (after or FIRST))
    found = await session.exec(statement.order_by(col(Attendee.id)).limit(limit))
    return [(attendee.id, _whereabouts(attendee)) for attendee in found]


def _whereabouts(attendee: Attendee) -> Message:
    fact = AttendeeCheckedIn if attendee.inside else AttendeeCheckedOut
    return movement(fact, attendee, attendee.checked_in_at or attendee.updated_at, attendee.checked_in_door)


STEPS = (events_again, registrations_again, check_ins_again)

_tables = Base.metadata.tables
VERSIONS = (
    _tables["events"].c.version,
    _tables["registrations"].c.version,
    _tables["attendees"].c.check_in_version,
)

if __name__ == "__main__":
    main("events", STEPS, VERSIONS)
