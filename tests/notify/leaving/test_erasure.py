"""An organisation that was erased: its letters go, others' letters lose its people, nothing late is written."""

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from services.notify.tables import Contact, Delivery, Notification, Organisation, ProfileLink
from shared.contracts.matching import (
    IntroductionCompleted,
    IntroductionParty,
    OrganisationContact,
    OrganisationErased,
    OrganisationMerged,
    OrganisationUpdated,
    ProfileLinkRequested,
)
from shared.contracts.notify import NotifyErasedOrganisation
from shared.database import uuid7
from tests.matching.builders import told
from tests.notify.messages import new_partners, party, starts_at, tell
from tests.support.callers import as_caller
from tests.support.services import Client

REASON = {"da": "I søger målinger, og de tilbyder dem.", "en": "You need measurements, and they offer them."}


def erased(organisation: UUID) -> OrganisationErased:
    return OrganisationErased(organisation_id=organisation, version=9, erasure_id=uuid7())


def link_for(organisation: IntroductionParty) -> ProfileLinkRequested:
    return ProfileLinkRequested(
        version=1,
        organisation_id=organisation.organisation_id,
        name=organisation.name,
        link_version=1,
        recipient=organisation.contacts[0],
        reason="created",
    )


def introduced(one: IntroductionParty, other: IntroductionParty) -> IntroductionCompleted:
    return IntroductionCompleted(
        version=2,
        introduction_id=uuid7(),
        asked_by=one.organisation_id,
        parties=(one, other),
        explanation=REASON,
        at=starts_at(),
    )


def known(organisation: IntroductionParty, version: int = 1) -> OrganisationUpdated:
    return OrganisationUpdated(
        version=version, organisation_id=organisation.organisation_id, name=organisation.name, kind="producer"
    )


@pytest.fixture
def one() -> IntroductionParty:
    return party("Enzymværket ApS", "mette", summary={"da": "Vi måler."}, message="Vi glæder os til at se jer.")


@pytest.fixture
def other() -> IntroductionParty:
    return party("Målelaboratoriet", "rikke")


async def rows(client: Client, kind: type[Any]) -> list[Any]:
    async with client.app.state.database.reading() as session:
        return list((await session.exec(select(kind))).all())


async def inbox(client: Client, email: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/inbox", headers=as_caller("member", email=email))
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_its_own_letters_and_links_go(client: Client, one: IntroductionParty, other: IntroductionParty) -> None:
    await tell(client, known(one), known(other), link_for(one), link_for(other), introduced(one, other))
    end = erased(one.organisation_id)
    await tell(client, end)
    assert await inbox(client, "mette@example.org") == []
    assert [link.organisation_id for link in await rows(client, ProfileLink)] == [other.organisation_id]
    assert [each.name for each in await rows(client, Organisation)] == ["Målelaboratoriet"]
    letters = {each.id for each in await rows(client, Notification)}
    assert {each.notification_id for each in await rows(client, Delivery)} <= letters
    (answer,) = await told(client, NotifyErasedOrganisation)
    assert (answer["organisation_id"], answer["erasure_id"]) == (str(one.organisation_id), str(end.erasure_id))
    assert {each["what"]: each["count"] for each in answer["erased"]} == {
        "deliveries": 2,
        "letters": 2,
        "mails to others about it": 1,
        "profile links": 1,
        "copies of the organisation": 1,
    }
    assert {each["what"]: each["count"] for each in answer["kept"]} == {"letters to others": 1, "contacts": 1}
    assert {each.email for each in await rows(client, Contact)} == {"mette@example.org", "rikke@example.org"}


async def test_what_others_were_told_names_its_people_no_longer(
    client: Client, one: IntroductionParty, other: IntroductionParty
) -> None:
    await tell(client, introduced(one, other))
    assert "mette@example.org" in (await inbox(client, "rikke@example.org"))[0]["text"]
    await tell(client, erased(one.organisation_id))
    (line,) = await inbox(client, "rikke@example.org")
    assert line["subject"] == "I er sat i forbindelse med Enzymværket ApS"
    assert "mette" not in line["text"]
    (letter,) = await rows(client, Notification)
    for gone in ("mette", "Vi glæder os", "Vi måler", "målinger"):
        assert gone not in str(letter.facts)
    assert await rows(client, Delivery) == []


@pytest.mark.parametrize("times", [1, 2])
async def test_what_was_told_before_and_comes_late_is_written_to_nobody(
    client: Client, one: IntroductionParty, other: IntroductionParty, times: int
) -> None:
    await tell(client, *[erased(one.organisation_id)] * times)
    merged = OrganisationMerged(version=2, organisation_id=uuid7(), name="A", merged_id=one.organisation_id)
    await tell(client, known(one), link_for(one), introduced(one, other), merged)
    assert [each.id for each in await rows(client, Organisation)] == [merged.organisation_id]
    for kind in (Notification, Delivery, ProfileLink):
        assert await rows(client, kind) == []
    answers = await told(client, NotifyErasedOrganisation)
    assert [(answer["erased"], answer["kept"]) for answer in answers] == [([], [])] * times


async def test_its_end_is_heard_also_from_a_matching_that_was_put_back_to_an_older_version(
    client: Client, one: IntroductionParty
) -> None:
    await tell(client, known(one, version=20), erased(one.organisation_id), known(one, version=21))
    assert await rows(client, Organisation) == []
    assert len(await told(client, NotifyErasedOrganisation)) == 1


async def test_a_person_of_two_organisations_keeps_the_letters_of_the_other(
    client: Client, one: IntroductionParty
) -> None:
    second = party("Enzymværket Holding", contacts=(OrganisationContact(name="Mette", email="mette@example.org"),))
    await tell(client, link_for(one), link_for(second))
    await tell(client, erased(one.organisation_id))
    (letter,) = await inbox(client, "mette@example.org")
    assert "Enzymværket Holding" in letter["subject"]


async def test_letters_about_new_partners_go_on_without_the_one_erased(client: Client) -> None:
    both, alone = (
        new_partners("Bageriet", "mette", "Gærhuset", "Målelaboratoriet"),
        new_partners("Mejeriet", "mette", "Ost"),
    )
    await tell(client, both, alone)
    gone = [both.partners[0].organisation_id, alone.partners[0].organisation_id]
    await tell(client, *(erased(each) for each in gone))
    inbox = (await client.get("/v1/inbox", headers=as_caller("member", email="mette@example.org"))).json()
    assert [each["subject"] for each in inbox["items"]] == ["Målelaboratoriet kan være en partner for jer"]
    assert "Gærhuset" not in str(inbox)
    late = new_partners("Bageriet", "mette", "Gærhuset", "Kagehuset").model_copy()
    partners = (late.partners[0].model_copy(update={"organisation_id": gone[0]}), late.partners[1])
    await tell(client, late.model_copy(update={"partners": partners}))
    inbox = (await client.get("/v1/inbox", headers=as_caller("member", email="mette@example.org"))).json()
    assert inbox["items"][0]["subject"] == "Kagehuset kan være en partner for jer"
