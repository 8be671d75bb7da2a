"""Adding people to a registration that is there: placed as a sign-up places them, under the same lock."""

from collections.abc import Sequence

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.holding import Held, hold
from services.events.capacity.seats import write_taken
from services.events.organisations.recognising import NamedOrganisation, SignedUpFor, counting
from services.events.registrations.deciding import (
    MOST_ATTENDEES,
    AlreadyRegistered,
    AskedAttendee,
    AskedSignUp,
    IfFull,
    SignedUpAttendee,
    decide_attendees,
)
from services.events.registrations.facts import contact_of, tell_changes
from services.events.registrations.misses import UNCOUNTED, Sender, read_misses, sender_of
from services.events.registrations.sign_up import (
    attendee_row,
    insert_attendees,
    read_known_addresses,
    remind_the_registered,
)
from services.events.tables import ACTIVE, Attendee, Event, Organisation, Registration
from shared.access.caller import Caller
from shared.access.links import Links
from shared.contracts.events import AttendeeChange
from shared.fields import utc_now
from shared.problems import Invalid, Problem, WrongStatus


async def add_attendees(
    session: AsyncSession,
    links: Links,
    registration: Registration,
    attendees: Sequence[AskedAttendee],
    if_full: IfFull,
    caller: Caller,
) -> None:
    """Gives each a seat or a number in line, or refuses all. With `waitlist_all` who waits here now waits together."""
    held = await hold(session, registration.event_id)
    await session.refresh(registration)
    await _require_room(session, registration, len(attendees))
    asked = AskedSignUp(held.event.id, None, contact_of(registration), tuple(attendees), if_full=if_full, caller=caller)
    placed = await _place(session, held, registration, asked)
    registration.waits_together |= if_full == "waitlist_all" and any(each.line_number for each in placed)
    now = utc_now()
    rows = [
        attendee_row(links, held.event.id, registration.id, each, who, now)
        for each, who in zip(placed, attendees, strict=True)
    ]
    await (await session.connection()).execute(insert_attendees, rows)
    await write_taken(session, [held.seats])
    changes = [AttendeeChange(attendee=each.id, to_status=each.status) for each in placed]
    await tell_changes(session, {registration.id: changes})


async def _require_room(session: AsyncSession, registration: Registration, more: int) -> None:
    statement = select(func.count()).where(
        Attendee.registration_id == registration.id, col(Attendee.status).in_(ACTIVE)
    )
    there = (await session.exec(statement)).one()
    if not there:
        raise WrongStatus("This registration is cancelled; sign up again.")
    if there + more > MOST_ATTENDEES:
        detail = f"a registration has at most {MOST_ATTENDEES} attendees; this one has {there}"
        raise Invalid.field("/attendees", detail)


async def _place(
    session: AsyncSession, held: Held, registration: Registration, asked: AskedSignUp
) -> list[SignedUpAttendee]:
    organisation = await _organisation(session, registration)
    known = await read_known_addresses(session, [asked])
    sender = _sender(held.event, registration, asked)
    misses = await read_misses(session, [sender])
    misses.require_few(sender)
    placed = decide_attendees(asked, held.event, held.seats, organisation, known, utc_now())
    if isinstance(placed, AlreadyRegistered):
        misses.count(sender)
        await misses.write(session)
        remind_the_registered(session, asked, placed, known)
    if isinstance(placed, Problem):
        raise placed
    return placed


def _sender(event: Event, registration: Registration, asked: AskedSignUp) -> Sender:
    named = any(attendee.email for attendee in asked.attendees)
    if not named or asked.caller.organises(event.organisation_id):
        return UNCOUNTED
    return sender_of(event.id, asked.caller, registration.contact_email, registration.id)


async def _organisation(session: AsyncSession, registration: Registration) -> SignedUpFor | None:
    named = NamedOrganisation.of(registration.stated)
    row = await session.get(Organisation, registration.organisation_id) if registration.organisation_id else None
    if row is not None:
        return counting(row, named)
    if registration.stated_id is None or named.name is None:
        return None
    return SignedUpFor(registration.stated_id, named.name, named.kind, named)
