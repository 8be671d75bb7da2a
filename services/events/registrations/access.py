"""Who may see and change which registration. What a caller may not see is not there (404)."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import Attendee, Event, Registration
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.fields import same_address
from shared.problems import NotAuthenticated, NotFound


@dataclass(frozen=True, slots=True)
class OwnRegistration:
    """A registration the caller may see. `organises`: as the organiser of its event.

    `sees_all`: also the addresses that attendees gave by their own links (organisers, managers). `mailed`: by the link
    that was mailed to the contact person; `answered`: by the key that was answered to whoever signed up.
    `contact_speaks`: by that mailed link, or by a token of the contact person's address.
    """

    registration: Registration
    event: Event
    organises: bool
    sees_all: bool
    mailed: bool
    answered: bool
    contact_speaks: bool


@dataclass(frozen=True, slots=True)
class OwnAttendee:
    """An attendee the caller may see; `alone` when only this one of the registration (the attendee's own link).

    `in_person`: by a link that was mailed to the attendee's own address.
    """

    attendee: Attendee
    registration: Registration
    event: Event
    organises: bool
    sees_all: bool
    alone: bool
    in_person: bool


def _refuse(caller: Caller) -> Exception:
    return NotFound("There is no such registration that you may see.") if caller.known else NotAuthenticated()


async def find_registration(session: AsyncSession, registration_id: UUID, caller: Caller) -> OwnRegistration:
    """By its link; its contact person as a member; its organisation's manager; the event's organiser."""
    statement = (
        select(Registration, Event)
        .join(Event, col(Event.id) == Registration.event_id)
        .where(Registration.id == registration_id)
    )
    found = (await session.exec(statement)).first()
    if found is None:
        raise _refuse(caller)
    registration, event = found
    organises = caller.organises(event.organisation_id)
    mailed = caller.holds(Purpose.REGISTRATION, registration.id, registration.link_version)
    answered = caller.holds(Purpose.SIGN_UP, registration.id, registration.link_version)
    if not (organises or mailed or answered or _is_own(caller, registration)):
        raise _refuse(caller)
    sees_all = organises or _manages(caller, registration)
    speaks = mailed or speaks_for(caller, registration.contact_email)
    return OwnRegistration(registration, event, organises, sees_all, mailed, answered, speaks)


def _manages(caller: Caller, registration: Registration) -> bool:
    return registration.organisation_id is not None and caller.manages(registration.organisation_id)


def speaks_for(caller: Caller, email: str) -> bool:
    """Whether the caller's token is of that address."""
    return caller.email is not None and same_address(caller.email) == same_address(email)


def _is_own(caller: Caller, registration: Registration) -> bool:
    if _manages(caller, registration):
        return True
    own_address = speaks_for(caller, registration.contact_email)
    return own_address and bool(caller.roles & {"member", "manager"})


async def find_attendee(session: AsyncSession, attendee_id: UUID, caller: Caller) -> OwnAttendee:
    """By the attendee's own link, or as the registration it belongs to."""
    attendee = await session.get(Attendee, attendee_id)
    if attendee is None:
        raise _refuse(caller)
    if caller.holds(Purpose.ATTENDEE, attendee.id, attendee.link_version):
        return await _by_own_link(session, attendee)
    own = await find_registration(session, attendee.registration_id, caller)
    # A contact person who attends has no other link: its letters open the registration.
    in_person = own.mailed and is_contact_person(attendee, own.registration)
    return OwnAttendee(attendee, own.registration, own.event, own.organises, own.sees_all, False, in_person)


async def find_oneself(session: AsyncSession, attendee_id: UUID, caller: Caller) -> OwnAttendee:
    """By the attendee's own link alone: what is done by it is done in the attendee's name."""
    attendee = await session.get(Attendee, attendee_id)
    if attendee is None or not caller.holds(Purpose.ATTENDEE, attendee.id, attendee.link_version):
        raise _refuse(caller)
    return await _by_own_link(session, attendee)


async def _by_own_link(session: AsyncSession, attendee: Attendee) -> OwnAttendee:
    registration = await session.get_one(Registration, attendee.registration_id)
    event = await session.get_one(Event, attendee.event_id)
    in_person = attendee.email_key is not None
    return OwnAttendee(attendee, registration, event, organises=False, sees_all=True, alone=True, in_person=in_person)


def is_contact_person(attendee: Attendee, registration: Registration) -> bool:
    """Whether the one who attends and the one who signed up have the same address."""
    return attendee.email_key is not None and attendee.email_key == same_address(registration.contact_email)
