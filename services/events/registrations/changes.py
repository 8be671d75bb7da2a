"""Changing a registration: naming and handing over, cancelling, mailing again. All under the event's lock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.holding import hold
from services.events.capacity.promotion import Changes, promote_waiting
from services.events.capacity.seats import EventSeats
from services.events.registrations.access import OwnAttendee, OwnRegistration
from services.events.registrations.consents import NotInPerson
from services.events.registrations.deciding import AlreadyRegistered
from services.events.registrations.facts import tell_changes
from services.events.registrations.misses import UNCOUNTED, read_misses, sender_of
from services.events.registrations.sign_up import reminder
from services.events.tables import ACTIVE, HOLDING, Attendee, Event, Registration, ReplacedCode
from shared.access.caller import Caller
from shared.access.links import Links, ticket_hash
from shared.contracts.events import AttendeeChange
from shared.fields import Language, same_address, utc_now
from shared.messaging.outbox import tell
from shared.problems import NextStep, Problem, WrongStatus, require_version


class ChangesClosed(Problem):
    status, slug, title = 409, "changes-closed", "It is too late to change this"


class NotByMail(Problem):
    """Whoever signs up may type any address: the key answered to it does not speak for that address."""

    status, slug, title = 403, "not-by-mail", "Only the link that was mailed to the contact person does this"


@dataclass(frozen=True, slots=True)
class NewName:
    """What is to change of an attendee; `given` names the fields that were given."""

    given: frozenset[str]
    name: str | None = None
    email: str | None = None
    job_title: str | None = None
    language: Language | None = None
    by_own_link: bool = False


async def rename(
    session: AsyncSession, links: Links, attendee: Attendee, new: NewName, caller: Caller, *, late: bool
) -> Attendee:
    """Names a seat, corrects a name, or hands the seat over.

    A new e-mail where there was one is a hand-over: the old ticket ends, a new code begins. `late` when the caller may
    change after `changes_close_at` (organisers).
    """
    held = await hold(session, attendee.event_id)
    await session.refresh(attendee)
    address_before = attendee.email
    if attendee.status not in ACTIVE:
        raise WrongStatus(f"This attendee is {attendee.status}; only active ones can be changed.")
    if not late and utc_now() >= held.event.changes_close_at:
        raise _closed(held.event)
    if "email" in new.given and new.email:
        await _refuse_known_address(session, attendee, new.email, None if late else caller)
    code_before = attendee.code_hash
    change = _apply_name(links, attendee, new)
    if change is not None:
        if attendee.email != address_before:
            attendee.email_is_own = new.by_own_link
        session.add(attendee)
        if attendee.code_hash != code_before:
            session.add(ReplacedCode(code_hash=code_before, attendee_id=attendee.id))
        await tell_changes(session, {attendee.registration_id: [change]})
    return attendee


def _closed(event: Event) -> ChangesClosed:
    step = NextStep(action="contact_organiser", label="Write to the organiser of the event")
    return ChangesClosed(f"Changes closed at {event.changes_close_at.isoformat()}.", next_steps=[step])


async def _refuse_known_address(session: AsyncSession, attendee: Attendee, email: str, counted: Caller | None) -> None:
    """Counted for the caller, if any: organisers see everybody anyway. Whose address it is gets the link again."""
    registration = await session.get_one(Registration, attendee.registration_id)
    sender = (
        sender_of(attendee.event_id, counted, registration.contact_email, registration.id) if counted else UNCOUNTED
    )
    misses = await read_misses(session, [sender])
    misses.require_few(sender)
    statement = select(Attendee).where(
        Attendee.event_id == attendee.event_id,
        Attendee.email_key == same_address(email),
        Attendee.id != attendee.id,
        col(Attendee.status).in_(ACTIVE),
    )
    registered = (await session.exec(statement)).first()
    if registered is not None:
        misses.count(sender)
        await misses.write(session)
        tell(session, reminder(registered.event_id, registered.id, registered.registration_id))
        raise AlreadyRegistered.at("/email")


def _apply_name(links: Links, attendee: Attendee, new: NewName) -> AttendeeChange | None:
    """The change to tell, or None when nothing is different."""
    before = (attendee.name, attendee.email, attendee.job_title, attendee.language)
    previous_name, previous_email = attendee.name, attendee.email
    for name in new.given:
        setattr(attendee, name, getattr(new, name))
    if (attendee.name, attendee.email, attendee.job_title, attendee.language) == before:
        return None
    attendee.email_key = same_address(attendee.email) if attendee.email else None
    same_person = previous_email is None or attendee.email_key == same_address(previous_email)
    if previous_email is None and attendee.email and not new.by_own_link:
        # A link of the seat without an address, should anybody have one, is not of the person it is now mailed to.
        attendee.link_version += 1
    if not same_person:
        _hand_over(links, attendee)
        if attendee.name != previous_name:
            _forget_the_one_before(attendee, new)
    attendee.sequence += 1
    attendee.updated_at = utc_now()
    return AttendeeChange.model_validate(
        {
            "attendee": attendee.id,
            "from_status": attendee.status,
            "to_status": attendee.status,
            "replaced": not same_person,
            "named": previous_name is None or previous_email is None,
            "previous_email": None if same_person else previous_email,
            "previous_name": None if same_person else previous_name,
        }
    )


def _hand_over(links: Links, attendee: Attendee) -> None:
    """Ticket and link of the one before open nothing any more, and what that person agreed to is no longer so."""
    attendee.shown_to_participants = False
    attendee.code_version += 1
    attendee.link_version += 1
    attendee.code_hash = ticket_hash(links.ticket_code(attendee.id, attendee.code_version))


def _forget_the_one_before(attendee: Attendee, new: NewName) -> None:
    for name in {"job_title", "language"} - new.given:
        setattr(attendee, name, None)


async def cancel_attendees(session: AsyncSession, event_id: UUID, attendee_ids: Iterable[UUID], *, late: bool) -> None:
    """Cancels them and gives their seats to the next in line that fit, in this transaction. Cancelled ones stay so."""
    held = await hold(session, event_id)
    statement = select(Attendee).where(col(Attendee.id).in_(list(attendee_ids)), Attendee.event_id == event_id)
    found = (await session.exec(statement.execution_options(populate_existing=True))).all()
    leaving = [attendee for attendee in found if attendee.status in ACTIVE]
    if not leaving:
        return
    if not late and utc_now() >= held.event.starts_at:
        raise ChangesClosed("The event has begun.")
    changes = _cancel(leaving, held.seats)
    await promote_waiting(session, held.event, held.seats, changes)
    await tell_changes(session, changes)


def _cancel(leaving: Sequence[Attendee], seats: EventSeats) -> Changes:
    changes: Changes = {}
    for attendee in leaving:
        if attendee.status in HOLDING:
            seats.give_back(attendee.ticket_type)
        changes.setdefault(attendee.registration_id, []).append(
            AttendeeChange.model_validate(
                {"attendee": attendee.id, "from_status": attendee.status, "to_status": "cancelled"}
            )
        )
        attendee.status, attendee.line_number = "cancelled", None
        attendee.sequence += 1
        attendee.updated_at = utc_now()
    return changes


@dataclass(frozen=True, slots=True)
class NewContact:
    """The contact person's fields that are to change."""

    given: frozenset[str]
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: Language | None = None


async def change_contact(
    session: AsyncSession,
    registration: Registration,
    new: NewContact,
    *,
    speaks: bool,
    versions: Sequence[int] | None = None,
) -> None:
    """Changes whom to write to. Another address is another person: the old link ends. `speaks`: the contact itself."""
    await hold(session, registration.event_id)
    await session.refresh(registration)
    require_version(registration.version, versions)
    given = {f"contact_{name}": getattr(new, name) for name in new.given}
    if all(getattr(registration, name) == value for name, value in given.items()):
        return
    before = same_address(registration.contact_email)
    for name, value in given.items():
        setattr(registration, name, value)
    another = same_address(registration.contact_email) != before
    if another:
        registration.link_version += 1
        registration.contact_confirmed_at = None
    session.add(registration)
    await tell_changes(session, {registration.id: []}, resend=another, contact_speaks=speaks and not another)


async def resend(session: AsyncSession, registration: Registration) -> None:
    """Has all its mails written again."""
    await hold(session, registration.event_id)
    await tell_changes(session, {registration.id: []}, resend=True)


async def replace_links(session: AsyncSession, own: OwnRegistration) -> None:
    """Ends the links of who signed up, and mails a new one to the contact person."""
    if own.answered:
        raise NotByMail("Open the page from the mail that was sent to the contact person.")
    await hold(session, own.event.id)
    await session.refresh(own.registration)
    own.registration.link_version += 1
    session.add(own.registration)
    await tell_changes(session, {own.registration.id: []}, resend=True)


async def replace_own_links(session: AsyncSession, own: OwnAttendee) -> None:
    """Ends the links of one attendee, and mails new ones to its address. Raises NotInPerson for who is another."""
    if not (own.alone or own.organises):
        raise NotInPerson("The attendee replaces the own link, or the organiser does.")
    await hold(session, own.event.id)
    await session.refresh(own.attendee)
    own.attendee.link_version += 1
    session.add(own.attendee)
    await tell_changes(session, {own.registration.id: []}, resend=True)
