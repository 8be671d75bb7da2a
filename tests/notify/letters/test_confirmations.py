"""A sign-up is confirmed, in the inbox and by mail: to the contact person and to each attendee with an own e-mail."""

from uuid import UUID

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from services.notify.subscriptions import subscriptions
from services.notify.tables import Delivery, Notification
from shared.contracts.events import AttendeeChange, ContactPerson, RegistrationReminded
from shared.language import span
from shared.messaging.tables import handled_messages
from tests.notify.mailbox import Mailbox
from tests.notify.messages import (
    attendee,
    changed,
    ended,
    envelope,
    organiser,
    published,
    registered,
    tell,
    updated,
)
from tests.support.callers import as_caller, links
from tests.support.heard import heard
from tests.support.services import Client


async def inbox_of(notify: Client, email: str) -> list[dict[str, str]]:
    answer = await notify.get("/v1/inbox", headers=as_caller("member", email=email))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, str]] = answer.json()["items"]
    return items


async def test_a_confirmation_is_mailed_to_the_contact_person_and_each_attendee(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    jens, karen = attendee("Jens Lund"), attendee("Karen Bay", "waitlisted", position=2)
    sign_up = registered(event, jens, karen, attendee(None))
    await tell(notify, organiser(), event, sign_up)

    confirmation = await mailbox.one("mette@example.org")
    assert confirmation.subject == "Din tilmelding til Alliancen Biotekbyen er bekræftet"
    for words in (confirmation.text, confirmation.html):
        assert "Jens Lund: bekræftet" in words
        assert "Karen Bay: på venteliste som nr. 2" in words
        assert "Navn mangler: bekræftet" in words
        assert span(event.starts_at, event.ends_at, "Europe/Copenhagen", "da") in words
        assert f"/p/events/registrations/{sign_up.registration_id}?key=" in words

    ticket = await mailbox.one("jens@example.org")
    for words in (ticket.text, ticket.html):
        assert f"http://127.0.0.1:8001/t/{links.ticket_code(jens.id, 1)}" in words
        assert f"/p/events/attendees/{jens.id}?key=" in words
        assert "Enzymværket ApS har tilmeldt dig" in words

    waiting = await mailbox.one("karen@example.org")
    assert waiting.subject == "Du er på venteliste: Alliancen Biotekbyen"
    assert "som nr. 2" in waiting.text
    assert "/t/" not in waiting.text
    assert waiting.calendar is None
    assert {mail.to for mail in mailbox.received} == {
        *("mette@example.org", "jens@example.org", "karen@example.org", "ane@example.org")
    }


async def test_a_confirmation_is_in_the_inbox_too_and_the_organiser_is_notified(notify: Client) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"), attendee("Karen Bay", "waitlisted", position=1))
    await tell(notify, event, sign_up)

    (confirmation,) = await inbox_of(notify, "METTE@example.org")
    assert confirmation["topic"] == "registration_created"
    assert confirmation["registration_id"] == str(sign_up.registration_id)
    assert confirmation["text"] == "1 bekræftet, 1 på venteliste. Reference KLB-4711."
    assert confirmation["href"].startswith(
        f"http://127.0.0.1:8001/p/events/registrations/{sign_up.registration_id}?key="
    )
    news, first = await inbox_of(notify, "ane@example.org")
    assert first["topic"] == "event_published"
    assert news["subject"] == "Ny tilmelding: Enzymværket ApS til Alliancen Biotekbyen"


async def test_organisers_of_big_events_are_not_mailed_for_every_registration(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    await mailbox.one("jens@example.org")
    assert [mail.subject for mail in mailbox.to("ane@example.org")] == ["Offentliggjort: Alliancen Biotekbyen"]


async def test_who_signs_up_in_english_is_written_to_in_english(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    contact = ContactPerson(name="Ada Smith", email="ada@example.org", language="en")
    await tell(notify, event, registered(event, attendee("Jens Lund", language="da"), contact=contact))
    confirmation = await mailbox.one("ada@example.org")
    assert confirmation.subject == "Your registration for The Biotech City alliance is confirmed"
    assert span(event.starts_at, event.ends_at, "Europe/Copenhagen", "en") in confirmation.text
    assert (await mailbox.one("jens@example.org")).subject == "Din billet til Alliancen Biotekbyen"


async def test_a_contact_person_who_attends_gets_one_mail_with_the_own_ticket(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    mette = attendee("Mette Holm")
    await tell(notify, organiser(), event, registered(event, mette, attendee("Jens Lund")))
    confirmation = await mailbox.one("mette@example.org")
    assert f"/t/{links.ticket_code(mette.id, 1)}" in confirmation.text
    assert confirmation.calendar is not None
    assert "METHOD:REQUEST" in confirmation.calendar
    assert f"UID:{event.event_id}.{mette.id}@videnbro" in confirmation.calendar
    assert "mailto:mette@example.org" in confirmation.calendar
    assert "jens@example.org" not in confirmation.calendar


async def test_a_ticket_s_calendar_entry_is_the_recipient_s_alone(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    jens = attendee("Jens Lund", sequence=3)
    await tell(notify, organiser(), event, registered(event, jens, attendee("Karen Bay")))
    calendar = (await mailbox.one("jens@example.org")).calendar
    assert calendar is not None
    begins = f"DTSTART;TZID=Europe/Copenhagen:{event.starts_at:%Y%m%d}T090000"
    for line in ("METHOD:REQUEST", f"SEQUENCE:{event.version + 3}", begins):
        assert line in calendar
    assert calendar.count("ATTENDEE") == 1
    assert "key=" not in calendar


async def test_the_same_message_twice_makes_one_notification(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    sign_up = heard(envelope(registered(event, attendee("Jens Lund"))))
    await tell(notify, event)
    for _ in range(2):
        async with notify.app.state.database.transaction() as session:
            await subscriptions.handle(session, [sign_up, sign_up])
    await mailbox.one("jens@example.org")
    assert len(await inbox_of(notify, "mette@example.org")) == 1


async def test_even_with_the_memory_of_handled_messages_lost_nothing_is_told_twice(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"))
    later = changed(sign_up, *(each.model_copy(update={"status": "cancelled"}) for each in sign_up.attendees))
    messages = [heard(envelope(each)) for each in (event, sign_up, later, updated(event))]
    for _ in range(2):
        async with notify.app.state.database.transaction() as session:
            await subscriptions.handle(session, messages)
            await (await session.connection()).execute(handled_messages.delete())
    async with notify.app.state.database.reading() as session:
        topics = (await session.exec(select(Notification.topic))).all()
        deliveries = (await session.exec(select(func.count(col(Delivery.id))))).one()
    assert sorted(topics) == [
        *("attendee_cancelled", "attendee_confirmed", "event_published", "organiser_cancellation"),
        *("organiser_registration", "registration_changed", "registration_created"),
    ]
    assert deliveries == len(topics) - 2


async def test_from_the_waitlist_to_a_seat(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    karen = attendee("Karen Bay", "waitlisted", position=1)
    sign_up = registered(event, attendee("Jens Lund"), karen)
    await tell(notify, event, sign_up)
    await tell(notify, changed(sign_up, karen.model_copy(update={"status": "confirmed", "position": None})))
    seat = await mailbox.one("karen@example.org", "Du har fået plads")
    assert f"/t/{links.ticket_code(karen.id, 1)}" in seat.text
    told = await mailbox.one("mette@example.org", "Der er blevet plads")
    assert "Karen Bay har fået plads" in told.text
    assert len(mailbox.to("jens@example.org")) == 1


async def test_a_cancelled_attendee_gets_a_calendar_cancel_and_the_organiser_hears_of_it(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    jens = attendee("Jens Lund")
    sign_up = registered(event, jens, attendee("Karen Bay"))
    await tell(notify, event, sign_up)
    await tell(notify, changed(sign_up, jens.model_copy(update={"status": "cancelled", "sequence": 1})))
    farewell = await mailbox.one("jens@example.org", "Du er afmeldt")
    assert farewell.calendar is not None
    for line in ("METHOD:CANCEL", f"UID:{event.event_id}.{jens.id}@videnbro", "STATUS:CANCELLED", "SEQUENCE:3"):
        assert line in farewell.calendar
    receipt = await mailbox.one("mette@example.org", "Ændret")
    assert "Jens Lund er afmeldt" in receipt.text
    assert (await inbox_of(notify, "ane@example.org"))[0]["text"] == "Jens Lund er afmeldt. Reference KLB-4711."


async def test_the_last_attendee_s_cancellation_ends_the_registration(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"))
    await tell(notify, event, sign_up)
    await tell(notify, ended(sign_up))
    assert "KLB-4711" in (await mailbox.one("mette@example.org", "Afmeldt")).text
    await mailbox.one("jens@example.org", "Du er afmeldt")


async def test_a_handed_over_seat_brings_the_new_person_a_ticket_and_the_old_one_a_cancel(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    jens = attendee("Jens Lund")
    sign_up = registered(event, jens)
    await tell(notify, event, sign_up)
    liv = attendee("Liv Krogh", id=jens.id, code_version=2, link_version=2)
    change = AttendeeChange(
        attendee=jens.id,
        from_status="confirmed",
        to_status="confirmed",
        replaced=True,
        previous_email="jens@example.org",
        previous_name="Jens Lund",
    )
    await tell(notify, changed(sign_up, liv, changed=(change,)))
    ticket = await mailbox.one("liv@example.org", "Din billet")
    assert f"/t/{links.ticket_code(jens.id, 2)}" in ticket.text
    farewell = await mailbox.one("jens@example.org", "overdraget")
    assert farewell.calendar is not None
    assert "METHOD:CANCEL" in farewell.calendar
    assert "mailto:jens@example.org" in farewell.calendar
    assert "key=" not in farewell.text
    # The contact person did it: a line in the inbox is enough.
    assert (await inbox_of(notify, "mette@example.org"))[0]["text"].startswith("Liv Krogh har overtaget billetten")
    assert len(mailbox.to("mette@example.org")) == 1


async def test_a_corrected_job_title_is_no_news(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    jens = attendee("Jens Lund")
    sign_up = registered(event, jens)
    await tell(notify, event, sign_up)
    await tell(notify, changed(sign_up, jens))
    assert len(await inbox_of(notify, "mette@example.org")) == 1


async def test_mails_asked_for_again_come_again(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"), attendee("Karen Bay", "cancelled"))
    await tell(notify, event, sign_up)
    await mailbox.wait_for(3)
    await tell(notify, changed(sign_up, resend=True, changed=()))
    await mailbox.wait_for(5)
    assert "som den står nu" in mailbox.to("mette@example.org")[1].text
    assert len(mailbox.to("jens@example.org")) == 2
    assert mailbox.to("karen@example.org") == []


async def test_a_new_contact_person_gets_the_registration_and_nobody_else_is_mailed(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"))
    await tell(notify, event, sign_up)
    await mailbox.wait_for(3)
    contact = ContactPerson(name="Pia Dam", email="pia@example.org")
    await tell(notify, changed(sign_up, contact=contact, link_version=2, resend=True, changed=()))
    handed = await mailbox.one("pia@example.org")
    assert "som den står nu" in handed.text
    assert len(mailbox.to("jens@example.org")) == 1
    assert len(mailbox.to("mette@example.org")) == 1


async def test_who_is_registered_already_is_reminded_and_not_too_often(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    jens, unnamed = attendee("Jens Lund"), attendee(None)
    sign_up = registered(event, jens, unnamed)
    await tell(notify, event, sign_up)
    for seat in (jens, jens, jens, jens, unnamed):
        await tell(
            notify,
            RegistrationReminded(
                version=1, registration_id=sign_up.registration_id, event_id=event.event_id, attendee_id=seat.id
            ),
        )
    mine = [each["topic"] for each in await inbox_of(notify, "jens@example.org")]
    assert mine.count("registration_reminded") == 3
    reminder = await mailbox.one("mette@example.org", "allerede tilmeldt")
    assert f"/p/events/registrations/{sign_up.registration_id}?key=" in reminder.text


async def test_a_registration_of_an_event_not_heard_of_is_handled_later(notify: Client) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"))
    with pytest.raises(LookupError):
        await tell(notify, sign_up)
    await tell(notify, event, sign_up)
    assert len(await inbox_of(notify, "mette@example.org")) == 1


async def test_every_registration_has_exactly_one_confirmation(notify: Client) -> None:
    event = published()
    sign_ups = [registered(event, attendee(f"Deltager{number} Prøve")) for number in range(40)]
    await tell(notify, event)
    # Delivered again after a crash, in other batches.
    told = [heard(envelope(each)) for each in sign_ups]
    for batch in (told[:20] * 2, told[10:], told):
        async with notify.app.state.database.transaction() as session:
            await subscriptions.handle(session, batch)
    async with notify.app.state.database.reading() as session:
        counted = await session.exec(
            select(Notification.registration_id, func.count(col(Notification.id)))
            .where(Notification.topic == "registration_created")
            .group_by(col(Notification.registration_id))
        )
        confirmations: dict[UUID | None, int] = dict(counted.all())
    assert confirmations == {each.registration_id: 1 for each in sign_ups}
