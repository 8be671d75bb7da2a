"""Forgetting an organisation that was erased. Sign-ups are people's own: they stay, and are no organisation's."""

from typing import Any
from uuid import UUID

from sqlmodel import col, delete, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.programme import planning
from services.events.tables import (
    Attendee,
    CheckIn,
    ErasedOrganisation,
    Event,
    MailDomain,
    Member,
    Organisation,
    Registration,
)
from shared.contracts.events import EventsErasedOrganisation
from shared.contracts.matching import OrganisationErased
from shared.contracts.message import Counted
from shared.database import insert_for
from shared.fields import utc_now
from shared.messaging.outbox import tell


async def forget(session: AsyncSession, told: OrganisationErased) -> None:
    """Erases what is the organisation's own, and tells what that was."""
    organisation_id = told.organisation_id
    await _remember(session, organisation_id)
    # Events, the organisation, its registrations: in this order a sign-up takes them.
    erased = {
        "draft events": await planning.delete_drafts(session, organisation_id),
        "contact persons of events": await planning.forget_contacts(session, organisation_id),
        "copies of the organisation": await _forget_copy(session, organisation_id),
        "names at doors": await _forget_names_at_doors(session, organisation_id),
        "links of registrations": await _cut_links(session, organisation_id),
    }
    answer = EventsErasedOrganisation(
        organisation_id=organisation_id,
        version=told.version,
        erasure_id=told.erasure_id,
        erased=tuple(Counted(what=what, count=count) for what, count in erased.items() if count),
        kept=tuple(await _kept(session, organisation_id, erased["links of registrations"])),
        at=utc_now(),
    )
    tell(session, answer)


async def _remember(session: AsyncSession, organisation_id: UUID) -> None:
    connection = await session.connection()
    remembered = insert_for(connection)(ErasedOrganisation).values(id=organisation_id, erased_at=utc_now())
    await connection.execute(remembered.on_conflict_do_nothing())


async def _forget_copy(session: AsyncSession, organisation_id: UUID) -> int:
    """Waits for sign-ups that hold it, and are cut off afterwards."""
    for kind in (MailDomain, Member):
        await session.exec(delete(kind).where(col(kind.organisation_id) == organisation_id))
    done: Any = await session.exec(delete(Organisation).where(col(Organisation.id) == organisation_id))
    return int(done.rowcount)


async def _forget_names_at_doors(session: AsyncSession, organisation_id: UUID) -> int:
    """What a door was answered is kept to be answered again, with the organisation's name in it."""
    theirs = (
        select(CheckIn)
        .join(Attendee, col(Attendee.id) == CheckIn.attendee_id)
        .join(Registration, col(Registration.id) == Attendee.registration_id)
        .where(Registration.organisation_id == organisation_id)
    )
    found = (await session.exec(theirs)).all()
    for check_in in found:
        attendee = {**check_in.answer["attendee"], "organisation": None}
        check_in.answer = {**check_in.answer, "attendee": attendee}
        session.add(check_in)
    return len(found)


async def _cut_links(session: AsyncSession, organisation_id: UUID) -> int:
    linked = update(Registration).where(col(Registration.organisation_id) == organisation_id)
    done: Any = await session.exec(linked.values(organisation_id=None, stated=None, stated_id=None))
    return int(done.rowcount)


async def _kept(session: AsyncSession, organisation_id: UUID, registrations: int) -> list[Counted]:
    organised = select(func.count()).where(col(Event.organisation_id) == organisation_id)
    events = (await session.exec(organised)).one()
    kept = (
        Counted(what="registrations", count=registrations, why="they belong to the people who signed up"),
        Counted(what="events it organised", count=events, why="others have signed up for them"),
    )
    return [each for each in kept if each.count]
