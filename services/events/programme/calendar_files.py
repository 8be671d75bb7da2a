"""Events and registrations as calendar files."""

from collections.abc import Sequence
from typing import Literal

from services.events.registrations.facts import RegistrationSeen
from services.events.tables import ACTIVE, Attendee, Event
from shared.calendar import CalendarEntry, calendar_file, uid_of
from shared.fields import Language
from shared.language import text_of


def _place(event: Event) -> str | None:
    venue = event.venue or {}
    parts = [venue.get("name"), venue.get("address"), venue.get("city")]
    return ", ".join(part for part in parts if part) or event.online_url


def _entry(event: Event, attendee: Attendee | None, url: str, language: Language) -> CalendarEntry:
    return CalendarEntry(
        uid=uid_of(event.id, attendee.id if attendee else None),
        sequence=event.version + (attendee.sequence if attendee else 0),
        title=text_of(event.title, language),
        description=text_of(event.summary, language) if event.summary else None,
        location=_place(event),
        url=url,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        timezone=event.timezone,
        status=_status(event, attendee),
        updated_at=max(event.updated_at, attendee.updated_at) if attendee else event.updated_at,
    )


def _status(event: Event, attendee: Attendee | None) -> Literal["tentative", "confirmed", "cancelled"]:
    if event.status == "cancelled" or (attendee is not None and attendee.status not in ACTIVE):
        return "cancelled"
    return "confirmed" if attendee is None or attendee.status == "confirmed" else "tentative"


def event_file(event: Event, url: str, language: Language) -> bytes:
    return calendar_file([_entry(event, None, url, language)])


def listed_file(events: Sequence[tuple[Event, str]], language: Language, name: str) -> bytes:
    """The public feed: `events` with the address of each page."""
    return calendar_file([_entry(event, None, url, language) for event, url in events], name=name)


def attendee_file(event: Event, attendee: Attendee, url: str, language: Language) -> bytes:
    return calendar_file([_entry(event, attendee, url, language)])


def registration_file(event: Event, seen: RegistrationSeen, url: str, language: Language) -> bytes:
    """One entry for each attendee of the registration that has a seat or had one."""
    shown = [attendee for attendee in seen.attendees if attendee.status in ("confirmed", "cancelled")]
    return calendar_file([_entry(event, attendee, url, language) for attendee in shown])
