"""Mails reach the server once, wait when it is away, and fail in the open when an address is refused."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import orjson
from sqlmodel import select, update

from services.notify.app import create_app
from services.notify.deliveries.claims import CLAIMED_FOR, claim
from services.notify.deliveries.deliveries import MOST_ATTEMPTS, back_off
from services.notify.settings import Settings
from services.notify.tables import Delivery
from shared.fields import utc_now
from shared.messaging.tables import outbox
from tests.notify.attempts import SECRETARIAT, deliveries_of, make_due, the_delivery_to
from tests.notify.mailbox import Mailbox, running_mailbox
from tests.notify.messages import KHZ, attendee, published, registered, tell
from tests.support.callers import as_caller
from tests.support.services import Client, a_moment, eventually, running, settings_for


async def test_a_refused_address_ends_as_a_failed_delivery(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    mailbox.refusals["jens@example.org"] = "550 5.1.1 jens@example.org: no such mailbox"
    await tell(notify, event, registered(event, attendee("Jens Lund")))

    failed = await the_delivery_to(notify, "jens@example.org", "failed")
    assert failed["topic"] == "attendee_confirmed"
    assert failed["last_error"] == "550 5.1.1 the address: no such mailbox"
    assert [attempt["result"] for attempt in failed["attempts"]] == ["refused"]
    await the_delivery_to(notify, "mette@example.org", "sent")

    async with notify.app.state.database.reading() as session:
        told = (await session.exec(select(outbox.c.envelope).where(outbox.c.type == "notify.delivery.failed.v1"))).all()
    (message,) = (orjson.loads(row)["data"] for row in told)
    assert message["delivery_id"] == failed["id"]
    assert message["event_id"] == str(event.event_id)
    assert "jens@" not in message["reason"]


async def test_a_failed_delivery_is_tried_again_on_request_with_the_same_message_id(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    mailbox.refusals["jens@example.org"] = "550 5.1.1 no such mailbox"
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    failed = await the_delivery_to(notify, "jens@example.org", "failed")

    mailbox.refusals.clear()
    answer = await notify.post(f"/v1/deliveries/{failed['id']}/retry", headers=SECRETARIAT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "queued"
    ticket = await mailbox.one("jens@example.org")
    assert ticket.message["Message-ID"] == f"<{failed['id']}@example.org>"
    sent = await the_delivery_to(notify, "jens@example.org", "sent")
    assert [attempt["result"] for attempt in sent["attempts"]] == ["refused", "sent"]
    refused = await notify.post(f"/v1/deliveries/{failed['id']}/retry", headers=SECRETARIAT)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-status")


async def test_a_busy_mailbox_is_asked_again_later_and_given_up_at_last(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    mailbox.refusals["jens@example.org"] = "451 4.2.1 try again later"
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    for attempts in range(1, MOST_ATTEMPTS + 1):

        async def look(expected: int = attempts) -> bool:
            (delivery,) = await deliveries_of(notify, person="jens@example.org")
            return len(delivery["attempts"]) == expected

        await eventually(look)
        await make_due(notify)
    failed = await the_delivery_to(notify, "jens@example.org", "failed")
    assert {attempt["result"] for attempt in failed["attempts"]} == {"again"}


def test_attempts_come_less_and_less_often() -> None:
    waits = [back_off(attempt) for attempt in range(1, MOST_ATTEMPTS)]
    assert 20 < waits[0] < 40
    assert all(later > 2 * earlier for earlier, later in pairwise(waits[:5]))
    assert max(waits) < 8 * 3600


async def test_mails_wait_for_a_server_that_is_away_and_lose_no_attempt(database_url: str) -> None:
    async with running_mailbox() as mailbox:
        port = mailbox.port
    settings = settings_for(Settings, "notify", database_url, smtp_url=f"smtp://127.0.0.1:{port}")
    event = published()
    async with running(create_app, settings) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))

        async def look() -> bool:
            (delivery,) = await deliveries_of(notify, person="jens@example.org")
            return "SMTPConnectError" in (delivery["last_error"] or "")

        await eventually(look)
        async with running_mailbox(port) as mailbox:
            await mailbox.one("jens@example.org")
            sent = await the_delivery_to(notify, "jens@example.org", "sent")
    assert [attempt["result"] for attempt in sent["attempts"]] == ["away", "sent"]


async def test_a_killed_sender_s_claim_lapses(database_url: str, mailbox: Mailbox) -> None:
    event = published()
    nowhere = settings_for(Settings, "notify", database_url, smtp_url="smtp://127.0.0.1:1")
    async with running(create_app, nowhere) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)
    app = create_app(settings)
    async with app.state.database.transaction() as session:
        await session.exec(update(Delivery).values(due_at=utc_now() - timedelta(minutes=1), claimed_until=None))
    # It claims, and is killed before it has sent.
    async with app.state.database.transaction() as session:
        claimed = await claim(session, 10)
        assert len(claimed) == 3
        assert await claim(session, 10) == []
    await app.state.database.close()
    async with running(create_app, settings) as notify:
        await a_moment()
        assert mailbox.received == []
        async with notify.app.state.database.transaction() as session:
            await session.exec(update(Delivery).values(claimed_until=utc_now() - timedelta(seconds=1)))
        await mailbox.wait_for(3)
    assert timedelta(seconds=60) == CLAIMED_FOR


async def test_two_senders_share_the_work_and_send_nothing_twice(
    database_url: str, dialect: str, mailbox: Mailbox
) -> None:
    """On PostgreSQL alone: on SQLite a service is one process."""
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)
    event = published()
    sign_ups = [registered(event, attendee(f"Deltager{number} Prøve")) for number in range(15)]
    async with running(create_app, settings) as one:
        if dialect == "sqlite":
            await tell(one, event, *sign_ups)
            await mailbox.wait_for(31)
        else:
            async with running(create_app, settings):
                await tell(one, event, *sign_ups)
                await mailbox.wait_for(31)
                await a_moment()
    identities = [str(mail.message["Message-ID"]) for mail in mailbox.received]
    assert len(identities) == len(set(identities)) == 31


async def test_connections_are_kept_between_mails(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, *(registered(event, attendee(f"Deltager{number} Prøve")) for number in range(20)))
    await mailbox.wait_for(41)
    assert mailbox.connections <= 4


async def release(held: asyncio.Event, once: asyncio.Event) -> None:
    await once.wait()
    await a_moment()
    held.set()


async def test_mails_under_way_are_ended_before_the_service_stops(database_url: str, mailbox: Mailbox) -> None:
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)
    event, mailbox.held = published(), asyncio.Event()

    async def under_way() -> bool:
        return mailbox.holding > 0

    async with running(create_app, settings) as notify:
        await tell(notify, event, registered(event, attendee("Jens Lund")))
        await eventually(under_way)
        releasing = asyncio.create_task(release(mailbox.held, once=notify.app.state.stopping))
    await releasing
    mailbox.held = None
    async with running(create_app, settings) as notify:
        await mailbox.wait_for(3)
        assert {each["status"] for each in await deliveries_of(notify)} == {"sent"}


async def test_an_organiser_sees_the_deliveries_of_the_own_events_alone(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    await mailbox.wait_for(3)
    own = await notify.get(
        "/v1/deliveries", headers=as_caller("organiser", organisation=KHZ), params={"event": event.slug}
    )
    assert {each["person"]["email"] for each in own.json()["items"]} == {
        *("ane@example.org", "jens@example.org", "mette@example.org")
    }
    elsewhere = as_caller("organiser", organisation=UUID(int=7))
    assert (await notify.get("/v1/deliveries", headers=elsewhere)).json()["items"] == []
    identity = own.json()["items"][0]["id"]
    assert (await notify.post(f"/v1/deliveries/{identity}/retry", headers=elsewhere)).status_code == 404
    assert (await notify.get("/v1/deliveries", headers=as_caller("member"))).status_code == 404
    assert (await notify.get("/v1/deliveries")).status_code == 401


async def test_deliveries_are_listed_a_page_at_a_time(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, *(registered(event, attendee(f"Deltager{number} Prøve")) for number in range(3)))
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await notify.get("/v1/deliveries", headers=SECRETARIAT, params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)
