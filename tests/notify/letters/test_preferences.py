"""A contact says what it wants to hear of, by which channel and in which language; what must be told is told."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from services.notify.contacts import find
from shared.access.links import Purpose
from tests.notify.mailbox import Mailbox
from tests.notify.messages import attendee, new_partners, published, registered, tell
from tests.support.callers import Headers, as_caller, links
from tests.support.services import Client

METTE = as_caller("member", email="Mette@example.org")
ALL_ON = {"inbox": True, "mail": True}
FIXED = ["registrations", "events", "introductions", "links"]


def preferences(language: str = "da", **topics: dict[str, bool]) -> dict[str, Any]:
    return {"language": language, "topics": {"suggestions": ALL_ON, "organising": ALL_ON, **topics}}


async def choose(notify: Client, chosen: dict[str, Any], status: int = 200, **caller: Any) -> dict[str, Any]:
    answer = await notify.put("/v1/preferences", json=chosen, **(caller or {"headers": METTE}))
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def inbox(notify: Client, headers: Headers = METTE) -> list[str]:
    page = (await notify.get("/v1/inbox", headers=headers)).json()
    assert page["unread"] == len(page["items"])
    return [each["topic"] for each in page["items"]]


def address_in(words: str, path: str) -> str:
    found = re.search(rf"http\S+{path}\?key=[\w-]+", words)
    assert found is not None
    opened = urlsplit(found.group())
    return f"{opened.path}?{opened.query}"


async def test_everything_is_on_until_somebody_chooses_and_what_is_fixed_is_named(notify: Client) -> None:
    answer = await notify.get("/v1/preferences", headers=METTE)
    assert answer.json() == {**preferences(), "fixed": FIXED}
    chosen = preferences("en", suggestions={"inbox": True, "mail": False})
    assert await choose(notify, chosen) == {**chosen, "fixed": FIXED}
    assert (await notify.get("/v1/preferences", headers=METTE)).json() == {**chosen, "fixed": FIXED}
    assert (await choose(notify, preferences()))["topics"]["suggestions"] == ALL_ON


@pytest.mark.parametrize(
    ("suggestions", "in_inbox", "mails"),
    [
        ({"inbox": True, "mail": False}, ["suggestions_found"], 0),
        ({"inbox": False, "mail": True}, [], 1),
        ({"inbox": False, "mail": False}, [], 0),
    ],
)
async def test_new_partners_are_told_by_the_channels_chosen(
    notify: Client, mailbox: Mailbox, suggestions: dict[str, bool], in_inbox: list[str], mails: int
) -> None:
    await choose(notify, preferences(suggestions=suggestions))
    await tell(notify, new_partners("Enzymværket ApS", "mette", "Gærhuset"))
    await tell(notify, new_partners("Målelaboratoriet", "rikke", "Gærhuset"))
    await mailbox.one("rikke@example.org")
    assert await inbox(notify) == in_inbox
    await mailbox.wait_for(1 + mails)
    assert len(mailbox.to("mette@example.org")) == mails


async def test_what_must_be_told_is_told_whatever_the_preferences_say(notify: Client, mailbox: Mailbox) -> None:
    off = {"inbox": False, "mail": False}
    await choose(notify, preferences(suggestions=off, organising=off))
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    assert await inbox(notify) == ["registration_created"]
    await mailbox.one("mette@example.org", "Din tilmelding")


async def test_an_organiser_may_rest_from_sign_ups(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    assert event.contact is not None
    organiser = as_caller("organiser", organisation=event.organisation_id, email=event.contact.email)
    await choose(notify, preferences(organising={"inbox": False, "mail": False}), headers=organiser)
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    await mailbox.one("mette@example.org", "Din tilmelding")
    assert "organiser_registration" not in await inbox(notify, organiser)


async def test_the_chosen_language_is_stronger_than_what_others_say(notify: Client, mailbox: Mailbox) -> None:
    await choose(notify, preferences("en"))
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")), new_partners("Enzymværket ApS", "mette", "Gær"))
    await mailbox.one("mette@example.org", "Gær may be a partner for you")
    assert (await notify.get("/v1/preferences", headers=METTE)).json()["language"] == "en"
    items = (await notify.get("/v1/inbox", headers=METTE)).json()["items"]
    assert {each["language"] for each in items} == {"en"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"language": "de"}, "/language"),
        ({"digest": "daily"}, "/digest"),
        ({"quiet_hours": {"from": "22:00"}}, "/quiet_hours"),
        ({"topics": {"suggestions": ALL_ON}}, "/topics/organising"),
        ({"topics": {"suggestions": {"inbox": True}, "organising": ALL_ON}}, "/topics/suggestions/mail"),
        ({"topics": {"suggestions": ALL_ON, "organising": ALL_ON, "events": ALL_ON}}, "/topics/events"),
    ],
)
async def test_what_cannot_be_chosen_is_named(notify: Client, change: dict[str, Any], pointer: str) -> None:
    problem = await choose(notify, {**preferences(), **change}, 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_the_link_of_an_inbox_chooses_for_its_own_contact(notify: Client) -> None:
    await tell(notify, new_partners("Enzymværket ApS", "mette", "Gærhuset"))
    async with notify.app.state.database.reading() as session:
        contact = await find(session, "mette@example.org")
    assert contact is not None
    params = {"key": links.key(Purpose.CONTACT, contact.id, 1)}
    chosen = preferences(suggestions={"inbox": False, "mail": False})
    await choose(notify, chosen, params=params)
    assert (await notify.get("/v1/preferences", headers=METTE)).json()["topics"] == chosen["topics"]


async def test_a_mail_program_unsubscribes_by_one_click(notify: Client, mailbox: Mailbox) -> None:
    await tell(notify, new_partners("Enzymværket ApS", "mette", "Gærhuset"))
    mail = await mailbox.one("mette@example.org")
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    header = mail.message["List-Unsubscribe"]
    assert header.startswith("<http")
    assert header.endswith(">")
    path = address_in(header, "/v1/unsubscribe")

    seen = await notify.get(path)
    assert (seen.status_code, urlsplit(seen.headers["location"]).path) == (303, "/p/notify/unsubscribe")
    assert (await notify.get("/v1/preferences", headers=METTE)).json()["topics"]["suggestions"] == ALL_ON

    for _ in range(2):
        done = await notify.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (done.status_code, done.json()) == (200, {"topic": "suggestions", "channel": "mail"})
    topics = (await notify.get("/v1/preferences", headers=METTE)).json()["topics"]
    assert topics == {"suggestions": {"inbox": True, "mail": False}, "organising": ALL_ON}
    await tell(notify, new_partners("Enzymværket ApS", "mette", "Målelaboratoriet"))
    assert await inbox(notify) == ["suggestions_found"] * 2
    assert len(mailbox.to("mette@example.org")) == 1


async def test_a_person_unsubscribes_by_a_button(notify: Client, mailbox: Mailbox) -> None:
    await tell(notify, new_partners("Enzymværket ApS", "mette", "Gærhuset"))
    mail = await mailbox.one("mette@example.org")
    assert address_in(mail.html, "/p/notify/unsubscribe") == (path := address_in(mail.text, "/p/notify/unsubscribe"))
    assert (await notify.get(path)).status_code == 303
    page = await notify.get("/p/notify/unsubscribe")
    assert "Skal vi holde op med at sende mails om nye partnere til mette@example.org?" in page.text
    assert (await notify.get("/v1/preferences", headers=METTE)).json()["topics"]["suggestions"] == ALL_ON
    proof = re.search(r'name="proof" value="([^"]+)"', page.text)
    assert proof is not None
    done = await notify.post("/p/notify/unsubscribe", data={"proof": proof.group(1)})
    assert "Du er frameldt" in done.text
    assert (await notify.get("/v1/preferences", headers=METTE)).json()["topics"]["suggestions"]["mail"] is False


async def test_other_mails_have_nothing_to_unsubscribe_from(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    mail = await mailbox.one("mette@example.org", "Din tilmelding")
    assert mail.message["List-Unsubscribe"] is None


async def test_the_link_of_an_old_mail_still_unsubscribes_and_others_do_not(notify: Client) -> None:
    await tell(notify, new_partners("Enzymværket ApS", "mette", "Gærhuset"))
    items = (await notify.get("/v1/inbox", headers=METTE)).json()["items"]
    assert items
    other = links.key(Purpose.CONTACT, UUID(items[0]["id"]), 1)
    assert (await notify.post("/v1/unsubscribe", params={"key": other})).status_code == 404
    unknown = links.key(Purpose.UNSUBSCRIBE, UUID(items[0]["id"]), 1)
    assert (await notify.post("/v1/unsubscribe", params={"key": unknown})).status_code == 404
    assert (await notify.post("/v1/unsubscribe")).status_code == 401


async def test_both_at_once_end_as_one_of_them_said(notify: Client) -> None:
    off = preferences(suggestions={"inbox": False, "mail": False})
    await choose(notify, preferences())
    await asyncio.gather(*(choose(notify, each) for each in (off, preferences("en"), off, off)))
    kept = (await notify.get("/v1/preferences", headers=METTE)).json()
    assert kept["topics"] in (off["topics"], preferences()["topics"])
