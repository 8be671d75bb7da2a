"""Calendar files: entries that stay true in a calendar that keeps them."""

from typing import Any

from icalendar import Calendar, Event

from tests.events.builders import (
    ORGANISER,
    by_link,
    cancel,
    ceremony,
    change_event,
    in_days,
    key_of,
    next_year,
    one_of,
    own_attendee,
    own_key,
    published,
    rename,
    signed_up,
)
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org"}


async def entries(client: Client, path: str, **params: str) -> list[Event]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    calendar = Calendar.from_ical(answer.content)
    assert calendar["method"] == "PUBLISH"
    return [entry for entry in calendar.walk() if isinstance(entry, Event)]


async def of_event(client: Client, event: dict[str, Any], **params: str) -> Event:
    (entry,) = await entries(client, f"/v1/events/{event['slug']}/calendar.ics", **params)
    return entry


async def of_attendee(client: Client, registration: dict[str, Any], index: int = 0) -> Event:
    path = f"/v1/attendees/{one_of(registration, index)['id']}/calendar.ics"
    (entry,) = await entries(client, path, key=key_of(registration))
    return entry


def sequence(entry: Event) -> int:
    return int(str(entry["sequence"]))


async def test_an_event_in_danish_unless_another_language_is_asked_for(client: Client) -> None:
    event = await published(client, summary={"da": "Kom i god tid", "en": "Come early"})
    entry = await of_event(client, event)
    assert (entry["summary"], entry["description"]) == ("Underskrift i Helix Lab", "Kom i god tid")
    assert (entry["location"], entry["status"]) == ("Helix Lab, Kalundborg", "CONFIRMED")
    assert str(entry["url"]).endswith(f"/p/events/{event['slug']}")
    assert "attendee" not in entry
    assert (await of_event(client, event, language="en"))["summary"] == "Signing at Helix Lab"
    english = await client.get(f"/v1/events/{event['id']}/calendar.ics", headers={"Accept-Language": "en-GB"})
    assert b"SUMMARY:Signing at Helix Lab" in english.content


async def test_times_are_on_the_events_own_clock_with_the_zone_told(client: Client) -> None:
    year = next_year()
    event = await published(client, starts_at=f"{year}-05-06T08:52", ends_at=f"{year}-05-06T12:00")
    answer = await client.get(f"/v1/events/{event['id']}/calendar.ics")
    assert f"DTSTART;TZID=Europe/Copenhagen:{year}0506T085200" in answer.text
    assert b"BEGIN:VTIMEZONE" in answer.content


async def test_an_entry_keeps_its_uid_and_its_sequence_rises_with_every_change(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[{}])
    seen = [await of_attendee(client, registration)]
    await rename(client, registration, name="Aksel Lind", email="aksel@example.org")
    seen.append(await of_attendee(client, registration))
    await change_event(client, event, starts_at=in_days(27), ends_at=in_days(27.2), notify="none")
    seen.append(await of_attendee(client, registration))
    await cancel(client, registration)
    seen.append(await of_attendee(client, registration))
    assert len({str(entry["uid"]) for entry in seen}) == 1
    sequences = [sequence(entry) for entry in seen]
    assert sequences == sorted(set(sequences)), sequences
    assert [str(entry["status"]) for entry in seen] == ["CONFIRMED"] * 3 + ["CANCELLED"]


async def test_calling_the_event_off_calls_every_entry_off(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event)
    before = sequence(await of_attendee(client, registration))
    await client.post(f"/v1/events/{event['id']}/cancel", json={}, headers=ORGANISER)
    for entry in (await of_event(client, event), await of_attendee(client, registration)):
        assert entry["status"] == "CANCELLED"
    assert sequence(await of_attendee(client, registration)) > before


async def test_a_registration_has_an_entry_for_each_who_has_or_had_a_seat(client: Client) -> None:
    event = await published(client, capacity=2)
    registration = await signed_up(client, event, people=3)
    path = f"/v1/registrations/{registration['id']}/calendar.ics"
    assert len(await entries(client, path, key=key_of(registration))) == 2
    await cancel(client, registration, 0)
    found = await entries(client, path, key=key_of(registration))
    assert sorted(str(entry["status"]) for entry in found) == ["CANCELLED", "CONFIRMED", "CONFIRMED"]
    assert len({str(entry["uid"]) for entry in found}) == 3


async def test_who_waits_has_an_entry_that_is_not_settled(client: Client) -> None:
    event = await published(client, capacity=1)
    leaving = await signed_up(client, event)
    waiting = await signed_up(client, event)
    tentative = await of_attendee(client, waiting)
    assert tentative["status"] == "TENTATIVE"
    await cancel(client, leaving)
    confirmed = await of_attendee(client, waiting)
    assert (confirmed["status"], confirmed["uid"]) == ("CONFIRMED", tentative["uid"])
    assert sequence(confirmed) > sequence(tentative)


async def test_the_one_before_does_not_read_the_entry_of_who_took_the_seat(client: Client) -> None:
    registration = await signed_up(client, await published(client), attendees=[AKSEL])
    key, path = own_key(one_of(registration)), f"/v1/attendees/{one_of(registration)['id']}/calendar.ics"
    assert (await client.get(path, params=key)).status_code == 200
    await rename(client, registration, name="Bodil Ravn", email="bodil@example.org")
    assert (await client.get(path, params=key)).status_code == 410


async def test_the_public_calendar_holds_what_is_listed_and_to_come(client: Client) -> None:
    await published(client, kind="workshop")
    signing = await published(client, title={"da": "Møde"})
    await published(client, listed=False)
    await client.post("/v1/events", json=ceremony(), headers=ORGANISER)
    assert len(await entries(client, "/v1/calendar.ics")) == 2
    (entry,) = await entries(client, "/v1/calendar.ics", kind="signing", language="en")
    assert entry["summary"] == "Møde", "in the language there is"
    assert entry["uid"] == (await of_event(client, signing))["uid"]
    assert (await client.get("/v1/calendar.ics", params={"kind": "party"})).status_code == 422
    await client.post(f"/v1/events/{signing['id']}/cancel", json={}, headers=ORGANISER)
    (entry,) = await entries(client, "/v1/calendar.ics", kind="signing")
    assert entry["status"] == "CANCELLED", "who subscribes must hear of it"


async def test_the_same_facts_make_the_same_file(client: Client) -> None:
    event = await published(client)
    first, second = [await client.get(f"/v1/events/{event['id']}/calendar.ics") for _ in range(2)]
    assert first.content == second.content


async def test_private_calendars_are_not_there_without_their_link(client: Client) -> None:
    event = await published(client)
    registration, other = await signed_up(client, event), await signed_up(client, event)
    for path in (f"/v1/registrations/{registration['id']}", f"/v1/attendees/{one_of(registration)['id']}"):
        assert (await client.get(f"{path}/calendar.ics")).status_code == 401
        assert (await client.get(f"{path}/calendar.ics", params={"key": key_of(other)})).status_code == 404
        assert (await client.get(f"{path}/calendar.ics", params={"key": "x" * 52})).status_code == 401
    assert (await by_link(client, registration))["links"]["calendar"].endswith(key_of(registration))


async def test_the_picture_of_a_ticket_holds_its_address(client: Client) -> None:
    own = await own_attendee(client, await signed_up(client, await published(client)))
    assert own["ticket"]["href"].endswith(f"/t/{own['ticket']['code']}")
    svg = await client.get(f"/v1/tickets/{own['ticket']['code']}/qr.svg")
    assert (svg.headers["Content-Type"], svg.content[:4]) == ("image/svg+xml", b"<svg")
    png = await client.get(f"/v1/tickets/{own['ticket']['code']}/qr.png")
    assert (png.headers["Content-Type"], png.content[1:4]) == ("image/png", b"PNG")
    assert (await client.get("/v1/tickets/NOTATICKETOFOURS/qr.svg")).status_code == 404
