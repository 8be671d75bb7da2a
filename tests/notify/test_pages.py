"""The inbox and the lost links as pages: phone first, Danish or English, no account and no JavaScript."""

import re
from urllib.parse import urlsplit

import pytest

from shared.access.links import Purpose
from tests.notify.mailbox import Mailbox
from tests.notify.messages import attendee, published, registered, tell
from tests.support.callers import links
from tests.support.services import Client


@pytest.fixture
def dialect() -> str:
    return "sqlite"


def proof_of(page: str) -> str:
    found = re.search(r'name="proof" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


async def test_the_inbox_opens_from_the_mailed_link(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    await notify.post("/p/notify/links", data={"email": "mette@example.org"})
    mail = await mailbox.one("mette@example.org", "Dine links")
    address = re.search(r"\S+/p/notify/inbox\?key=\S+", mail.text)
    assert address is not None
    opened = urlsplit(address.group())

    first = await notify.get(f"{opened.path}?{opened.query}")
    assert (first.status_code, first.headers["location"]) == (303, "/p/notify/inbox")
    page = await notify.get("/p/notify/inbox")
    assert page.status_code == 200
    assert "Din tilmelding til Alliancen Biotekbyen er bekræftet" in page.text
    assert "2 ulæste" in page.text
    assert "<script" not in page.text

    assert (await notify.post("/p/notify/inbox/read-all", data={"proof": "wrong"})).status_code == 403
    done = await notify.post("/p/notify/inbox/read-all", data={"proof": proof_of(page.text)})
    assert (done.status_code, done.headers["location"]) == (303, "/p/notify/inbox")
    page = await notify.get("/p/notify/inbox", params={"language": "en"})
    assert "Your inbox" in page.text
    assert "unread" not in page.text

    archive = re.findall(r'action="(/p/notify/inbox/[^"]+/archive)"', page.text)
    assert len(archive) == 2
    await notify.post(archive[0], data={"proof": proof_of(page.text)})
    assert (await notify.get("/p/notify/inbox")).text.count("/archive") == 1


async def test_the_inbox_opens_by_nothing_else(notify: Client) -> None:
    event = published()
    sign_up = registered(event, attendee("Jens Lund"))
    await tell(notify, event, sign_up)
    assert (await notify.get("/p/notify/inbox")).status_code == 404
    key = links.key(Purpose.REGISTRATION, sign_up.registration_id, 1)
    answer = await notify.get("/p/notify/inbox", params={"key": key}, follow_redirects=True)
    assert answer.status_code == 404


async def test_the_page_for_lost_links_answers_everybody_alike(notify: Client, mailbox: Mailbox) -> None:
    assert "Få dine links igen" in (await notify.get("/p/notify/links")).text
    answer = await notify.post("/p/notify/links", data={"email": "nobody@example.org"})
    assert answer.status_code == 200
    assert "Kender vi adressen" in answer.text
    wrong = await notify.post("/p/notify/links", data={"email": "mette@"})
    assert wrong.status_code == 422
    assert "Skriv en e-mailadresse" in wrong.text
    assert mailbox.received == []


async def test_an_address_that_is_no_page_is_answered_with_one(notify: Client) -> None:
    answer = await notify.get("/p/notify/nowhere")
    assert answer.status_code == 404
    assert "<h1>" in answer.text
