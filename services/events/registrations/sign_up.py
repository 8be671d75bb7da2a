"""Signing up: all who wait at this moment are decided together, in the order they came.

Load (one statement each), decide (in memory, in order: the whole of the capacity rule), write (one insert a table).
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, insert, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.organisations import NamedOrganisation, Recognised, UnknownOrganisation, recognise
from services.events.registrations.seats import (
    EventSeats,
    QuotaSeats,
    capacity_reached,
    count_waiting,
    lock_seats,
    padded,
    write_taken,
)
from services.events.tables import ACTIVE, Base
from shared.auth import Caller, Links, ticket_hash
from shared.contracts.events import (
    AttendeeChange,
    AttendeeStatus,
    ContactPerson,
    RegisteredAttendee,
    RegisteredOrganisation,
    RegistrationCreated,
    RegistrationReminded,
)
from shared.database import uuid7
from shared.fields import Language, same_address, utc_now
from shared.messaging.outbox import tell
from shared.problems import FieldError, Invalid, NextStep, NotFound, Problem
from shared.telemetry import Origin

IfFull = Literal["waitlist_rest", "waitlist_all", "refuse"]

events = Base.metadata.tables["events"]
registrations = Base.metadata.tables["registrations"]
attendees = Base.metadata.tables["attendees"]

_REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class NotPublished(Problem):
    status, slug, title = 409, "not-published", "The event is not published yet"


class RegistrationNotOpen(Problem):
    status, slug, title = 409, "registration-not-open", "Registration has not opened yet"


class RegistrationClosed(Problem):
    status, slug, title = 409, "registration-closed", "Registration is closed"


class AlreadyRegistered(Problem):
    """`pointer` names the address that is registered; who it is stays between us and the person, who gets a mail."""

    status, slug, title = 409, "already-registered", "Somebody with this e-mail address is registered already"


@dataclass(frozen=True, slots=True)
class AskedAttendee:
    name: str | None = None
    email: str | None = None
    job_title: str | None = None
    ticket_type: str | None = None
    also_accepts: tuple[str, ...] = ()
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class AskedSignUp:
    """A sign-up as it was asked for. `origin` is the request's, since a batch is decided outside of it."""

    event_id: UUID
    organisation: NamedOrganisation | None
    contact: ContactPerson
    attendees: tuple[AskedAttendee, ...]
    if_full: IfFull = "waitlist_rest"
    caller: Caller = field(default_factory=Caller)
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class SignedUpAttendee:
    id: UUID
    status: AttendeeStatus
    name: str | None
    email: str | None
    ticket_type: str | None
    language: Language | None = None
    line_number: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class SignedUp:
    """What came of a sign-up: its rows as written."""

    id: UUID
    event: Any
    reference: str
    organisation: Recognised | None
    contact: ContactPerson
    attendees: tuple[SignedUpAttendee, ...]


async def sign_up_all(session: AsyncSession, links: Links, asked: Sequence[AskedSignUp]) -> list[SignedUp | Problem]:
    """Decides every sign-up in order, writes those that are taken, and answers each with its rows or its problem."""
    seats = await lock_seats(session, (each.event_id for each in asked))
    found = await _read_events(session, seats)
    known = await _read_known_addresses(session, asked)
    organisations = await _recognise(session, asked)
    now = utc_now()
    decided: list[SignedUp | Problem] = []
    for each, organisation in zip(asked, organisations, strict=True):
        event = found.get(each.event_id)
        if event is None:
            decided.append(NotFound("There is no such event."))
        elif isinstance(organisation, UnknownOrganisation):
            decided.append(organisation)
        else:
            decided.append(_decide(each, event, seats[each.event_id], organisation, known, now))
    placed = await _with_positions(session, decided, seats)
    await _write(session, links, asked, placed, seats, now)
    _remind_the_registered(session, asked, placed, known)
    return placed


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
).where(events.c.id.in_(bindparam("ids", expanding=True)))

_known_addresses = select(
    attendees.c.event_id, attendees.c.email_key, attendees.c.id, attendees.c.registration_id
).where(
    attendees.c.status.in_(ACTIVE),
    tuple_(attendees.c.event_id, attendees.c.email_key).in_(bindparam("places", expanding=True)),
)

Known = dict[tuple[UUID, str], tuple[UUID, UUID] | None]


async def _read_events(session: AsyncSession, seats: dict[UUID, EventSeats]) -> dict[UUID, Any]:
    """After the locks: what an event says may have changed while we waited for them."""
    if not seats:
        return {}
    rows = await (await session.connection()).execute(_events_by_id, {"ids": padded(seats)})
    return {row.id: row for row in rows}


async def _read_known_addresses(session: AsyncSession, asked: Iterable[AskedSignUp]) -> Known:
    places = [
        (each.event_id, same_address(attendee.email)) for each in asked for attendee in each.attendees if attendee.email
    ]
    if not places:
        return {}
    rows = await (await session.connection()).execute(_known_addresses, {"places": padded(places)})
    return {(row.event_id, row.email_key): (row.id, row.registration_id) for row in rows}


async def _recognise(
    session: AsyncSession, asked: Sequence[AskedSignUp]
) -> list[Recognised | UnknownOrganisation | None]:
    recognised = iter(await recognise(session, [each.organisation for each in asked if each.organisation]))
    return [next(recognised) if each.organisation else None for each in asked]


def _decide(
    asked: AskedSignUp,
    event: Any,
    seats: EventSeats,
    organisation: Recognised | None,
    known: Known,
    now: datetime,
) -> SignedUp | Problem:
    refusal = (
        _not_open(asked, event, now)
        or _odd_ticket_types(asked, event, organisation)
        or _already_registered(asked, known)
    )
    if refusal is not None:
        return refusal
    wanted = [_with_default_type(attendee, event, organisation) for attendee in asked.attendees]
    placed = _place(wanted, asked.if_full, seats, may_wait=event.waitlist_mode != "off")
    if isinstance(placed, Problem):
        return placed
    # Later sign-ups of this batch must see these addresses.
    known.update({(event.id, same_address(each.email)): None for each in placed if each.email})
    reference = "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(8))
    return SignedUp(uuid7(), event, reference, organisation, asked.contact, tuple(placed))


def _not_open(asked: AskedSignUp, event: Any, now: datetime) -> Problem | None:
    """Organisers may register walk-ins before it opens and after it closes."""
    organises = asked.caller.organises(event.organisation_id)
    if event.status == "draft":
        return NotPublished() if organises else NotFound("There is no such event.")
    if event.status == "cancelled":
        return RegistrationClosed("The event is cancelled.")
    if organises:
        return None
    if event.status == "completed" or now >= event.registration_closes_at:
        return RegistrationClosed(f"Registration closed at {event.registration_closes_at.isoformat()}.")
    if event.registration_opens_at and now < event.registration_opens_at:
        return RegistrationNotOpen(f"Registration opens at {event.registration_opens_at.isoformat()}.")
    return None


def _odd_ticket_types(asked: AskedSignUp, event: Any, organisation: Recognised | None) -> Problem | None:
    offered = {each["key"]: each for each in event.ticket_types}
    kind = organisation.kind if organisation else None
    errors = [
        error
        for index, attendee in enumerate(asked.attendees)
        for key in (attendee.ticket_type, *attendee.also_accepts)
        if key is not None and (error := _odd_ticket_type(f"/attendees/{index}/ticket_type", key, offered, kind))
    ]
    return Invalid(*errors) if errors else None


def _odd_ticket_type(pointer: str, key: str, offered: dict[str, Any], kind: str | None) -> FieldError | None:
    if key not in offered:
        allowed = ", ".join(offered) or "none: leave it out"
        return FieldError(pointer=pointer, detail=f"not a ticket type of this event; allowed: {allowed}")
    kinds = offered[key].get("kinds")
    if kinds and kind not in kinds:
        return FieldError(pointer=pointer, detail=f"{key} is for organisations of kind {', '.join(kinds)}")
    return None


def _already_registered(asked: AskedSignUp, known: Known) -> Problem | None:
    for index, attendee in enumerate(asked.attendees):
        if attendee.email and (asked.event_id, same_address(attendee.email)) in known:
            step = NextStep(action="request_link", label="Ask for the link to be mailed again", href="/v1/links")
            return AlreadyRegistered(pointer=f"/attendees/{index}/email", next_steps=[step])
    return None


def _with_default_type(attendee: AskedAttendee, event: Any, organisation: Recognised | None) -> AskedAttendee:
    """Who names no ticket type gets the first that is for its kind of organisation."""
    if attendee.ticket_type or not event.ticket_types:
        return attendee
    kind = organisation.kind if organisation else None
    fitting = [each["key"] for each in event.ticket_types if not each.get("kinds") or kind in each["kinds"]]
    return replace(attendee, ticket_type=next(iter(fitting), None))


def _place(
    wanted: Sequence[AskedAttendee], if_full: IfFull, seats: EventSeats, *, may_wait: bool
) -> list[SignedUpAttendee] | Problem:
    """Gives each attendee a seat or a number in line, or refuses all, as `if_full` says."""
    taken = [_take(attendee, seats) for attendee in wanted]
    if all(seat.quota is None for seat in taken):
        return [_confirmed(attendee, seat.ticket_type) for attendee, seat in zip(wanted, taken, strict=True)]
    if if_full == "refuse" or not may_wait:
        return _refuse(taken, seats, may_wait=may_wait)
    if if_full == "waitlist_all":
        _give_back(taken, seats)
        return [_waitlisted(attendee, seats) for attendee in wanted]
    return [
        _confirmed(attendee, seat.ticket_type) if seat.quota is None else _waitlisted(attendee, seats)
        for attendee, seat in zip(wanted, taken, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Seat:
    """A seat of `ticket_type`, or the `quota` that had none."""

    ticket_type: str | None
    quota: QuotaSeats | None = None


def _take(attendee: AskedAttendee, seats: EventSeats) -> _Seat:
    for ticket_type in (attendee.ticket_type, *attendee.also_accepts):
        if seats.take(ticket_type):
            return _Seat(ticket_type)
    return _Seat(attendee.ticket_type, seats.full_quota(attendee.ticket_type))


def _give_back(taken: Iterable[_Seat], seats: EventSeats) -> None:
    for seat in taken:
        if seat.quota is None:
            seats.give_back(seat.ticket_type)


def _refuse(taken: Sequence[_Seat], seats: EventSeats, *, may_wait: bool) -> Problem:
    _give_back(taken, seats)
    full = next(seat.quota for seat in taken if seat.quota is not None)
    requested = len(taken) if full is seats.event else sum(full in seats.quotas_of(seat.ticket_type) for seat in taken)
    return capacity_reached(full, requested, may_wait=may_wait)


def _confirmed(attendee: AskedAttendee, ticket_type: str | None) -> SignedUpAttendee:
    return SignedUpAttendee(uuid7(), "confirmed", attendee.name, attendee.email, ticket_type, attendee.language)


def _waitlisted(attendee: AskedAttendee, seats: EventSeats) -> SignedUpAttendee:
    return SignedUpAttendee(
        uuid7(),
        "waitlisted",
        attendee.name,
        attendee.email,
        attendee.ticket_type,
        attendee.language,
        line_number=seats.join_line(),
    )


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
_insert_attendees = insert(attendees)


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
        _insert_attendees,
        [
            _attendee_row(links, sign_up, attendee, asked_attendee, now)
            for sign_up, ask in taken
            for attendee, asked_attendee in zip(sign_up.attendees, ask.attendees, strict=True)
        ],
    )
    for sign_up, ask in taken:
        tell(session, _created(sign_up), ask.origin)


def _registration_row(signed_up: SignedUp, asked: AskedSignUp, now: datetime) -> dict[str, Any]:
    contact = signed_up.contact
    return {
        "id": signed_up.id,
        "event_id": signed_up.event.id,
        "reference": signed_up.reference,
        "organisation_id": signed_up.organisation.id if signed_up.organisation else None,
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


def _attendee_row(
    links: Links, signed_up: SignedUp, attendee: SignedUpAttendee, asked: AskedAttendee, now: datetime
) -> dict[str, Any]:
    return {
        "id": attendee.id,
        "event_id": signed_up.event.id,
        "registration_id": signed_up.id,
        "name": attendee.name,
        "email": attendee.email,
        "email_key": same_address(attendee.email) if attendee.email else None,
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


def _created(signed_up: SignedUp) -> RegistrationCreated:
    organisation = signed_up.organisation
    return RegistrationCreated.model_construct(
        version=1,
        registration_id=signed_up.id,
        event_id=signed_up.event.id,
        reference=signed_up.reference,
        organisation=RegisteredOrganisation.model_construct(**asdict(organisation)) if organisation else None,
        contact=signed_up.contact,
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


def _remind_the_registered(
    session: AsyncSession, asked: Sequence[AskedSignUp], decided: Sequence[SignedUp | Problem], known: Known
) -> None:
    """The person whose address came again gets the link again; the caller is not told whose it is."""
    for each, refusal in zip(asked, decided, strict=True):
        if isinstance(refusal, AlreadyRegistered):
            index = int(refusal.extras["pointer"].split("/")[2])
            place = (each.event_id, same_address(each.attendees[index].email or ""))
            if (who := known.get(place)) is not None:
                attendee, registration = who
                tell(
                    session,
                    RegistrationReminded(
                        version=1, registration_id=registration, event_id=each.event_id, attendee_id=attendee
                    ),
                    each.origin,
                )
