"""What goes into a calendar file comes out of it, whatever people write; and mails follow RFC 5546."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from shared.calendar import CalendarEntry, calendar_file, uid_of

CEREMONY = UUID("01939d2e-7a00-7000-8000-000000000001")
ATTENDEE = UUID("01939d2e-7a00-7000-8000-000000000002")
YEAR_START = datetime(2020, 1, 1, tzinfo=UTC)

_text = st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\nÆØÅæøå🎉🧬\\;,\"^'"), min_size=1)
# icalendar reads "%2C" in a name as a comma; the file itself is right.
_names = (
    st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="%", include_characters="ÆØå🎉\\;,:\"^'"))
    .map(str.strip)
    .filter(bool)
)
_zones = st.sampled_from(
    ["Europe/Copenhagen", "America/Nuuk", "Atlantic/Faroe", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
)
_times = st.integers(0, 5 * 366 * 24 * 60).map(lambda minutes: YEAR_START + timedelta(minutes=minutes))
_entries = st.builds(
    CalendarEntry,
    uid=st.uuids().map(uid_of),
    sequence=st.integers(0, 2**31 - 1),
    title=_text,
    starts_at=_times,
    ends_at=_times,
    timezone=_zones,
    updated_at=_times,
    status=st.sampled_from(["confirmed", "cancelled"]),
    description=st.none() | _text,
    location=st.none() | _text,
    url=st.none() | st.just("https://videnbro.example.org/p/events/ceremoni?language=da&x=1;2,3"),
    organizer_name=st.none() | _names,
    organizer_email=st.just("arrangør@example.org"),
    attendee_name=st.none() | _names,
    attendee_email=st.just("aase.oe@example.org"),
)


def signing(**changes: object) -> CalendarEntry:
    facts: dict[str, object] = {
        "uid": uid_of(CEREMONY, ATTENDEE),
        "sequence": 1,
        "title": "Underskrift af samarbejdserklæring 🎉",
        "starts_at": datetime(2020, 12, 18, 7, 52, tzinfo=UTC),
        "ends_at": datetime(2020, 12, 18, 10, 0, tzinfo=UTC),
        "timezone": "Europe/Copenhagen",
        "updated_at": datetime(2020, 11, 20, 12, 0, tzinfo=UTC),
        "location": "Helix Lab, Kalundborg",
        "organizer_name": "Knowledge Hub Zealand",
        "organizer_email": "hub@example.org",
        "attendee_name": "Åse Ørsted",
        "attendee_email": "aase@example.org",
    }
    return CalendarEntry(**(facts | changes))  # type: ignore[arg-type]  # the facts above have the fields' types


def the_event(file: bytes) -> Any:
    (event,) = Calendar.from_ical(file).walk("VEVENT")
    return event


def offset_by_the_file(file: bytes, timezone: str, local: datetime) -> timedelta:
    """The offset that a reader of the VTIMEZONE alone would use for a local time."""
    zone: Any
    (zone,) = (z for z in Calendar.from_ical(file).walk("VTIMEZONE") if z["TZID"] == timezone)
    latest = max((part for part in zone.subcomponents if part["DTSTART"].dt <= local), key=lambda p: p["DTSTART"].dt)
    offset: timedelta = latest["TZOFFSETTO"].td
    return offset


@given(_entries)
@settings(max_examples=150, deadline=None)
def test_what_was_written_is_read_back(entry: CalendarEntry) -> None:
    event = the_event(calendar_file([entry], "REQUEST"))
    assert (event["UID"], event["SEQUENCE"], event["SUMMARY"]) == (entry.uid, entry.sequence, entry.title)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (entry.starts_at, entry.ends_at)
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == entry.updated_at
    assert event["STATUS"] == entry.status.upper()
    for key, value in (("DESCRIPTION", entry.description), ("LOCATION", entry.location), ("URL", entry.url)):
        assert event.get(key) == value
    for key, email, name in (
        ("ORGANIZER", entry.organizer_email, entry.organizer_name),
        ("ATTENDEE", entry.attendee_email, entry.attendee_name),
    ):
        assert event[key] == f"mailto:{email}"
        assert event[key].params.get("CN") == (name and name.replace("\\", "/"))


@given(_entries)
@settings(max_examples=50, deadline=None)
def test_lines_end_in_crlf_and_are_folded_at_75_bytes(entry: CalendarEntry) -> None:
    file = calendar_file([entry], "REQUEST", name="Mine arrangementer 🎉")
    assert file.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in file.replace(b"\r\n", b"")
    for line in file.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()


@given(_times, _zones.filter(lambda zone: zone != "UTC"))
@settings(max_examples=100, deadline=None)
def test_the_files_own_time_zone_says_the_same_as_the_worlds(starts_at: datetime, timezone: str) -> None:
    file = calendar_file([signing(starts_at=starts_at, ends_at=starts_at, timezone=timezone)])
    local = starts_at.astimezone(ZoneInfo(timezone))
    if the_event(file)["DTSTART"].params.get("TZID"):
        assert offset_by_the_file(file, timezone, local.replace(tzinfo=None)) == local.utcoffset()


def test_summer_time_begins_at_two_in_the_night() -> None:
    file = calendar_file([signing(starts_at=datetime(2020, 3, 29, 1, 0, tzinfo=UTC))])
    assert b"BEGIN:DAYLIGHT\r\nDTSTART:20200329T020000\r\n" in file
    assert b"DTSTART;TZID=Europe/Copenhagen:20200329T030000" in file


def test_in_the_hour_that_comes_twice_the_second_is_told_in_utc() -> None:
    second = datetime(2020, 10, 25, 1, 30, tzinfo=UTC)
    assert b"DTSTART:20201025T013000Z" in calendar_file([signing(starts_at=second)])


def test_a_mailed_entry_has_only_its_recipient_as_attendee() -> None:
    event = the_event(calendar_file([signing()], "REQUEST"))
    assert event["ATTENDEE"] == "mailto:aase@example.org"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"


def test_a_mailed_cancellation_takes_the_same_entry_away() -> None:
    asked, cancelled = signing(), signing(sequence=2, status="cancelled")
    file = calendar_file([cancelled], "CANCEL")
    assert b"METHOD:CANCEL" in file
    assert the_event(file)["UID"] == the_event(calendar_file([asked], "REQUEST"))["UID"]
    assert the_event(file)["STATUS"] == "CANCELLED"


@pytest.mark.parametrize("missing", ["organizer_email", "attendee_email"])
def test_a_mail_without_sender_or_recipient_is_a_programming_error(missing: str) -> None:
    with pytest.raises(ValueError, match="both addresses"):
        calendar_file([signing(**{missing: None})], "REQUEST")


def test_a_feed_names_no_attendees_and_shows_what_is_cancelled() -> None:
    file = calendar_file([signing(), signing(uid=uid_of(CEREMONY), status="cancelled")], name="Arrangementer")
    assert b"METHOD:PUBLISH" in file
    assert b"ATTENDEE" not in file
    assert b"X-WR-CALNAME:Arrangementer" in file
    assert [event["STATUS"] for event in Calendar.from_ical(file).walk("VEVENT")] == ["CONFIRMED", "CANCELLED"]


def test_a_feed_has_each_time_zone_once() -> None:
    file = calendar_file([signing(), signing(uid="2"), signing(uid="3", timezone="America/Nuuk")])
    assert file.count(b"BEGIN:VTIMEZONE") == 2


def test_an_empty_feed_is_still_a_calendar() -> None:
    assert not Calendar.from_ical(calendar_file([])).walk("VEVENT")


def test_the_same_facts_make_the_same_file() -> None:
    assert calendar_file([signing()], "REQUEST") == calendar_file([signing()], "REQUEST")


def test_an_attendees_entry_is_another_than_the_events() -> None:
    assert uid_of(CEREMONY) != uid_of(CEREMONY, ATTENDEE) == uid_of(CEREMONY, ATTENDEE)
