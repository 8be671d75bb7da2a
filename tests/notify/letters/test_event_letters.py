"""Everybody on the roll of an event hears what happens to it, each once and in the own language."""

import re
from datetime import timedelta

from sqlmodel import col, select

from services.notify.tables import RollEntry
from shared.contracts.events import AttendeeCheckedIn, AttendeeCheckedOut, ContactPerson, Venue
from shared.language import span
from tests.notify.mailbox import Mailbox
from tests.notify.messages import (
    attendee,
    called_off,
    changed,
    organiser,
    published,
    registered,
    tell,
    updated,
)
from tests.support.callers import as_caller
from tests.support.services import Client


async def topics_of(notify: Client, email: str) -> list[str]:
    answer = await notify.get("/v1/inbox", headers=as_caller("member", email=email))
    return [each["topic"] for each in answer.json()["items"]]


async def test_a_cancelled_event_is_told_to_everybody_on_the_roll_once(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    mette, jens, gone = attendee("Mette Holm"), attendee("Jens Lund", "waitlisted"), attendee("Karen Bay", "cancelled")
    ada = ContactPerson(name="Ada Smith", email="ada@example.org", language="en")
    await tell(notify, organiser(), event, registered(event, mette, jens, gone))
    await tell(notify, registered(event, attendee(None), contact=ada, reference="KLB-4712"))
    await mailbox.wait_for(4)
    await tell(notify, called_off(event, "Taleren er syg.\nVi finder en ny dag."))

    to_mette = await mailbox.one("mette@example.org", "Aflyst")
    assert "> Taleren er syg.\n> Vi finder en ny dag." in to_mette.text.replace("\r\n", "\n")
    assert to_mette.calendar is not None
    for line in ("METHOD:CANCEL", f"UID:{event.event_id}.{mette.id}@videnbro", "SEQUENCE:3", "STATUS:CANCELLED"):
        assert line in to_mette.calendar
    assert "List-Id" in to_mette.message
    assert (await mailbox.one("jens@example.org", "Aflyst")).text.startswith("Kære Jens Lund")
    assert (await mailbox.one("ada@example.org", "Cancelled: The Biotech City alliance")).calendar is not None
    assert mailbox.to("karen@example.org") == []
    assert await topics_of(notify, "mette@example.org") == ["event_cancelled", "registration_created"]


async def test_a_changed_event_is_told_with_what_was_before(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    later = event.starts_at + timedelta(days=1)
    ends = later + timedelta(hours=2)
    await tell(
        notify,
        updated(
            event,
            starts_at=later,
            ends_at=ends,
            venue=Venue(name="Kalundborg Rådhus", city="Kalundborg"),
            changed=("starts_at", "ends_at", "venue"),
        ),
    )
    news = await mailbox.one("jens@example.org", "Nyt tidspunkt og sted: Alliancen Biotekbyen")
    for words in (news.text, news.html):
        now, before = re.split("(?i)sådan var det før", words)
        assert span(later, ends, "Europe/Copenhagen", "da") in now
        assert "Kalundborg Rådhus, Kalundborg" in now
        assert span(event.starts_at, event.ends_at, "Europe/Copenhagen", "da") in before
        assert "Helix Lab, Kalundborg" in before
    assert news.calendar is not None
    assert "METHOD:REQUEST" in news.calendar
    assert f"{later:%Y%m%d}T090000" in news.calendar
    assert "SEQUENCE:3" in news.calendar


async def test_a_change_that_nobody_is_to_hear_of_is_not_told_but_kept(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    await tell(notify, updated(event, title={"da": "Biotekbyen"}, notify="none"))
    await tell(notify, registered(event, attendee("Karen Bay"), reference="KLB-4713"))
    assert (await mailbox.one("karen@example.org")).subject == "Din billet til Biotekbyen"
    assert await topics_of(notify, "jens@example.org") == ["attendee_confirmed"]


async def test_who_registers_after_the_cancellation_is_told_at_once(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    late = registered(event, attendee("Jens Lund"))
    await tell(notify, event, called_off(event), late)
    to_contact = await mailbox.one("mette@example.org")
    assert to_contact.subject == "Aflyst: Alliancen Biotekbyen"
    assert to_contact.calendar is None
    assert (await mailbox.one("jens@example.org")).subject == "Aflyst: Alliancen Biotekbyen"
    assert await topics_of(notify, "mette@example.org") == ["registration_created"]


async def test_after_the_cancellation_nobody_is_offered_a_seat(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    jens = attendee("Jens Lund", "waitlisted", position=1)
    sign_up = registered(event, jens)
    await tell(notify, event, sign_up, called_off(event))
    await tell(notify, changed(sign_up, jens.model_copy(update={"status": "confirmed"})))
    assert await topics_of(notify, "jens@example.org") == ["event_cancelled", "attendee_waitlisted"]


async def test_an_older_copy_does_not_overwrite_a_newer_one(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    renamed = updated(event, title={"da": "Det nye navn"}, notify="none")
    await tell(notify, renamed, event)
    await tell(notify, registered(event, attendee("Jens Lund")))
    assert (await mailbox.one("jens@example.org")).subject == "Din billet til Det nye navn"


async def test_the_roll_knows_who_is_checked_in(notify: Client) -> None:
    event = published()
    jens = attendee("Jens Lund")
    sign_up = registered(event, jens)
    at_the_door = {
        "attendee_id": jens.id,
        "registration_id": sign_up.registration_id,
        "event_id": event.event_id,
        "at": event.starts_at,
    }
    await tell(notify, event, sign_up, AttendeeCheckedIn(version=1, **at_the_door))

    async def checked_in() -> bool:
        async with notify.app.state.database.reading() as session:
            entry = (await session.exec(select(RollEntry).where(col(RollEntry.attendee_id) == jens.id))).one()
            return bool(entry.checked_in_at == event.starts_at)

    assert await checked_in()
    await tell(notify, changed(sign_up, jens))
    assert await checked_in()
    await tell(notify, AttendeeCheckedOut(version=2, **at_the_door))
    assert not await checked_in()
