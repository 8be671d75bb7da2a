"""The whole way of a message: told on a real bus, in the inbox and in the mailbox a moment later."""

from functools import partial

from services.notify.app import create_app
from services.notify.settings import Settings
from shared.messaging.bus import stream_of
from tests.notify.mailbox import Mailbox
from tests.notify.messages import attendee, envelope, organiser, published, registered
from tests.support.callers import as_caller
from tests.support.nats import NatsServer
from tests.support.services import LONG_ENOUGH, Client, a_moment, eventually, running, settings_for


async def test_a_sign_up_told_on_the_bus_is_in_the_inbox_and_in_the_mailbox(
    database_url: str, nats_server: NatsServer, mailbox: Mailbox
) -> None:
    settings = settings_for(Settings, "notify", database_url, nats_server, smtp_url=mailbox.url)
    events, matching = await nats_server.connect("events"), await nats_server.connect("matching")
    event = published()
    async with running(create_app, settings) as notify:
        await eventually(lambda: ready(notify))
        await matching.jetstream(timeout=LONG_ENOUGH).publish(organiser().type, envelope(organiser()))
        await events.jetstream(timeout=LONG_ENOUGH).publish(event.type, envelope(event))
        await mailbox.one("ane@example.org")
        sign_up = registered(event, attendee("Jens Lund"))
        await events.jetstream(timeout=LONG_ENOUGH).publish(sign_up.type, envelope(sign_up))
        await mailbox.wait_for(3)
        inbox = await notify.get("/v1/inbox", headers=as_caller("member", email="mette@example.org"))
        assert [each["topic"] for each in inbox.json()["items"]] == ["registration_created"]
    await events.close()
    await matching.close()


async def ready(notify: Client) -> bool:
    return (await notify.get("/readyz")).status_code == 200


async def test_how_telling_goes_is_said_where_readiness_is(
    database_url: str, nats_server: NatsServer, mailbox: Mailbox
) -> None:
    settings = settings_for(Settings, "notify", database_url, nats_server, smtp_url=mailbox.url)
    async with running(create_app, settings) as notify:
        await eventually(partial(ready, notify))
        said = (await notify.get("/readyz")).json()
    assert said["telling"] == {"waiting": 0, "oldest_seconds": 0, "refusal": None}
    assert (said["stream"]["replicas"], said["stream"]["replicas_set"]) == (1, 1)


async def test_what_is_told_while_nobody_listens_is_told_when_notify_is_back(
    database_url: str, nats_server: NatsServer, mailbox: Mailbox
) -> None:
    settings = settings_for(Settings, "notify", database_url, nats_server, smtp_url=mailbox.url)
    events = await nats_server.connect("events")
    event = published()
    told = [event, *(registered(event, attendee(f"Deltager{number} Prøve")) for number in range(30))]
    for message in told:
        await events.jetstream(timeout=LONG_ENOUGH).publish(message.type, envelope(message))
    async with running(create_app, settings):
        await mailbox.wait_for(10)
    # Stopped amid the work: the rest is done by the next start, and nothing twice.
    async with running(create_app, settings):
        await mailbox.wait_for(61)
        await a_moment()
    identities = {str(mail.message["Message-ID"]) for mail in mailbox.received}
    assert len(identities) == len(mailbox.received) == 61
    info = (
        await (await nats_server.connect("notify"))
        .jetstream(timeout=LONG_ENOUGH)
        .consumer_info(stream_of("events"), "notify")
    )
    assert (info.num_pending, info.num_ack_pending) == (0, 0)
    await events.close()
