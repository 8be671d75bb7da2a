"""Calendar files (RFC 5545, RFC 5546): the one door to icalendar, used by feeds and by the files attached to mails."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from icalendar import Event, TimezoneDaylight, TimezoneStandard, vCalAddress

MEDIA_TYPE = "text/calendar; charset=utf-8"
Method = Literal["PUBLISH", "REQUEST", "CANCEL"]
_REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One event in somebody's calendar.

    `sequence` must rise with every change of the same `uid`: calendars ignore what is older. `updated_at` stamps the
    entry, so that the same facts make the same file. `attendee_*` is the recipient of a mailed entry, else None.
    """

    uid: str
    sequence: int
    title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    updated_at: datetime
    status: Literal["tentative", "confirmed", "cancelled"] = "confirmed"
    description: str | None = None
    location: str | None = None
    url: str | None = None
    organizer_name: str | None = None
    organizer_email: str | None = None
    attendee_name: str | None = None
    attendee_email: str | None = None


def uid_of(event: UUID, attendee: UUID | None = None) -> str:
    """The UID of an event, or of one attendee's own entry for it; feeds and mails must agree, so all take it here."""
    return f"{event}.{attendee}@videnbro" if attendee else f"{event}@videnbro"


def calendar_file(entries: Iterable[CalendarEntry], method: Method = "PUBLISH", name: str | None = None) -> bytes:
    """A VCALENDAR with the time zones it needs. `name` is what a subscribed calendar is called.

    PUBLISH leaves attendees out. REQUEST and CANCEL are mailed: each entry must name an organiser and its recipient.
    """
    from icalendar import Calendar

    entries = tuple(entries)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Videnbro//videnbro//DA")
    calendar.add("method", method)
    if name is not None:
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", _REFRESH, {"VALUE": "DURATION"})
    for entry in entries:
        calendar.add_component(_event(entry, method))
    head, first, rest = bytes(calendar.to_ical()).partition(b"BEGIN:VEVENT")
    return head + _time_zones(entries) + first + rest


def _event(entry: CalendarEntry, method: Method) -> "Event":
    from icalendar import Event

    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.updated_at.astimezone(UTC))
    event.add("last-modified", entry.updated_at.astimezone(UTC))
    event.add("dtstart", _local(entry.starts_at, entry.timezone))
    event.add("dtend", _local(entry.ends_at, entry.timezone))
    event.add("summary", entry.title)
    event.add("status", "CANCELLED" if method == "CANCEL" else entry.status.upper())
    for key, value in (("description", entry.description), ("location", entry.location), ("url", entry.url)):
        if value is not None:
            event.add(key, value)
    _add_people(event, entry, method)
    return event


def _add_people(event: "Event", entry: CalendarEntry, method: Method) -> None:
    if entry.organizer_email is not None:
        event.add("organizer", _address(entry.organizer_email, entry.organizer_name))
    if method == "PUBLISH":
        return
    if entry.organizer_email is None or entry.attendee_email is None:
        raise ValueError(f"{method} is mailed to one attendee by an organiser: both addresses are needed")
    attendee = _address(entry.attendee_email, entry.attendee_name)
    attendee.params.update(
        {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "DECLINED" if method == "CANCEL" else "ACCEPTED", "RSVP": "FALSE"}
    )
    event.add("attendee", attendee)


def _address(email: str, name: str | None) -> "vCalAddress":
    from icalendar import vCalAddress

    address = vCalAddress(f"mailto:{email}")
    if name is not None:
        # A backslash means nothing in a parameter, but many readers take it for an escape and lose the address.
        address.params["CN"] = name.replace("\\", "/")
    return address


def _local(at: datetime, timezone: str) -> datetime:
    """In the event's zone, or in UTC in the hour that comes twice: a local time there means the first to a calendar."""
    local = at.astimezone(ZoneInfo(timezone))
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return at.astimezone(UTC) if twice else local


def _time_zones(entries: tuple[CalendarEntry, ...]) -> bytes:
    years: dict[str, set[int]] = {}
    for entry in entries:
        years.setdefault(entry.timezone, set()).update((entry.starts_at.year, entry.ends_at.year))
    return b"".join(_time_zone(name, min(seen), max(seen)) for name, seen in years.items() if name != "UTC")


@lru_cache(maxsize=64)
def _time_zone(timezone: str, first_year: int, last_year: int) -> bytes:
    """The zone's offsets in those years and the ones beside them.

    Not `icalendar.Timezone.from_tzid`: 7.3 gives the start of summer time an hour late.
    """
    from icalendar import Timezone

    zone = ZoneInfo(timezone)
    start, end = datetime(first_year - 1, 1, 1, tzinfo=UTC), datetime(last_year + 2, 1, 1, tzinfo=UTC)
    component = Timezone()
    component.add("tzid", timezone)
    component.add_component(_observance(zone, start, _offset(zone, start)))
    for at in _changes(zone, start, end):
        component.add_component(_observance(zone, at, _offset(zone, at - timedelta(minutes=1))))
    # Kept as text: writing it anew took two thirds of the time of a mailed file.
    return bytes(component.to_ical())


def _observance(zone: ZoneInfo, at: datetime, before: timedelta) -> "TimezoneStandard | TimezoneDaylight":
    """What holds from `at` on. Its start is written in the local time that held `before`."""
    from icalendar import TimezoneDaylight, TimezoneStandard

    local = at.astimezone(zone)
    observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
    observance.add("dtstart", (at + before).replace(tzinfo=None))
    observance.add("tzoffsetfrom", before)
    observance.add("tzoffsetto", _offset(zone, at))
    observance.add("tzname", local.tzname())
    return observance


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """When the zone's offset changes, to the minute: day by day, then by halves of the day it changed in."""
    day = timedelta(days=1)
    while start < end:
        if _offset(zone, start) != _offset(zone, start + day):
            low, high = 0, 24 * 60
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(zone, start + timedelta(minutes=middle)) == _offset(zone, start):
                    low = middle
                else:
                    high = middle
            yield start + timedelta(minutes=high)
        start += day


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
