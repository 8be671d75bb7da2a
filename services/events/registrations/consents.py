"""What attendees agree to: each for itself, by a link that was mailed to its own address, and only until it says no."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.holding import hold
from services.events.registrations.access import OwnAttendee
from services.events.registrations.facts import tell_changes
from services.events.tables import ACTIVE
from shared.contracts.events import AttendeeChange
from shared.fields import utc_now
from shared.problems import Problem, WrongStatus


class NotInPerson(Problem):
    """Nobody agrees for somebody else: not the contact person, not the organiser, not the secretariat."""

    status, slug, title = 403, "not-in-person", "Only the attendee can say this, by the own link"


async def give(session: AsyncSession, own: OwnAttendee, *, shown_to_participants: bool) -> None:
    """Agrees to be shown to others who come, or takes that back, which is possible at any time."""
    if not own.in_person:
        raise NotInPerson("Open the page from the mail that was sent to the attendee's own address.")
    await hold(session, own.event.id)
    attendee = own.attendee
    version = attendee.link_version
    await session.refresh(attendee)
    if attendee.link_version != version:
        raise NotInPerson("The seat has just been handed over.")
    if shown_to_participants and attendee.status not in ACTIVE:
        raise WrongStatus(f"This attendee is {attendee.status}; only active ones can be shown to others.")
    if attendee.shown_to_participants == shown_to_participants:
        return
    attendee.shown_to_participants, attendee.updated_at = shown_to_participants, utc_now()
    session.add(attendee)
    unmoved = {"attendee": attendee.id, "from_status": attendee.status, "to_status": attendee.status}
    await tell_changes(session, {attendee.registration_id: [AttendeeChange.model_validate(unmoved)]})
