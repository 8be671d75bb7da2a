"""Confirming a contact person's address by a used link, and what a sign-up counts for from then on."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.holding import hold
from services.events.organisations.erased import is_erased
from services.events.organisations.recognising import (
    NamedOrganisation,
    around,
    counts_for,
    meant,
    newcomer,
)
from services.events.registrations.facts import tell_changes
from services.events.tables import Event, Organisation, Registration
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.fields import utc_now
from shared.problems import NotAuthenticated, NotFound, Problem
from shared.telemetry import get_logger

log = get_logger()


class NothingStated(Problem):
    status, slug, title = 409, "nothing-stated", "This sign-up names no organisation"


async def find_confirmable(session: AsyncSession, caller: Caller) -> Registration:
    """The registration whose contact person's address the caller's link confirms."""
    link = caller.link
    if link is None or link.purpose is not Purpose.CONFIRMATION:
        raise NotFound("There is nothing to confirm by this.") if caller.known else NotAuthenticated()
    registration = await session.get(Registration, link.id)
    if registration is None:
        raise NotFound("There is no such registration.")
    link.check(registration.link_version)
    return registration


async def confirm(session: AsyncSession, registration: Registration) -> None:
    """The mailed link was used: the address is the contact person's. Again it changes nothing."""
    version = registration.link_version
    await hold(session, registration.event_id)
    await session.refresh(registration)
    if registration.contact_confirmed_at is not None or registration.link_version != version:
        return
    registration.contact_confirmed_at = utc_now()
    if registration.organisation_id is None and registration.stated_id is not None:
        await _recognise_by_address(session, registration)
    session.add(registration)
    await tell_changes(session, {registration.id: []})


async def _recognise_by_address(session: AsyncSession, registration: Registration) -> None:
    """Whoever belongs to a known organisation comes for it; whoever names one that nobody knows has made it."""
    named = NamedOrganisation.of(registration.stated)
    there = await around(session, named, registration.contact_email)
    known = counts_for(named, there)
    if known is not None:
        _count(registration, known, "address")
    elif meant(named, there) is None and named.name is not None:
        await _count_newcomer(session, registration, named)


async def _count_newcomer(session: AsyncSession, registration: Registration, named: NamedOrganisation) -> None:
    assert registration.stated_id is not None
    if await is_erased(session, registration.stated_id):
        return
    made = newcomer(registration.stated_id, named, registration.contact_email)
    session.add(made)
    await session.flush()
    _count(registration, made, "address")


def _count(registration: Registration, organisation: Organisation, by: str) -> None:
    registration.organisation_id, registration.recognised_by = organisation.id, by


async def find_recognisable(
    session: AsyncSession, registration_id: UUID, caller: Caller
) -> tuple[Registration, Organisation | None]:
    """The registration and the known organisation that it means, for who may say that this is so: the organiser of the
    event, the secretariat, and that organisation's manager. Everybody else finds nothing."""
    registration = await session.get(Registration, registration_id)
    if registration is None:
        raise _refuse(caller)
    event = await session.get_one(Event, registration.event_id)
    named = NamedOrganisation.of(registration.stated)
    there = await around(session, named, registration.contact_email)
    known = counts_for(named, there) or meant(named, there)
    its_manager = known is not None and caller.manages(known.id)
    own = registration.organisation_id is not None and caller.manages(registration.organisation_id)
    if caller.organises(event.organisation_id) or its_manager or own:
        return registration, known
    raise _refuse(caller)


def _refuse(caller: Caller) -> Exception:
    return NotFound("There is no such registration that you may see.") if caller.known else NotAuthenticated()


async def recognise(session: AsyncSession, registration: Registration, known: Organisation | None, by: str) -> None:
    """Somebody who may says that what was stated is so: it counts, for this registration alone. Again it changes
    nothing."""
    await hold(session, registration.event_id)
    await session.refresh(registration)
    if registration.organisation_id is not None:
        return
    named = NamedOrganisation.of(registration.stated)
    if registration.stated_id is None or named.name is None:
        raise NothingStated("It is a private person's.")
    if known is None:
        await _count_newcomer(session, registration, named)
    else:
        _count(registration, known, by)
    registration.recognised_by = by
    session.add(registration)
    log.info("registration recognised", registration=str(registration.id), by=by)
    await tell_changes(session, {registration.id: []})
