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

    `sees_all`: also the addresses that attendees gave by their own links (organisers, managers).
    """

    registration: Registration
    event: Event
    organises: bool
    sees_all: bool


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
    if organises or _is_own(caller, registration):
        return OwnRegistration(registration, event, organises, organises or _manages(caller, registration))
    raise _refuse(caller)


def _manages(caller: Caller, registration: Registration) -> bool:
    return registration.organisation_id is not None and caller.manages(registration.organisation_id)


def _is_own(caller: Caller, registration: Registration) -> bool:
    if caller.holds(Purpose.REGISTRATION, registration.id, registration.link_version):
        return True
    if _manages(caller, registration):
        return True
    own_address = caller.email is not None and same_address(caller.email) == same_address(registration.contact_email)
    return own_address and bool(caller.roles & {"member", "manager"})


async def find_attendee(session: AsyncSession, attendee_id: UUID, caller: Caller) -> OwnAttendee:
    """By the attendee's own link, or as the registration it belongs to."""
    attendee = await session.get(Attendee, attendee_id)
    if attendee is None:
        raise _refuse(caller)
    has_address = attendee.email_key is not None
    if caller.holds(Purpose.ATTENDEE, attendee.id, attendee.link_version):
        registration = await session.get_one(Registration, attendee.registration_id)
        event = await session.get_one(Event, attendee.event_id)
        return OwnAttendee(
            attendee, registration, event, organises=False, sees_all=True, alone=True, in_person=has_address
        )
    own = await find_registration(session, attendee.registration_id, caller)
    # A contact person who attends has no other link: its letters open the registration.
    in_person = caller.link is not None and is_contact_person(attendee, own.registration)
    return OwnAttendee(attendee, own.registration, own.event, own.organises, own.sees_all, False, in_person)


def is_contact_person(attendee: Attendee, registration: Registration) -> bool:
    """Whether the one who attends and the one who signed up have the same address."""
    return attendee.email_key is not None and attendee.email_key == same_address(registration.contact_email)
