"""The clock of the machine is set while mails wait and are under way: none waits for it, and none is sent twice."""

import asyncio
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar, Self

import pytest
from sqlmodel import col, select, update

from services.notify.app import create_app
from services.notify.deliveries.claims import claim
from services.notify.mail import sending
from services.notify.settings import Settings
from services.notify.tables import Delivery
from shared.fields import utc_now
from tests.notify.attempts import the_delivery_to, until_claims_hold
from tests.notify.mailbox import Mailbox
from tests.notify.messages import attendee, published, registered, tell
from tests.support.services import Client, a_moment, eventually, running, settings_for

JENS = "jens@example.org"


class SetClock(datetime):
    by: ClassVar[timedelta] = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + cls.by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[SetClock]:
    monkeypatch.setattr(SetClock, "by", timedelta())
    monkeypatch.setattr("shared.fields.datetime", SetClock)
    monkeypatch.setattr(sending, "CLAIMS_SETTLE", 0.1)
    return SetClock


async def test_mails_queued_before_the_clock_was_set_back_go_out_at_once(
    database_url: str, mailbox: Mailbox, clock: type[SetClock]
) -> None:
    """Also those of a process that was killed with claims in hand, and that started again after it."""
    app = create_app(settings_for(Settings, "notify", database_url, smtp_url=mailbox.url))
    settings = settings_for(Settings, "notify", database_url, smtp_url="smtp://127.0.0.1:1")
    event = published()
    async with running(create_app, settings) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))
    async with app.state.database.transaction() as session:
        await session.exec(update(Delivery).values(due_at=utc_now(), waits_since=None, claimed_until=None))
    async with app.state.database.transaction() as session:
        assert len(await claim(session, 2)) == 2
    await app.state.database.close()
    clock.by = timedelta(hours=-1)
    async with running(create_app, settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)):
        await mailbox.wait_for(3)


async def test_a_mail_that_waits_for_its_next_attempt_waits_no_longer_for_the_clock(
    notify: Client, mailbox: Mailbox, clock: type[SetClock]
) -> None:
    event = published()
    mailbox.refusals[JENS] = "451 4.2.1 try again later"
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    await mailbox.wait_for(2)

    async def due() -> datetime | None:
        async with notify.app.state.database.reading() as session:
            statement = select(Delivery.due_at).where(Delivery.status == "queued", Delivery.attempts == 1)
            at: datetime | None = (await session.exec(statement)).one_or_none()
            return at

    await eventually(due)
    # It was said three hours ago to wait for six.
    now = utc_now()
    async with notify.app.state.database.transaction() as session:
        waiting = update(Delivery).where(col(Delivery.status) == "queued")
        await session.exec(waiting.values(due_at=now + timedelta(hours=3), waits_since=now - timedelta(hours=3)))
    clock.by = timedelta(hours=-1)

    async def moved() -> bool:
        at = await due()
        return at is not None and abs(at - (now + timedelta(hours=2))) < timedelta(minutes=2)

    await eventually(moved)
    await a_moment()
    assert await moved()


async def test_a_mail_under_way_when_the_clock_is_set_on_is_sent_once(
    notify: Client, mailbox: Mailbox, clock: type[SetClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LONGEST_WAIT", 0.1)
    event, mailbox.held = published(), asyncio.Event()
    await tell(notify, event, registered(event, attendee("Jens Lund")))

    async def all_under_way() -> bool:
        return len(mailbox.handed_over) == 3

    await eventually(all_under_way)
    clock.by = timedelta(hours=1)

    await until_claims_hold(notify)
    async with notify.app.state.database.transaction() as session:
        assert await claim(session, 10) == []
    mailbox.held.set()
    await the_delivery_to(notify, JENS, "sent")
    assert len(mailbox.handed_over) == 3
