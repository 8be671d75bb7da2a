"""The event's lock: whoever holds it alone decides over the event's seats until the commit."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.seats import EventSeats, lock_seats
from services.events.tables import Event


@dataclass(slots=True)
class Held:
    """An event and its seats, with the lock held until the commit."""

    event: Event
    seats: EventSeats


async def hold(session: AsyncSession, event_id: UUID) -> Held:
    """Takes the event's lock, then reads the event: it may have changed while we waited."""
    seats = (await lock_seats(session, [event_id]))[event_id]
    event = (
        await session.exec(select(Event).where(col(Event.id) == event_id).execution_options(populate_existing=True))
    ).one()
    return Held(event, seats)
