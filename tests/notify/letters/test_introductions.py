"""Organisations hear of their profile and of each other: names before both said yes, contacts only after."""

from shared.contracts.matching import (
    IntroductionCompleted,
    IntroductionExpired,
    IntroductionOutcomeWanted,
    IntroductionRequested,
    OrganisationContact,
    ProfileLinkRequested,
    Proposal,
)
from shared.database import uuid7
from tests.notify.mailbox import Mailbox
from tests.notify.messages import new_partners, party, starts_at, tell
from tests.support.services import Client

EXPLANATION = {
    "da": "I søger målinger på fermentering, og de tilbyder dem.",
    "en": "You need measurements of fermentation, and they offer them.",
}


async def test_a_profile_s_link_is_mailed_to_the_recipient(notify: Client, mailbox: Mailbox) -> None:
    organisation = uuid7()
    recipient = OrganisationContact(name="Mette Holm", email="mette@example.org")
    await tell(
        notify,
        ProfileLinkRequested(
            version=1,
            organisation_id=organisation,
            name="Enzymværket ApS",
            link_version=1,
            recipient=recipient,
            reason="registered",
        ),
    )
    mail = await mailbox.one("mette@example.org", "Gør jeres profil færdig: Enzymværket ApS")
    for words in (mail.text, mail.html):
        assert f"http://127.0.0.1:8002/p/matching/organisations/{organisation}?key=" in words
    assert mail.calendar is None


async def test_who_is_asked_learns_who_asks_but_not_whom_to_write_to(notify: Client, mailbox: Mailbox) -> None:
    asks = party("Enzymværket ApS", "mette", message="Vi vil gerne se jeres anlæg.")
    asked = party("Målelaboratoriet", "rikke")
    await tell(
        notify,
        IntroductionRequested(
            version=1,
            introduction_id=uuid7(),
            asked_by=asks.organisation_id,
            parties=(asks, asked),
            explanation=EXPLANATION,
            at=starts_at(),
        ),
    )
    mail = await mailbox.one("rikke@example.org", "Enzymværket ApS vil gerne i kontakt med jer")
    for words in (mail.text, mail.html):
        assert "Vi vil gerne se jeres anlæg." in words
        assert "I søger målinger på fermentering" in words
        assert f"/p/matching/organisations/{asked.organisation_id}?key=" in words
        assert "mette@example.org" not in words
    assert mailbox.to("mette@example.org") == []


async def test_both_sides_get_each_other_s_contacts(notify: Client, mailbox: Mailbox) -> None:
    one, other = party("Enzymværket ApS", "mette"), party("Målelaboratoriet", "rikke", "ole")
    await tell(
        notify,
        IntroductionCompleted(
            version=2,
            introduction_id=uuid7(),
            asked_by=one.organisation_id,
            parties=(one, other),
            explanation=EXPLANATION,
            at=starts_at(),
        ),
    )
    to_one = await mailbox.one("mette@example.org", "I er sat i forbindelse med Målelaboratoriet")
    for words in (to_one.text, to_one.html):
        assert "Rikke: rikke@example.org, tlf. +45 12 34 56 78" in words
        assert "ole@example.org" in words
    for person in ("rikke", "ole"):
        mail = await mailbox.one(f"{person}@example.org", "I er sat i forbindelse med Enzymværket ApS")
        assert "mette@example.org" in mail.text


async def test_only_who_asked_hears_that_no_answer_came(notify: Client, mailbox: Mailbox) -> None:
    asks, asked = party("Enzymværket ApS", "mette"), party("Målelaboratoriet", "rikke")
    await tell(
        notify,
        IntroductionExpired(
            version=2,
            introduction_id=uuid7(),
            asked_by=asked.organisation_id,
            parties=(asks, asked),
            at=starts_at(),
        ),
    )
    await mailbox.one("rikke@example.org", "Intet svar fra Enzymværket ApS")
    assert mailbox.to("mette@example.org") == []


async def test_a_proposal_asks_both_with_the_secretariat_s_words(notify: Client, mailbox: Mailbox) -> None:
    one, other = party("Enzymværket ApS", "mette"), party("Målelaboratoriet", "rikke")
    proposed = IntroductionRequested(
        version=1,
        introduction_id=uuid7(),
        asked_by=one.organisation_id,
        parties=(one, other),
        explanation=EXPLANATION,
        proposal=Proposal(message="I arbejder begge med gær."),
        at=starts_at(),
    )
    await tell(notify, proposed)
    for person, mine, theirs in (("mette", one, other), ("rikke", other, one)):
        mail = await mailbox.one(f"{person}@example.org", f"Vil I tale med {theirs.name}?")
        for words in (mail.text, mail.html):
            assert "I arbejder begge med gær." in words
            assert "I søger målinger på fermentering" in words
            assert f"/p/matching/organisations/{mine.organisation_id}?key=" in words
            assert theirs.contacts[0].email not in words


async def test_a_side_of_a_proposal_that_a_message_names_nobody_of_is_not_told(
    notify: Client, mailbox: Mailbox
) -> None:
    silent, told = party("Enzymværket ApS"), party("Målelaboratoriet", "rikke")
    facts = {
        "introduction_id": uuid7(),
        "asked_by": silent.organisation_id,
        "parties": (silent, told),
        "proposal": Proposal(),
        "at": starts_at(),
    }
    await tell(notify, IntroductionRequested(version=1, **facts), IntroductionExpired(version=2, **facts))
    await mailbox.one("rikke@example.org", "Vil I tale med Enzymværket ApS?")
    await mailbox.one("rikke@example.org", "Intet svar fra Enzymværket ApS")


async def test_who_has_not_said_what_became_of_it_is_asked_on_the_profile_s_page(
    notify: Client, mailbox: Mailbox
) -> None:
    silent, asked = party("Enzymværket ApS"), party("Målelaboratoriet", "rikke")
    wanted = IntroductionOutcomeWanted(
        version=3,
        introduction_id=uuid7(),
        asked_by=silent.organisation_id,
        parties=(silent, asked),
        at=starts_at(),
    )
    await tell(notify, wanted)
    mail = await mailbox.one("rikke@example.org", "Hvordan gik det med Enzymværket ApS?")
    for words in (mail.text, mail.html):
        assert f"/p/matching/organisations/{asked.organisation_id}?key=" in words


async def test_new_partners_are_mailed_with_the_reason_of_each(notify: Client, mailbox: Mailbox) -> None:
    told = new_partners("Enzymværket ApS", "mette", "Målelaboratoriet", "Gærhuset", more=3)
    await tell(notify, told)
    mail = await mailbox.one("mette@example.org", "5 nye mulige partnere for Enzymværket ApS")
    for words in (mail.text, mail.html):
        assert "Gærhuset tilbyder gær, og I søger gær." in " ".join(words.split())
        assert "Der er også 3 flere, der passer godt." in words
        assert f"http://127.0.0.1:8002/p/matching/organisations/{told.organisation_id}?key=" in words


async def test_one_new_partner_is_named_in_the_subject_in_the_reader_s_language(
    notify: Client, mailbox: Mailbox
) -> None:
    told = new_partners("Enzymværket ApS", "mette", "Gærhuset", language="en")
    await tell(notify, told)
    mail = await mailbox.one("mette@example.org", "Gærhuset may be a partner for you")
    assert "Gærhuset offers yeast, and you look for yeast." in " ".join(mail.text.split())
