"""A mail that the server has and does not answer for is asked for again by count; one it never had, by time."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select, update

from services.notify.app import create_app
from services.notify.deliveries import deliveries
from services.notify.deliveries.claims import claim
from services.notify.deliveries.deliveries import MOST_ATTEMPTS
from services.notify.mail import sending, smtp
from services.notify.settings import Settings
from services.notify.tables import Delivery
from shared.fields import utc_now
from tests.notify.attempts import attempts_of, deliveries_of, make_due, the_delivery_to, until_claims_hold
from tests.notify.mailbox import Mailbox, running_mailbox
from tests.notify.messages import attendee, published, registered, tell
from tests.support.services import Client, eventually, running, settings_for

JENS = "jens@example.org"


def to_jens(mailbox: Mailbox) -> int:
    return [to for to, _ in mailbox.handed_over].count(JENS)


async def test_a_server_that_thinks_long_about_a_mail_is_handed_it_once(
    notify: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim is kept as long as it is under way; even if it lapsed, its own sender would not send it again."""
    monkeypatch.setattr(sending, "KEPT_EVERY", 0.0)
    monkeypatch.setattr(sending, "LONGEST_WAIT", 0.1)
    event, mailbox.held = published(), asyncio.Event()
    await tell(notify, event, registered(event, attendee("Jens Lund")))

    async def all_under_way() -> bool:
        return len(mailbox.handed_over) == 3

    await eventually(all_under_way)
    for _ in range(3):
        async with notify.app.state.database.transaction() as session:
            await session.exec(update(Delivery).values(claimed_until=utc_now() - timedelta(minutes=1)))
        await until_claims_hold(notify)
    async with notify.app.state.database.transaction() as session:
        assert await claim(session, 10) == []
    mailbox.held.set()
    await the_delivery_to(notify, JENS, "sent")
    assert len(mailbox.handed_over) == 3


async def test_a_mail_about_which_the_server_thinks_long_holds_up_no_other(
    database_url: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LATE_AFTER", 0.1)
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url, smtp_connections=1)
    event, held = published(), asyncio.Event()
    mailbox.held = held

    async def one_is_held() -> bool:
        return mailbox.holding == 1

    async with running(create_app, settings) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))
        await eventually(one_is_held)
        mailbox.held = None
        await mailbox.wait_for(2)
        held.set()
        await mailbox.wait_for(3)
    assert len(mailbox.handed_over) == 3


async def test_a_mail_that_is_never_answered_for_loses_an_attempt_each_time(
    database_url: str, mailbox: Mailbox
) -> None:
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)
    event, mailbox.held = published(), asyncio.Event()
    async with running(create_app, settings.model_copy(update={"smtp_patience": 0.3})) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))
        (attempt,) = await attempts_of(notify, JENS)
        assert (attempt["result"], attempt["detail"].split(":")[0]) == ("unanswered", "handed over, and then")
    mailbox.held.set()
    async with running(create_app, settings) as notify:
        await make_due(notify)
        sent = await the_delivery_to(notify, JENS, "sent")
    assert [attempt["result"] for attempt in sent["attempts"]] == ["unanswered", "sent"]
    assert to_jens(mailbox) == 2


async def test_a_mail_that_the_server_always_drops_costs_its_own_attempts_alone(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    mailbox.drops.add(JENS)
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    for count in range(1, MOST_ATTEMPTS + 1):
        await attempts_of(notify, JENS, count)
        assert to_jens(mailbox) == count
        await make_due(notify)
    failed = await the_delivery_to(notify, JENS, "failed")
    assert {attempt["result"] for attempt in failed["attempts"]} == {"unanswered"}
    for other in ("mette@example.org", "ane@example.org"):
        sent = await the_delivery_to(notify, other, "sent")
        assert [attempt["result"] for attempt in sent["attempts"]] == ["sent"]
    assert to_jens(mailbox) == MOST_ATTEMPTS


async def test_a_recipient_at_whom_the_server_hangs_up_costs_its_own_attempts_alone(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    mailbox.hangs_up_on.add(JENS)
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    (attempt,) = await attempts_of(notify, JENS)
    assert attempt["result"] == "again"
    for other in ("mette@example.org", "ane@example.org"):
        await the_delivery_to(notify, other, "sent")


async def test_a_server_that_is_away_for_long_makes_one_entry_and_is_given_up_by_time_and_tries(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "GIVEN_UP_AFTER", timedelta())
    async with running_mailbox() as mailbox:
        nowhere = mailbox.url
    settings = settings_for(Settings, "notify", database_url, smtp_url=nowhere)
    event = published()
    async with running(create_app, settings) as notify:
        mailer = notify.app.state.sending._mailer
        monkeypatch.setattr(type(mailer), "rests", 0.0)
        await tell(notify, event, registered(event, attendee("Jens Lund")))
        failed = await the_delivery_to(notify, JENS, "failed")
    (attempt,) = failed["attempts"]
    assert (attempt["result"], attempt["times"]) == ("away", MOST_ATTEMPTS)
    assert attempt["until"] > attempt["at"]


async def test_an_attempt_is_written_down_although_the_service_stops_before_its_answer(
    database_url: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ENDS_WITHIN", 0.2)
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)
    event, mailbox.held = published(), asyncio.Event()

    async def under_way() -> bool:
        return to_jens(mailbox) == 1

    async with running(create_app, settings) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))
        await eventually(under_way)
    mailbox.held.set()
    async with running(create_app, settings) as notify:
        async with notify.app.state.database.reading() as session:
            written = (await session.exec(select(Delivery.history))).all()
        assert [[attempt["result"] for attempt in history] for history in written] == [["unanswered"]] * 3
        assert {each["status"] for each in await deliveries_of(notify)} == {"queued"}
