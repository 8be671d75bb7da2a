"""Registrations read whole, and the one message each change of them tells."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.promotion import Changes
from services.events.tables import ACTIVE, Attendee, Organisation, Registration
from shared.contracts.events import (
    AttendeeChange,
    ContactPerson,
    RegisteredAttendee,
    RegisteredOrganisation,
    RegistrationCancelled,
    RegistrationUpdated,
    StatedOrganisation,
)
from shared.fields import utc_now
from shared.messaging.outbox import tell


@dataclass(slots=True)
class RegistrationSeen:
    """A registration with all that belongs to it. `positions` of those who wait, by attendee, counted from 1."""

    registration: Registration
    attendees: list[Attendee]
    organisation: Organisation | None = None
    positions: dict[UUID, int] = field(default_factory=dict)

    @property
    def status_counts(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for attendee in self.attendees:
            counts[attendee.status] += 1
        return dict(counts)

    @property
    def status(self) -> str:
        return shared_status(attendee.status for attendee in self.attendees)


def shared_status(statuses: Iterable[str]) -> str:
    """The status that all attendees share, or `mixed`."""
    distinct = set(statuses)
    return distinct.pop() if len(distinct) == 1 else "mixed"


async def see_all(session: AsyncSession, registrations: Sequence[Registration]) -> list[RegistrationSeen]:
    """Attendees in the order they were named. Read anew: another transaction may have changed them before our lock."""
    if not registrations:
        return []
    seen = {each.id: RegistrationSeen(each, []) for each in registrations}
    statement = select(Attendee).where(col(Attendee.registration_id).in_(list(seen))).order_by(col(Attendee.id))
    statement = statement.execution_options(populate_existing=True)
    for attendee in await session.exec(statement):
        seen[attendee.registration_id].attendees.append(attendee)
    organisations = await _organisations(session, registrations)
    positions = await _positions(session, [attendee for each in seen.values() for attendee in each.attendees])
    for each in seen.values():
        each.organisation = organisations.get(each.registration.organisation_id)
        each.positions = {
            attendee.id: positions[attendee.id] for attendee in each.attendees if attendee.id in positions
        }
    return list(seen.values())


async def see(session: AsyncSession, registration: Registration) -> RegistrationSeen:
    return (await see_all(session, [registration]))[0]


async def _organisations(
    session: AsyncSession, registrations: Sequence[Registration]
) -> dict[UUID | None, Organisation]:
    ids = {each.organisation_id for each in registrations if each.organisation_id}
    if not ids:
        return {}
    return {each.id: each for each in await session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))}


async def _positions(session: AsyncSession, attendees: Iterable[Attendee]) -> dict[UUID, int]:
    waiting = [each.id for each in attendees if each.status == "waitlisted"]
    if not waiting:
        return {}
    ahead = (
        select(Attendee.event_id, Attendee.line_number, Attendee.status).where(col(Attendee.status) == "waitlisted")
    ).subquery("ahead")
    statement = (
        select(Attendee.id, func.count())
        .join(ahead, (ahead.c.event_id == Attendee.event_id) & (ahead.c.line_number <= Attendee.line_number))
        .where(col(Attendee.id).in_(waiting))
        .group_by(col(Attendee.id))
    )
    return dict((await session.exec(statement)).all())


async def tell_changes(
    session: AsyncSession, changes: Changes, *, resend: bool = False, contact_speaks: bool = False
) -> None:
    """One message a registration for all this transaction changed in it, with a version of its own.

    Under the event's lock, and the registrations read anew under it: else two changes could tell the same version.
    """
    await session.flush()
    statement = select(Registration).where(col(Registration.id).in_(list(changes))).order_by(col(Registration.id))
    registrations = list(await session.exec(statement.execution_options(populate_existing=True)))
    for registration in registrations:
        registration.version += 1
        registration.updated_at = utc_now()
    await session.flush()
    for seen in await see_all(session, registrations):
        over = not any(attendee.status in ACTIVE for attendee in seen.attendees)
        facts = registration_facts(seen, changes[seen.registration.id]) | {"contact_speaks": contact_speaks}
        tell(session, RegistrationCancelled(**facts) if over else RegistrationUpdated(**facts, resend=resend))


def registration_facts(seen: RegistrationSeen, changed: Sequence[AttendeeChange]) -> dict[str, Any]:
    """What every message of a registration carries."""
    registration, organisation = seen.registration, seen.organisation
    return {
        "version": registration.version,
        "registration_id": registration.id,
        "event_id": registration.event_id,
        "reference": registration.reference,
        "link_version": registration.link_version,
        "organisation": organisation
        and RegisteredOrganisation(
            id=organisation.id,
            name=organisation.name,
            kind=organisation.kind,
            cvr=organisation.cvr,
            country=organisation.country,
            website=organisation.website,
            new=organisation.id == registration.stated_id,
        ),
        "stated": None if organisation or not registration.stated_name else _stated(registration),
        "contact": contact_of(registration),
        "contact_confirmed": registration.contact_confirmed_at is not None,
        "attendees": tuple(_attendee_facts(attendee, seen.positions.get(attendee.id)) for attendee in seen.attendees),
        "changed": tuple(changed),
    }


def _stated(registration: Registration) -> StatedOrganisation:
    said = registration.stated or {}
    return StatedOrganisation(name=said["name"], kind=said.get("kind"), unit=said.get("unit"))


def contact_of(registration: Registration) -> ContactPerson:
    return ContactPerson.model_validate(
        {
            "name": registration.contact_name,
            "email": registration.contact_email,
            "phone": registration.contact_phone,
            "language": registration.contact_language,
        }
    )


def _attendee_facts(attendee: Attendee, position: int | None) -> RegisteredAttendee:
    return RegisteredAttendee.model_validate(
        attendee.model_dump(
            include={
                "id",
                "status",
                "name",
                "email",
                "language",
                "ticket_type",
                "code_version",
                "link_version",
                "sequence",
            }
        )
        | {"position": position, "consents": {"shown_to_participants": attendee.shown_to_participants}}
    )
