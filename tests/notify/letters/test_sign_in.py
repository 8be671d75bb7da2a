"""The letter by which somebody signs in: to the address alone, and in no inbox."""

from shared.contracts.matching import SignInRequested
from shared.database import uuid7
from shared.fields import utc_now
from tests.notify.mailbox import Mailbox
from tests.notify.messages import tell
from tests.support.callers import as_caller
from tests.support.services import Client


async def test_the_link_is_mailed_in_the_members_language_and_stands_in_no_inbox(
    notify: Client, mailbox: Mailbox
) -> None:
    asked = SignInRequested(
        version=1, sign_in_id=uuid7(), name="Mette Holm", email="mette@example.org", language="en", at=utc_now()
    )
    await tell(notify, asked)
    mail = await mailbox.one("mette@example.org", "Sign in to Videnbro")
    for words in (mail.text, mail.html):
        assert "/p/matching/sign-in?key=" in words
    inbox = await notify.get("/v1/inbox", headers=as_caller("member", email="mette@example.org"))
    assert inbox.json()["items"] == []
