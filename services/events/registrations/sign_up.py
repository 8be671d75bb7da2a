"""Signing up: all who wait at this moment are decided together, in the order they came.

Load (one statement each), decide (in memory, in order: the whole of the capacity rule), write (one insert a table).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.seats import EventSeats, count_waiting, write_taken
from services.events.organisations.recognising import SignedUpFor, UnknownOrganisation, read_named
from services.events.registrations.access import speaks_for
from services.events.registrations.deciding import (
    AlreadyRegistered,
    AskedAttendee,
    AskedSignUp,
    Known,
    SignedUp,
    SignedUpAttendee,
    decide,
)
from services.events.registrations.misses import UNCOUNTED, Misses, Sender, read_misses, sender_of
from services.events.tables import IS_ACTIVE, Base
from shared.access.links import Links, ticket_hash
from shared.contracts.events import (
    AttendeeChange,
    RegisteredAttendee,
    RegisteredOrganisation,
    RegistrationCreated,
    RegistrationReminded,
    StatedOrganisation,
)
from shared.database import padded
from shared.fields import same_address, utc_now
from shared.messaging.outbox import tell
from shared.problems import NotFound, Problem, TooManyRequests

events = Base.metadata.tables["events"]
registrations = Base.metadata.tables["registrations"]
attendees = Base.metadata.tables["attendees"]


async def sign_up_all(
    session: AsyncSession, links: Links, asked: Sequence[AskedSignUp], seats: dict[UUID, EventSeats]
) -> list[SignedUp | Problem]:
    """Decides every sign-up in order, writes those that are taken, and answers each with its rows or its problem.

    `seats` are those of the events, under their locks.
    """
    found = await _read_events(session, seats)
    known = await read_known_addresses(session, asked)
    organisations = await _read_organisations(session, asked, found)
    now = utc_now()
    misses = await read_misses(session, (_sender(each) for each in asked))
    decided: list[SignedUp | Problem] = []
    for each, organisation in zip(asked, organisations, strict=True):
        event = found.get(each.event_id)
        if event is None:
            decided.append(NotFound("There is no such event."))
        elif isinstance(organisation, UnknownOrganisation):
            decided.append(organisation)
        else:
            decided.append(_decide(each, event, seats[each.event_id], organisation, known, now, misses))
    placed = await _with_positions(session, decided, seats)
    await _write(session, links, asked, placed, seats, now)
    await misses.write(session)
    _remind_all(session, asked, placed, known)
    return placed


def _sender(asked: AskedSignUp) -> Sender:
    if not any(attendee.email for attendee in asked.attendees):
        return UNCOUNTED
    return sender_of(asked.event_id, asked.caller, asked.contact.email)


def _decide(
    asked: AskedSignUp,
    event: Any,
    seats: EventSeats,
    organisation: SignedUpFor | None,
    known: Known,
    now: datetime,
    misses: Misses,
) -> SignedUp | Problem:
    sender = UNCOUNTED if asked.caller.organises(event.organisation_id) else _sender(asked)
    try:
        misses.require_few(sender)
    except TooManyRequests as refusal:
        return refusal
    decided = decide(asked, event, seats, organisation, known, now)
    if isinstance(decided, AlreadyRegistered):
        misses.count(sender)
    return decided


_events_by_id = select(
    events.c.id,
    events.c.slug,
    events.c.organisation_id,
    events.c.status,
    events.c.starts_at,
    events.c.ends_at,
    events.c.ticket_types,
    events.c.waitlist_mode,
    events.c.registration_opens_at,
    events.c.registration_closes_at,
    events.c.changes_close_at,
).where(events.c.id.in_(bindparam("ids", expanding=True)))

_known_addresses = select(
    attendees.c.event_id, attendees.c.email_key, attendees.c.id, attendees.c.registration_id
).where(
    IS_ACTIVE,
    tuple_(attendees.c.event_id, attendees.c.email_key).in_(bindparam("places", expanding=True)),
)


async def _read_events(session: AsyncSession, seats: dict[UUID, EventSeats]) -> dict[UUID, Any]:
    """After the locks: what an event says may have changed while we waited for them."""
    if not seats:
        return {}
    rows = await (await session.connection()).execute(_events_by_id, {"ids": padded(seats)})
    return {row.id: row for row in rows}


async def read_known_addresses(session: AsyncSession, asked: Iterable[AskedSignUp]) -> Known:
    """Which of the asked attendees' addresses have a seat or wait already."""
    places = [
        (each.event_id, same_address(attendee.email)) for each in asked for attendee in each.attendees if attendee.email
    ]
    if not places:
        return {}
    rows = await (await session.connection()).execute(_known_addresses, {"places": padded(places)})
    return {(row.event_id, row.email_key): (row.id, row.registration_id) for row in rows}


async def _read_organisations(
    session: AsyncSession, asked: Sequence[AskedSignUp], found: Mapping[UUID, Any]
) -> list[SignedUpFor | UnknownOrganisation | None]:
    """The organiser of an event says of whoever it signs up who that is."""
    named = [
        (each.organisation, each.caller, (event := found.get(each.event_id)) is not None
         and each.caller.organises(event.organisation_id))
        for each in asked
        if each.organisation
    ]  # fmt: skip
    read = iter(await read_named(session, named))
    return [next(read) if each.organisation else None for each in asked]


async def _with_positions(
    session: AsyncSession, decided: Sequence[SignedUp | Problem], seats: dict[UUID, EventSeats]
) -> list[SignedUp | Problem]:
    """Tells each who waits the place in line: those who waited before, then this batch in its order."""
    lined_up = {
        each.event.id
        for each in decided
        if isinstance(each, SignedUp) and any(attendee.line_number for attendee in each.attendees)
    }
    if not lined_up:
        return list(decided)
    waiting = await count_waiting(session, lined_up)
    return [_positioned(each, waiting) if isinstance(each, SignedUp) else each for each in decided]


def _positioned(signed_up: SignedUp, waiting: dict[UUID, int]) -> SignedUp:
    event_id, placed = signed_up.event.id, []
    for attendee in signed_up.attendees:
        if attendee.line_number is None:
            placed.append(attendee)
        else:
            waiting[event_id] = waiting.get(event_id, 0) + 1
            placed.append(replace(attendee, position=waiting[event_id]))
    return replace(signed_up, attendees=tuple(placed))


_insert_registrations = insert(registrations)
insert_attendees = insert(attendees)


async def _write(
    session: AsyncSession,
    links: Links,
    asked: Sequence[AskedSignUp],
    decided: Sequence[SignedUp | Problem],
    seats: dict[UUID, EventSeats],
    now: datetime,
) -> None:
    taken = [(sign_up, ask) for sign_up, ask in zip(decided, asked, strict=True) if isinstance(sign_up, SignedUp)]
    if not taken:
        return
    connection = await session.connection()
    await write_taken(session, (seats[event_id] for event_id in {sign_up.event.id for sign_up, _ in taken}))
    await connection.execute(_insert_registrations, [_registration_row(sign_up, ask, now) for sign_up, ask in taken])
    await connection.execute(
        insert_attendees,
        [
            attendee_row(links, sign_up.event.id, sign_up.id, attendee, asked_attendee, now)
            for sign_up, ask in taken
            for attendee, asked_attendee in zip(sign_up.attendees, ask.attendees, strict=True)
        ],
    )
    for sign_up, ask in taken:
        tell(session, _created(sign_up, speaks=speaks_for(ask.caller, ask.contact.email)), ask.origin)


def _registration_row(signed_up: SignedUp, asked: AskedSignUp, now: datetime) -> dict[str, Any]:
    contact = signed_up.contact
    return {
        "id": signed_up.id,
        "event_id": signed_up.event.id,
        "reference": signed_up.reference,
        **_organisation_columns(signed_up.organisation),
        "contact_name": contact.name,
        "contact_email": contact.email,
        "contact_phone": contact.phone,
        "contact_language": contact.language,
        "waits_together": asked.if_full == "waitlist_all",
        "version": 1,
        "link_version": 1,
        "created_at": now,
        "updated_at": now,
    }


def _organisation_columns(organisation: SignedUpFor | None) -> dict[str, Any]:
    if organisation is None:
        return {"organisation_id": None, "stated": None, "stated_id": None, "recognised_by": None}
    return {
        "organisation_id": organisation.id if organisation.counts else None,
        "stated": organisation.stated.stored(),
        "stated_id": None if organisation.counts else organisation.id,
        "recognised_by": "caller" if organisation.counts else None,
    }


def attendee_row(
    links: Links, event_id: UUID, registration_id: UUID, attendee: SignedUpAttendee, asked: AskedAttendee, now: datetime
) -> dict[str, Any]:
    return {
        "id": attendee.id,
        "event_id": event_id,
        "registration_id": registration_id,
        "name": attendee.name,
        "email": attendee.email,
        "email_key": same_address(attendee.email) if attendee.email else None,
        "email_is_own": False,
        "job_title": asked.job_title,
        "language": asked.language,
        "ticket_type": attendee.ticket_type,
        "also_accepts": list(asked.also_accepts),
        "status": attendee.status,
        "line_number": attendee.line_number,
        "code_version": 1,
        "code_hash": ticket_hash(links.ticket_code(attendee.id, 1)),
        "link_version": 1,
        "sequence": 0,
        "inside": False,
        "check_in_version": 0,
        "created_at": now,
        "updated_at": now,
    }


def _created(signed_up: SignedUp, *, speaks: bool) -> RegistrationCreated:
    organisation = signed_up.organisation
    return RegistrationCreated.model_construct(
        version=1,
        registration_id=signed_up.id,
        event_id=signed_up.event.id,
        reference=signed_up.reference,
        organisation=RegisteredOrganisation.model_construct(
            id=organisation.id,
            name=organisation.name,
            kind=organisation.kind,
            cvr=organisation.cvr,
            country=organisation.country,
            website=organisation.website,
        )
        if organisation and organisation.counts
        else None,
        stated=StatedOrganisation.model_construct(
            name=organisation.name, kind=organisation.kind, unit=organisation.stated.unit
        )
        if organisation and not organisation.counts
        else None,
        contact=signed_up.contact,
        contact_speaks=speaks,
        attendees=tuple(
            RegisteredAttendee.model_construct(
                id=each.id,
                status=each.status,
                name=each.name,
                email=each.email,
                language=each.language,
                ticket_type=each.ticket_type,
                position=each.position,
            )
            for each in signed_up.attendees
        ),
        changed=tuple(
            AttendeeChange.model_construct(attendee=each.id, to_status=each.status) for each in signed_up.attendees
        ),
    )


def _remind_all(
    session: AsyncSession, asked: Sequence[AskedSignUp], decided: Sequence[SignedUp | Problem], known: Known
) -> None:
    for each, refusal in zip(asked, decided, strict=True):
        if isinstance(refusal, AlreadyRegistered):
            remind_the_registered(session, each, refusal, known)


def remind_the_registered(session: AsyncSession, asked: AskedSignUp, refusal: AlreadyRegistered, known: Known) -> None:
    """The person whose address came again gets the link again; the caller is not told whose it is."""
    index = int(refusal.extras["pointer"].split("/")[2])
    who = known.get((asked.event_id, same_address(asked.attendees[index].email or "")))
    if who is not None:
        tell(session, reminder(asked.event_id, *who), asked.origin)


def reminder(event_id: UUID, attendee_id: UUID, registration_id: UUID) -> RegistrationReminded:
    return RegistrationReminded(version=1, registration_id=registration_id, event_id=event_id, attendee_id=attendee_id)
