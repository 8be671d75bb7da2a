"""A refusal of our greeting, sender or relaying is ours: it rests the queue with an alert, and fails no mail."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from services.notify.mail.answers import Held, NotSent, Refused, RefusesUs, ServerAway, TryAgain, meaning
from services.notify.mail.mailer import Mailer
from services.notify.settings import Settings
from tests.notify.attempts import attempts_of, deliveries_of, make_due, the_delivery_to
from tests.notify.mailbox import Mailbox, running_mailbox
from tests.notify.messages import attendee, published, registered, tell
from tests.support.services import NO_BUS, Client

JENS, OTHER = "jens@example.org", "bo@elsewhere.example"
EVERYBODY = (JENS, "mette@example.org", "ane@example.org")
MAIL = b"Subject: x\r\n\r\nx\r\n"


@pytest.fixture
async def mailer(mailbox: Mailbox) -> AsyncIterator[Mailer]:
    settings = Settings.model_validate({"smtp_url": mailbox.url, "nats_url": NO_BUS})
    mailer = Mailer(settings, CollectorRegistry())
    yield mailer
    await mailer.close()


async def after(mailer: Mailer, address: str, *, was_held: bool = False) -> type[NotSent] | None:
    """What comes of one more mail, the rest being over."""
    mailer._rests_until = 0.0
    try:
        await mailer.send(address, MAIL, was_held=was_held)
    except NotSent as why:
        return type(why)
    return None


async def refuses_us(notify: Client) -> bool:
    figures = (await notify.get("/metrics")).text
    return "mail_server_refuses_us 1.0" in figures


HELO = "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"


@pytest.mark.parametrize(
    "what",
    [
        {"greeting_refused": "554 5.7.1 go away"},
        {"sender_refused": "550 5.7.1 not owned by you"},
        {"refusals": dict.fromkeys(EVERYBODY, "550 5.7.1 relay denied")},
        {"refusals": dict.fromkeys(EVERYBODY, HELO)},
    ],
    ids=["greeting", "sender", "relaying", "name"],
)
async def test_a_server_that_refuses_us_fails_no_mail_and_takes_them_when_it_is_mended(
    notify: Client, mailbox: Mailbox, what: dict[str, object]
) -> None:
    for name, value in what.items():
        setattr(mailbox, name, value)
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    attempts = await attempts_of(notify, JENS)
    assert {attempt["result"] for attempt in attempts} == {"held"}
    assert await refuses_us(notify)
    assert {each["status"] for each in await deliveries_of(notify)} == {"queued"}

    mailbox.greeting_refused, mailbox.sender_refused, mailbox.refusals = None, None, {}
    await make_due(notify)
    sent = await the_delivery_to(notify, JENS, "sent")
    assert [attempt["result"] for attempt in sent["attempts"]][-1] == "sent"
    assert not await refuses_us(notify)


async def test_what_one_recipient_s_policy_refuses_fails_once_others_were_taken(
    notify: Client, mailbox: Mailbox
) -> None:
    event = published()
    mailbox.refusals[JENS] = "550 5.7.1 not from you"
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    (attempt,) = await attempts_of(notify, JENS)
    assert attempt["result"] == "held"
    await the_delivery_to(notify, "mette@example.org", "sent")
    await the_delivery_to(notify, "ane@example.org", "sent")
    await make_due(notify)
    failed = await the_delivery_to(notify, JENS, "failed")
    assert [attempt["result"] for attempt in failed["attempts"]] == ["held", "refused"]
    assert not await refuses_us(notify)


async def test_the_same_policy_for_two_domains_in_a_row_is_meant_for_us(mailer: Mailer, mailbox: Mailbox) -> None:
    mailbox.refusals = {JENS: "550 5.7.1 no", OTHER: "550 5.7.1 no"}
    assert await after(mailer, JENS) is Held
    assert mailer.rests == 0.0
    assert await after(mailer, JENS, was_held=True) is Held
    assert await after(mailer, OTHER) is RefusesUs
    assert mailer.rests > 0.0
    assert await after(mailer, JENS, was_held=True) is RefusesUs
    mailbox.refusals.pop(OTHER)
    assert await after(mailer, OTHER) is None
    assert await after(mailer, JENS, was_held=True) is Refused


async def test_a_server_that_hangs_up_at_two_domains_in_a_row_is_away(mailer: Mailer, mailbox: Mailbox) -> None:
    mailbox.hangs_up_on = {JENS, OTHER}
    assert await after(mailer, JENS) is TryAgain
    assert await after(mailer, JENS) is TryAgain
    assert await after(mailer, OTHER) is ServerAway
    assert mailer.rests > 0.0


async def test_an_address_beyond_ascii_is_mailed_where_the_server_can_and_else_refused(
    mailer: Mailer, mailbox: Mailbox
) -> None:
    assert await after(mailer, "søren@example.org") is None
    assert mailbox.received[0].to == "søren@example.org"
    async with running_mailbox(enable_SMTPUTF8=False) as old:
        settings = Settings.model_validate({"smtp_url": old.url, "nats_url": NO_BUS})
        elsewhere = Mailer(settings, CollectorRegistry())
        assert await after(elsewhere, "søren@example.org") is Refused
        assert await after(elsewhere, "soeren@example.org") is None
        await elsewhere.close()


@pytest.mark.parametrize(
    ("code", "reply", "meant"),
    [
        (550, "5.1.1 no such user", Refused),
        (550, "no such user at relay.example.org", Refused),
        (501, "5.1.3 bad address syntax", Refused),
        (504, "5.5.2 <x>: Recipient address rejected: need fully-qualified address", Refused),
        (452, "4.2.2 mailbox full", TryAgain),
        (451, "4.7.1 greylisted", TryAgain),
        (454, "4.7.1 Relay access denied", RefusesUs),
        (550, "relay not permitted", RefusesUs),
        (550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain", RefusesUs),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", None),
        (450, "4.7.1 <x>: Helo command rejected: Host not found", RefusesUs),
        (554, "5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied", RefusesUs),
        (530, "5.7.0 Authentication required", RefusesUs),
        (535, "5.7.8 bad credentials", RefusesUs),
    ],
)
def test_an_answer_is_known_for_the_recipient_s_or_ours(code: int, reply: str, meant: type[NotSent] | None) -> None:
    found = meaning(code, reply)
    assert type(found) is meant if meant else not isinstance(found, NotSent)
