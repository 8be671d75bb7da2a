"""Promoting from the waitlist, in the transaction that freed the seats."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.seats import EventSeats, promote, read_line, write_taken
from services.events.tables import Attendee, Event
from shared.contracts.events import AttendeeChange
from shared.fields import utc_now

Changes = dict[UUID, list[AttendeeChange]]


async def promote_waiting(session: AsyncSession, event: Event, seats: EventSeats, changes: Changes) -> None:
    """Gives what is free to the first in line that fit, adds what changed to `changes`, and writes the counts.

    The caller holds the event's lock, and tells the changes.
    """
    if event.status == "published" and event.waitlist_mode == "promote" and utc_now() < event.starts_at:
        await session.flush()
        given = promote(await read_line(session, event.id), seats)
        await _confirm(session, given, changes)
    await write_taken(session, [seats])


async def _confirm(session: AsyncSession, given: dict[UUID, str | None], changes: Changes) -> None:
    if not given:
        return
    statement = select(Attendee).where(col(Attendee.id).in_(list(given)))
    for attendee in await session.exec(statement.execution_options(populate_existing=True)):
        attendee.status, attendee.line_number = "confirmed", None
        attendee.ticket_type = given[attendee.id]
        attendee.sequence += 1
        attendee.updated_at = utc_now()
        changes.setdefault(attendee.registration_id, []).append(
            AttendeeChange(attendee=attendee.id, from_status="waitlisted", to_status="confirmed")
        )
