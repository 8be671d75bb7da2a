"""Lists of registrations and attendees, for organisers and managers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.organisations.recognising import id_now
from services.events.registrations.facts import RegistrationSeen, see_all
from services.events.tables import Attendee, Event, Organisation, Registration
from shared.access.caller import Caller
from shared.problems import NotAllowed

AttendeeRow = tuple[Attendee, Registration, Organisation | None]


def _own(event: Event, caller: Caller) -> ColumnElement[bool] | None:
    """Which registrations of the event the caller may list: None for all. Raises NotAllowed for none."""
    if caller.reads(event.organisation_id, people=True):
        return None
    if "manager" in caller.roles:
        return col(Registration.organisation_id).in_(list(caller.acts_as("manager")))
    raise NotAllowed("Only the organiser of the event, and managers of organisations, may list who is coming.")


def keeps_door_only(event: Event, caller: Caller) -> bool:
    """Whether the caller may know of attendees what a door needs, and no more."""
    return caller.keeps_door(event.id, event.organisation_id) and not caller.reads(event.organisation_id, people=True)


async def attendee_at_door(session: AsyncSession, attendee_id: UUID, caller: Caller) -> AttendeeRow | None:
    """An attendee of an event whose door the caller keeps, and does not organise."""
    statement = (
        select(Attendee, Registration, Organisation, Event)
        .join(Registration, col(Registration.id) == Attendee.registration_id)
        .join(Event, col(Event.id) == Attendee.event_id)
        .outerjoin(Organisation, col(Organisation.id) == Registration.organisation_id)
        .where(Attendee.id == attendee_id)
    )
    found = (await session.exec(statement)).first()
    return found[:3] if found is not None and keeps_door_only(found[3], caller) else None


async def list_registrations(
    session: AsyncSession,
    event: Event,
    caller: Caller,
    *,
    status: str | None,
    organisation: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[RegistrationSeen]:
    """In the order they were made."""
    statement = (
        select(Registration).where(Registration.event_id == event.id).order_by(col(Registration.id)).limit(limit)
    )
    if (own := _own(event, caller)) is not None:
        statement = statement.where(own)
    if organisation is not None:
        statement = statement.where(Registration.organisation_id == id_now(organisation))
    if after is not None:
        statement = statement.where(Registration.id > after)
    if status is not None:
        with_status = select(Attendee.registration_id).where(Attendee.event_id == event.id, Attendee.status == status)
        statement = statement.where(col(Registration.id).in_(with_status))
    return await see_all(session, (await session.exec(statement)).all())


@dataclass(frozen=True, slots=True)
class AttendeeFilters:
    status: str | None = None
    ticket_type: str | None = None
    organisation: UUID | None = None
    checked_in: bool | None = None
    named: bool | None = None
    q: str | None = None
    updated_since: datetime | None = None


async def list_attendees(
    session: AsyncSession, event: Event, caller: Caller, filters: AttendeeFilters, after: UUID | None, limit: int
) -> Sequence[AttendeeRow]:
    """In the order they were signed up. A door finds nobody by an address, which it may not see."""
    at_door = keeps_door_only(event, caller)
    statement = (
        select(Attendee, Registration, Organisation)
        .join(Registration, col(Registration.id) == Attendee.registration_id)
        .outerjoin(Organisation, col(Organisation.id) == Registration.organisation_id)
        .where(Attendee.event_id == event.id, *_matching(filters, by_address=not at_door))
        .order_by(col(Attendee.id))
        .limit(limit)
    )
    if not at_door and (own := _own(event, caller)) is not None:
        statement = statement.where(own)
    if after is not None:
        statement = statement.where(Attendee.id > after)
    return (await session.exec(statement)).all()


def _matching(filters: AttendeeFilters, *, by_address: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.status is not None:
        conditions.append(col(Attendee.status) == filters.status)
    if filters.ticket_type is not None:
        conditions.append(col(Attendee.ticket_type) == filters.ticket_type)
    if filters.organisation is not None:
        conditions.append(col(Registration.organisation_id) == id_now(filters.organisation))
    if filters.checked_in is not None:
        conditions.append(col(Attendee.checked_in_at).is_not(None) == filters.checked_in)
    if filters.named is not None:
        conditions.append(col(Attendee.name).is_not(None) == filters.named)
    if filters.updated_since is not None:
        conditions.append(col(Attendee.updated_at) >= filters.updated_since)
    if filters.q is not None:
        sought = filters.q.lower()
        stated = col(Registration.stated)["name"].as_string()
        columns = [col(Attendee.name), col(Organisation.name), stated, col(Registration.reference)]
        columns += [col(Attendee.email)] if by_address else []
        conditions.append(or_(*(func.lower(cast(each, String)).contains(sought, autoescape=True) for each in columns)))
    return conditions
