"""The pages of events, as a browser without JavaScript meets them; the rules behind them are the API's own."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from icalendar import Calendar

from shared.access.links import Purpose
from shared.language import span
from tests.events.builders import (
    ORGANISER,
    capacity,
    in_days,
    key_of,
    mailed_key,
    next_year,
    published,
    signed_up,
)
from tests.support.callers import links
from tests.support.services import Client

NOBODY = {"name": "", "email": ""}


def form(*people: dict[str, str], **fields: str) -> dict[str, Any]:
    """A filled-in sign-up form; the first of `people` is the contact person unless `contact_comes` is empty."""
    rows = people or (NOBODY,)
    return {
        "do": "sign_up",
        "once": "sixteen characters and more",
        "organisation": "Fjordenzym ApS",
        "contact_name": "Mette Holm",
        "contact_email": "mette@example.org",
        "contact_comes": "yes",
        "name": [row["name"] for row in rows],
        "email": [row["email"] for row in rows],
    } | fields


BODIL = {"name": "Bodil Ravn", "email": "bodil@example.org"}


async def open_registration(client: Client, registration: dict[str, Any], key: str | None = None) -> str:
    """The page's path, with its key in the client's cookies."""
    path = f"/p/events/registrations/{registration['id']}"
    key = key or key_of(registration)
    assert (await client.get(path, params={"key": key}, follow_redirects=True)).status_code == 200
    return path


async def open_attendee(client: Client, attendee: str, version: int = 1) -> httpx.Response:
    key = links.key(Purpose.ATTENDEE, UUID(attendee), version)
    return await client.get(f"/p/events/attendees/{attendee}", params={"key": key}, follow_redirects=True)


async def press(client: Client, path: str, **fields: Any) -> httpx.Response:
    """Opens the page and sends its form, as its button does."""
    page = await client.get(path)
    proof = re.search(r'name="proof" value="([^"]+)"', page.text)
    assert proof, page.text
    return await client.post(path, data={"proof": proof.group(1)} | fields, follow_redirects=True)


def ticket_of(attendee: str, version: int = 1) -> str:
    return f"/t/{links.ticket_code(UUID(attendee), version)}"


async def test_the_public_page_says_what_when_where_and_how_many_seats(client: Client) -> None:
    starts_at = datetime(next_year(), 12, 18, 7, 52, tzinfo=UTC)
    ends_at = starts_at + timedelta(hours=2, minutes=8)
    event = await published(
        client,
        starts_at=starts_at.isoformat(),
        ends_at=ends_at.isoformat(),
        summary={"da": "Vi skriver under <sammen>."},
        capacity=12,
    )
    page = await client.get(f"/p/events/{event['slug']}")
    assert page.status_code == 200
    for words in (
        "Underskrift i Helix Lab",
        span(starts_at, ends_at, "Europe/Copenhagen", "da"),
        "Kalundborg",
        "12 ledige pladser",
        "Vi skriver under &lt;sammen&gt;.",
    ):
        assert words in page.text
    english = await client.get(f"/p/events/{event['id']}?language=en")
    assert span(starts_at, ends_at, "Europe/Copenhagen", "en") in english.text


async def test_a_draft_has_no_page(client: Client) -> None:
    event = await published(client)
    drafted = await client.post(
        "/v1/events",
        json={"title": {"da": "Kladde"}, "starts_at": in_days(1), "ends_at": in_days(2)},
        headers=ORGANISER,
    )
    for reference in (drafted.json()["slug"], drafted.json()["id"], "nothing", "a" * 80):
        page = await client.get(f"/p/events/{reference}")
        assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert (await client.get(f"/p/events/{event['slug']}")).status_code == 200


async def test_two_people_sign_up_by_the_form_and_see_who_is_in(client: Client) -> None:
    event = await published(client)
    page = await client.post(f"/p/events/{event['slug']}", data=form(NOBODY, BODIL), follow_redirects=True)
    assert page.status_code == 200
    assert page.url.path.startswith("/p/events/registrations/")
    assert "key" not in page.url.params
    for words in ("Tak for tilmeldingen", "Fjordenzym ApS", "Mette Holm", "Bodil Ravn", "bodil@example.org"):
        assert words in page.text
    assert page.text.count("Bekræftet") == 2
    assert (await capacity(client, event))["quotas"][0]["taken"] == 2


async def test_rows_are_added_and_taken_away_and_nothing_written_is_lost(client: Client) -> None:
    event = await published(client)
    address = f"/p/events/{event['slug']}"
    longer = await client.post(address, data=form(NOBODY, BODIL) | {"do": "add"})
    assert (longer.status_code, longer.text.count('name="email"')) == (200, 3)
    assert 'value="Bodil Ravn"' in longer.text
    shorter = await client.post(address, data=form(NOBODY, BODIL) | {"do": "remove-0"})
    assert shorter.text.count('name="email"') == 1
    assert 'value="Bodil Ravn"' in shorter.text
    assert 'value="yes" checked' not in shorter.text
    assert (await capacity(client, event))["quotas"][0]["taken"] == 0


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"contact_name": ""}, "Skriv et navn på én linje"),
    ({"contact_email": "mette@"}, "Skriv en e-mailadresse"),
    ({"contact_phone": "ring til mig"}, "Skriv et nummer"),
    ({"organisation": "x" * 201}, "Skriv et navn på én linje"),
    ({"contact_name": "Mette\x00Holm"}, "Skriv et navn på én linje"),
    ({"email": ["", "bodil"]}, "Skriv en e-mailadresse"),
    ({"email": ["", "mette@example.org"]}, "står to gange"),
    ({"ticket_type": ["", "minister"]}, "Vælg en anden deltagertype"),
    ({"if_full": "push"}, "Noget mangler eller skal rettes"),
    ({"kind": "circus"}, "Noget mangler eller skal rettes"),
)


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_changed(client: Client) -> None:
    event = await published(client, ticket_types=[{"key": key, "title": {"da": key}} for key in ("guest", "press")])
    for fields, words in WRONG:
        page = await client.post(f"/p/events/{event['slug']}", data=form(NOBODY, BODIL) | fields)
        assert page.status_code == 422, fields
        assert words in page.text, fields
        assert 'value="Bodil Ravn"' in page.text
    assert (await capacity(client, event))["quotas"][0]["taken"] == 0


async def test_an_odd_form_is_answered_with_a_page(client: Client) -> None:
    event = await published(client)
    for do in ("", "add", "remove-" + "9" * 5000, "remove--1", "remove-x", "remove-²", "\x00"):
        for fields in (
            {"do": do},
            {"do": do, "name": ["x"] * 900, "email": ["\ud7ff"]},
            {"do": do, "once": "\x00" * 40},
        ):
            page = await client.post(f"/p/events/{event['slug']}", data=fields)
            assert page.status_code < 500
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_the_button_pressed_twice_signs_up_once(client: Client) -> None:
    event = await published(client)
    filled = form(NOBODY, NOBODY, contact_comes="")
    pages = [await client.post(f"/p/events/{event['slug']}", data=filled) for _ in range(2)]
    assert pages[0].status_code == 303
    assert pages[0].headers["Location"] == pages[1].headers["Location"]
    changed = await client.post(f"/p/events/{event['slug']}", data=filled | {"contact_name": "Åse Lund"})
    assert changed.headers["Location"] != pages[0].headers["Location"]
    assert (await capacity(client, event))["quotas"][0]["taken"] == 4


async def test_two_forms_without_their_secret_are_two_sign_ups(client: Client) -> None:
    event = await published(client)
    filled = form(contact_comes="", once="")
    pages = [await client.post(f"/p/events/{event['slug']}", data=filled) for _ in range(2)]
    assert pages[0].headers["Location"] != pages[1].headers["Location"]


async def test_when_seats_run_out_the_rest_wait_in_line_or_nobody_is_signed_up(client: Client) -> None:
    event = await published(client, capacity=1)
    refused = await client.post(f"/p/events/{event['slug']}", data=form(NOBODY, BODIL, if_full="refuse"))
    assert refused.status_code == 409
    assert "Der er 1 pladser tilbage, og I er 2" in refused.text
    page = await client.post(f"/p/events/{event['slug']}", data=form(NOBODY, BODIL), follow_redirects=True)
    assert "På venteliste, nr. 1" in page.text
    assert "Alle pladser er taget" in (await client.get(f"/p/events/{event['slug']}")).text


async def test_a_registered_address_is_not_signed_up_again_and_nothing_is_given_away(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[{"name": "Bodil Secret", "email": "bodil@example.org"}])
    page = await client.post(f"/p/events/{event['slug']}", data=form(NOBODY, BODIL))
    assert page.status_code == 409
    assert "En af jer er allerede tilmeldt" in page.text
    assert "Secret" not in page.text


async def test_a_closed_and_a_cancelled_event_take_no_sign_ups(client: Client) -> None:
    event = await published(client)
    await client.post(f"/v1/events/{event['id']}/cancel", json={"reason": {"da": "Storm"}}, headers=ORGANISER)
    page = await client.get(f"/p/events/{event['slug']}")
    assert "Arrangementet er aflyst" in page.text
    assert "Storm" in page.text
    assert "<form" not in page.text
    refused = await client.post(f"/p/events/{event['slug']}", data=form())
    assert refused.status_code == 409


async def test_the_contact_person_names_a_seat(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, people=2)
    path = await open_registration(client, registration)
    seat = registration["attendees"][1]["id"]
    page = await press(client, f"{path}/attendees/{seat}", name="Aksel Lind", email="aksel@example.org")
    assert (page.status_code, page.url.path) == (200, path)
    assert "Navnet er gemt" in page.text
    assert "aksel@example.org" in page.text
    assert "1 plads mangler navn" in re.sub(r"\s+", " ", page.text)
    assert (await client.get(ticket_of(seat))).status_code == 200


async def test_a_handed_over_seat_gets_a_new_ticket_and_the_old_one_ends(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[BODIL])
    path = await open_registration(client, registration)
    seat = registration["attendees"][0]["id"]
    page = await press(client, f"{path}/attendees/{seat}", name="Aksel Lind", email="aksel@example.org")
    assert "Pladsen er givet videre" in page.text
    assert f'href="{ticket_of(seat, 2)}"' in page.text
    old = await client.get(ticket_of(seat))
    assert old.status_code == 410
    assert "Billetten gælder ikke længere" in old.text
    assert (await open_attendee(client, seat)).status_code == 410
    assert "Aksel Lind" in (await open_attendee(client, seat, 2)).text


async def test_a_name_that_cannot_be_is_refused_at_its_field(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[{}, BODIL])
    path = await open_registration(client, registration)
    for filled, words in (
        ({"name": "", "email": "aksel@example.org"}, "Skriv et navn"),
        ({"name": "Aksel", "email": "aksel"}, "Skriv en e-mailadresse"),
        ({"name": "Aksel", "email": "bodil@example.org"}, "allerede tilmeldt"),
        ({}, "Skriv et navn"),
    ):
        page = await press(client, f"{path}/attendees/{registration['attendees'][0]['id']}", **filled)
        assert page.status_code == 422, filled
        assert words in page.text


async def test_cancelling_asks_first_and_gives_the_seats_to_the_next_in_line(client: Client) -> None:
    event = await published(client, capacity=2)
    registration = await signed_up(client, event, attendees=[BODIL, {"name": "Carl Dam"}])
    waiting = await signed_up(client, event, people=2)
    path = await open_registration(client, registration)
    first, second = (attendee["id"] for attendee in registration["attendees"])
    asked = await client.get(f"{path}/cancel", params={"attendee": first})
    assert f'value="{first}" checked' in asked.text
    assert f'value="{second}" checked' not in asked.text
    assert (await client.get(path)).text.count("Bekræftet") == 2

    nobody = await press(client, f"{path}/cancel")
    assert (nobody.status_code, "Sæt kryds ved mindst én" in nobody.text) == (422, True)
    page = await press(client, f"{path}/cancel", attendee=[first, second])
    assert "Afmeldingen er gået igennem" in page.text
    assert page.text.count("Afmeldt") == 2
    others = await open_registration(client, waiting)
    assert (await client.get(others)).text.count("Bekræftet") == 2


async def test_another_registrations_attendee_is_not_cancelled(client: Client) -> None:
    event = await published(client)
    registration, other = await signed_up(client, event), await signed_up(client, event)
    path = await open_registration(client, registration)
    page = await press(client, f"{path}/cancel", attendee=other["attendees"][0]["id"])
    assert page.status_code == 422
    assert (await client.get(f"{path}/attendees/{other['attendees'][0]['id']}")).status_code == 404
    assert (await capacity(client, event))["quotas"][0]["taken"] == 2


async def test_the_mails_are_sent_again_on_request(client: Client) -> None:
    event = await published(client)
    path = await open_registration(client, await signed_up(client, event))
    page = await client.get(path)
    proof = re.findall(r'name="proof" value="([^"]+)"', page.text)[0]
    again = await client.post(f"{path}/resend", data={"proof": proof}, follow_redirects=True)
    assert "Mailene er på vej igen" in again.text


async def test_the_calendar_file_of_the_page_needs_no_key_in_its_address(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, people=2)
    path = await open_registration(client, registration)
    file = await client.get(f"{path}/calendar.ics")
    assert file.headers["Content-Type"].startswith("text/calendar")
    assert len(Calendar.from_ical(file.content).walk("VEVENT")) == 2


async def test_the_ticket_shows_whose_it_is_and_a_qr_code(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[BODIL])
    page = await client.get(ticket_of(registration["attendees"][0]["id"]))
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    for words in ("Bodil Ravn", "Underskrift i Helix Lab", "Bekræftet", "data:image/svg+xml;base64,"):
        assert words in page.text
    assert "bodil@example.org" not in page.text
    file = await client.get(f"{page.url.path}/calendar.ics")
    assert len(Calendar.from_ical(file.content).walk("VEVENT")) == 1


async def test_who_waits_or_is_cancelled_has_no_qr_code(client: Client) -> None:
    event = await published(client, capacity=1)
    registration = await signed_up(client, event, people=2)
    seated, waiting = (attendee["id"] for attendee in registration["attendees"])
    assert "Der er ikke en plads endnu" in (await client.get(ticket_of(waiting))).text
    path = await open_registration(client, registration)
    await press(client, f"{path}/cancel", attendee=[seated, waiting])
    page = await client.get(ticket_of(seated))
    assert "Pladsen er afmeldt" in page.text
    assert "base64" not in page.text


async def test_a_code_that_is_none_of_ours_gets_a_friendly_page(client: Client) -> None:
    for code in ("AAAAAAAAAAAAAAAA", "æ", "x" * 41, "a/b"):
        page = await client.get(f"/t/{code}")
        assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


async def test_an_attendee_sees_and_cancels_only_the_own_seat(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[BODIL, {"name": "Carl Dam"}])
    own = registration["attendees"][0]["id"]
    page = await open_attendee(client, own)
    assert "Bodil Ravn" in page.text
    assert "Carl Dam" not in page.text
    asked = await client.get(f"{page.url.path}/cancel")
    assert "Vil du afmelde din plads?" in asked.text
    cancelled = await press(client, f"{page.url.path}/cancel")
    assert "Afmeldingen er gået igennem" in cancelled.text
    assert (await capacity(client, event))["quotas"][0]["taken"] == 1
    over = await client.get(f"{page.url.path}/cancel")
    assert "Her kan ikke afmeldes længere" in over.text


async def test_an_attendee_hands_the_own_seat_over_and_the_own_link_ends(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[BODIL])
    page = await open_attendee(client, registration["attendees"][0]["id"])
    path = page.url.path
    given = await press(client, f"{path}/name", name="Aksel Lind", email="aksel@example.org")
    assert "Pladsen er givet videre" in given.text
    assert (await client.get(path)).status_code == 410


async def test_an_attendees_page_opens_by_no_key_but_the_attendees(client: Client) -> None:
    registration = await signed_up(client, await published(client), attendees=[BODIL])
    attendee = registration["attendees"][0]["id"]
    path = (await open_attendee(client, attendee)).url.path
    await press(client, f"{path}/name", name="Bodil Ravn", email="secret@example.org")
    for key in (key_of(registration), mailed_key(registration)):
        page = await client.get(path, params={"key": key}, follow_redirects=True)
        assert page.status_code == 404
        assert "secret@example.org" not in page.text
        ours = await client.get(await open_registration(client, registration, key))
        assert "secret@example.org" not in ours.text


async def test_an_attendees_link_opens_no_registration(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[BODIL])
    key = links.key(Purpose.ATTENDEE, UUID(registration["attendees"][0]["id"]), 1)
    page = await client.get(f"/p/events/registrations/{registration['id']}?key={key}", follow_redirects=True)
    assert page.status_code == 404


async def test_after_changes_close_names_are_kept_and_seats_can_still_be_cancelled(client: Client) -> None:
    event = await published(client, starts_at=in_days(0.5), ends_at=in_days(0.6))
    registration = await signed_up(client, event, attendees=[BODIL])
    path = await open_registration(client, registration)
    page = await client.get(path)
    assert "Ret eller giv videre" not in page.text
    late = await press(client, f"{path}/attendees/{registration['attendees'][0]['id']}", name="Aksel Lind")
    assert late.status_code == 409
    assert "Det er for sent at ændre her" in late.text
    gone = await press(client, f"{path}/cancel", attendee=registration["attendees"][0]["id"])
    assert "Afmeldingen er gået igennem" in gone.text


async def test_every_page_speaks_the_contact_persons_language(client: Client) -> None:
    event = await published(client)
    contact = {"name": "Ada Byrne", "email": "ada@example.org", "language": "en"}
    registration = await signed_up(client, event, contact=contact, attendees=[BODIL])
    path = await open_registration(client, registration)
    for address in (path, f"{path}/cancel", f"{path}/attendees/{registration['attendees'][0]['id']}"):
        page = await client.get(address, headers={"Accept-Language": "da"})
        assert '<html lang="en">' in page.text
        assert "Signing at Helix Lab" in page.text


async def test_an_attendee_agrees_to_be_shown_by_a_tick_and_takes_it_back(client: Client) -> None:
    registration = await signed_up(client, await published(client), attendees=[BODIL])
    attendee = registration["attendees"][0]["id"]
    page = await open_attendee(client, attendee)
    assert "Vis andre deltagere, at jeg kommer" in page.text
    assert "Fjordenzym ApS blive foreslået" in page.text
    assert " checked" not in page.text
    proof = re.search(r'name="proof" value="([^"]+)"', page.text)
    assert proof is not None
    path, sent = f"{page.url.path}/consents", {"proof": proof[1]}
    agreed = await client.post(path, data=sent | {"shown_to_participants": "yes"}, follow_redirects=True)
    assert "Andre deltagere kan nu se, at du kommer" in agreed.text
    assert " checked" in agreed.text
    back = await client.post(path, data=sent, follow_redirects=True)
    assert "Du bliver ikke vist for andre deltagere" in back.text
    assert " checked" not in back.text


async def test_a_contact_person_who_attends_agrees_on_the_registrations_page_and_for_nobody_else(
    client: Client,
) -> None:
    contact = {"name": "Mette Holm", "email": "mette@example.org", "language": "da"}
    people = [{"name": "Mette Holm", "email": "Mette@example.org"}, BODIL]
    registration = await signed_up(client, await published(client), contact=contact, attendees=people)
    mette, bodil = (each["id"] for each in registration["attendees"])
    path = await open_registration(client, registration)
    assert "Vis andre deltagere" not in (await client.get(path)).text, "by the key that was answered"
    await open_registration(client, registration, mailed_key(registration))
    page = await client.get(path)
    assert page.text.count("Vis andre deltagere") == 1
    proof = re.search(r'name="proof" value="([^"]+)"', page.text)
    assert proof is not None
    sent = {"proof": proof[1], "shown_to_participants": "yes"}
    agreed = await client.post(f"{path}/attendees/{mette}/consents", data=sent, follow_redirects=True)
    assert "Andre deltagere kan nu se, at du kommer" in agreed.text
    assert (await client.post(f"{path}/attendees/{bodil}/consents", data=sent)).status_code == 403
    seen = await client.get(f"/v1/attendees/{bodil}", headers=ORGANISER)
    assert seen.json()["consents"] == {"shown_to_participants": False}
