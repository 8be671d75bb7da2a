"""Deciding a sign-up: who gets a seat, who waits, who is refused and why. In memory, under the event's lock."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from services.events.capacity.seats import EventSeats, QuotaSeats, capacity_reached
from services.events.organisations.recognising import NamedOrganisation, SignedUpFor
from shared.access.caller import Caller
from shared.contracts.events import AttendeeStatus, ContactPerson
from shared.database import uuid7
from shared.fields import Language, same_address
from shared.problems import FieldError, Invalid, NextStep, NotFound, Problem
from shared.telemetry import Origin

IfFull = Literal["waitlist_rest", "waitlist_all", "refuse"]
MOST_ATTENDEES = 100
# Addresses that have a seat or wait, by event: whose attendee and registration; None for one of the batch at hand.
Known = dict[tuple[UUID, str], tuple[UUID, UUID] | None]

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
    # The mail, and that it was answered once more.
    keeps = True

    @classmethod
    def at(cls, pointer: str) -> Self:
        step = NextStep(action="request_link", label="Ask for the link to be mailed again", href="/v1/links")
        return cls(pointer=pointer, next_steps=[step])


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
    organisation: SignedUpFor | None
    contact: ContactPerson
    attendees: tuple[SignedUpAttendee, ...]


def decide(
    asked: AskedSignUp,
    event: Any,
    seats: EventSeats,
    organisation: SignedUpFor | None,
    known: Known,
    now: datetime,
) -> SignedUp | Problem:
    placed = decide_attendees(asked, event, seats, organisation, known, now)
    if isinstance(placed, Problem):
        return placed
    reference = "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(8))
    return SignedUp(uuid7(), event, reference, organisation, asked.contact, tuple(placed))


def decide_attendees(
    asked: AskedSignUp,
    event: Any,
    seats: EventSeats,
    organisation: SignedUpFor | None,
    known: Known,
    now: datetime,
) -> list[SignedUpAttendee] | Problem:
    """Where each attendee stands, in a new registration or one that grows."""
    refusal = (
        _not_open(asked, event, now)
        or _odd_ticket_types(asked, event, organisation)
        or _already_registered(asked, known)  # before any seat is looked for: a full event must not answer otherwise
    )
    if refusal is not None:
        return refusal
    wanted = [_with_default_type(attendee, event, organisation) for attendee in asked.attendees]
    placed = place(wanted, asked.if_full, seats, may_wait=event.waitlist_mode != "off")
    if isinstance(placed, Problem):
        return placed
    # Later sign-ups of this batch must see these addresses.
    known.update({(event.id, same_address(each.email)): None for each in placed if each.email})
    return placed


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


def _odd_ticket_types(asked: AskedSignUp, event: Any, organisation: SignedUpFor | None) -> Problem | None:
    offered = {each["key"]: each for each in event.ticket_types}
    kind = organisation.kind if organisation else None
    errors = [
        error
        for index, attendee in enumerate(asked.attendees)
        for field, key in _named_types(attendee)
        if (error := _odd_ticket_type(f"/attendees/{index}/{field}", key, offered, kind))
    ]
    return Invalid(*errors) if errors else None


def _named_types(attendee: AskedAttendee) -> list[tuple[str, str | None]]:
    also = [(f"also_accepts/{index}", key) for index, key in enumerate(attendee.also_accepts)]
    return [("ticket_type", attendee.ticket_type), *also]


def _odd_ticket_type(pointer: str, key: str | None, offered: dict[str, Any], kind: str | None) -> FieldError | None:
    if key is None:
        fits = not offered or any(_is_for(each, kind) for each in offered.values())
        return None if fits else FieldError(pointer=pointer, detail="this event has no ticket type for you")
    if key not in offered:
        allowed = ", ".join(offered) or "none: leave it out"
        return FieldError(pointer=pointer, detail=f"not a ticket type of this event; allowed: {allowed}")
    if not _is_for(offered[key], kind):
        kinds = ", ".join(offered[key]["kinds"])
        return FieldError(pointer=pointer, detail=f"{key} is for organisations of kind {kinds}")
    return None


def _is_for(ticket_type: dict[str, Any], kind: str | None) -> bool:
    """Whether an organisation of that kind may have this ticket type."""
    kinds = ticket_type.get("kinds")
    return not kinds or kind in kinds


def _already_registered(asked: AskedSignUp, known: Known) -> Problem | None:
    for index, attendee in enumerate(asked.attendees):
        if attendee.email and (asked.event_id, same_address(attendee.email)) in known:
            return AlreadyRegistered.at(f"/attendees/{index}/email")
    return None


def _with_default_type(attendee: AskedAttendee, event: Any, organisation: SignedUpFor | None) -> AskedAttendee:
    """Who names no ticket type gets the first that is for its kind of organisation."""
    if attendee.ticket_type or not event.ticket_types:
        return attendee
    kind = organisation.kind if organisation else None
    return replace(attendee, ticket_type=next(each["key"] for each in event.ticket_types if _is_for(each, kind)))


def place(
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
