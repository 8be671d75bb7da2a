"""Whoever lost a mail asks for the links again; the answer tells nobody whose address it is."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest

from services.notify.letters.limits import LINKS_AN_HOUR
from shared.access.links import Purpose
from shared.contracts.matching import MemberRemoved, OrganisationContact, OrganisationCreated, ProfileLinkRequested
from shared.database import uuid7
from shared.problems import LinkExpired
from tests.notify.mailbox import Mailbox
from tests.notify.messages import attendee, published, registered, tell
from tests.support.callers import links
from tests.support.services import Client


async def ask(notify: Client, email: str, event: str | None = None) -> tuple[int, str]:
    answer = await notify.post("/v1/links", json={"email": email, **({"event": event} if event else {})})
    return answer.status_code, answer.text


def profile_link(organisation: object, email: str, version: int) -> ProfileLinkRequested:
    return ProfileLinkRequested.model_validate(
        {
            "version": version,
            "organisation_id": organisation,
            "name": "Enzymværket ApS",
            "link_version": version,
            "recipient": OrganisationContact(name="Mette Holm", email=email),
            "reason": "claimed",
        }
    )


async def test_links_lost_are_mailed_to_the_address_and_never_answered(notify: Client, mailbox: Mailbox) -> None:
    event, mine = published(), attendee("Mette Holm")
    organisation = OrganisationCreated(version=1, organisation_id=uuid7(), name="Enzymværket ApS")
    sign_up = registered(event, mine, attendee("Jens Lund"))
    await tell(notify, organisation, event, sign_up, profile_link(organisation.organisation_id, "mette@example.org", 1))

    known, unknown = await ask(notify, "METTE@example.org"), await ask(notify, "nobody@example.org")
    assert known == unknown
    assert known[0] == 202
    mail = await mailbox.one("mette@example.org", "Dine links på Videnbro")
    for words in (mail.text, mail.html):
        assert f"/p/events/registrations/{sign_up.registration_id}?key=" in words
        assert f"/p/events/attendees/{mine.id}?key=" in words
        assert f"/p/matching/organisations/{organisation.organisation_id}?key=" in words
        assert "http://127.0.0.1:8003/p/notify/inbox?key=" in words


async def test_nothing_is_looked_up_before_the_answer(notify: Client, mailbox: Mailbox) -> None:
    """Else its time would tell whose address is known: while the database is busy, both are answered."""
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    async with notify.app.state.database.transaction():
        for email in ("jens@example.org", "nobody@example.org"):
            assert (await ask(notify, email))[0] == 202
    assert "/p/notify/inbox?key=" in (await mailbox.one("jens@example.org", "Dine links")).text


async def test_nobody_can_be_flooded_with_links(notify: Client, mailbox: Mailbox) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    for _ in range(LINKS_AN_HOUR + 2):
        assert (await ask(notify, "jens@example.org"))[0] == 202
    await mailbox.wait_for(3 + LINKS_AN_HOUR)
    assert len([mail for mail in mailbox.to("jens@example.org") if "links" in mail.subject]) == LINKS_AN_HOUR


async def test_links_of_one_event_alone(notify: Client, mailbox: Mailbox) -> None:
    one, other = published(), published(slug="fermentering", title={"da": "Fermentering"})
    jens = attendee("Jens Lund")
    await tell(notify, one, other, registered(one, jens), registered(other, attendee("Jens Lund"), reference="X"))
    assert (await ask(notify, "jens@example.org", "fermentering"))[0] == 202
    assert (await ask(notify, "jens@example.org", "no-such-event"))[0] == 202
    mail = await mailbox.one("jens@example.org", "Dine links")
    assert "Fermentering" in mail.text
    assert str(jens.id) not in mail.text


async def test_a_profile_s_link_goes_no_longer_to_who_left_or_was_replaced(notify: Client, mailbox: Mailbox) -> None:
    one, other = uuid7(), uuid7()
    await tell(notify, profile_link(one, "mette@example.org", 1), profile_link(other, "mette@example.org", 1))
    await tell(notify, profile_link(one, "pia@example.org", 2))
    await tell(
        notify,
        MemberRemoved(
            version=1,
            member_id=uuid7(),
            organisation_id=other,
            name="Mette Holm",
            email="mette@example.org",
            role="member",
        ),
    )
    await ask(notify, "mette@example.org")
    assert "/p/matching/" not in (await mailbox.one("mette@example.org", "Dine links")).text


async def test_what_cannot_be_an_address_is_refused_by_name(notify: Client) -> None:
    for email in ("mette", "mette@", "mette@example.org\x00", ""):
        status, text = await ask(notify, email)
        assert status == 422
        assert '"/email"' in text


async def test_the_link_of_a_profile_ends_ninety_days_after_it_was_mailed(
    notify: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(notify, profile_link(uuid7(), "mette@example.org", 1))
    mail = await mailbox.one("mette@example.org")
    (key,) = set(re.findall(r"/p/matching/organisations/[^?]+\?key=([\w-]+)", mail.text))
    later = timedelta(days=89)

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + later

    monkeypatch.setattr("shared.access.links.datetime", Later)
    assert links.read(key).purpose is Purpose.PROFILE
    later = timedelta(days=91)
    with pytest.raises(LinkExpired):
        links.read(key)
