"""What an organisation's people were told in its name is handed over, with what became of the mails."""

from shared.contracts.matching import OrganisationExportRequested, ProfileLinkRequested
from shared.contracts.notify import NotifyExportedOrganisation
from shared.database import uuid7
from tests.matching.builders import told
from tests.notify.mailbox import Mailbox
from tests.notify.messages import attendee, party, published, registered, tell
from tests.support.services import Client, eventually


async def test_its_letters_are_handed_over_and_nobody_else_s(notify: Client, mailbox: Mailbox) -> None:
    one, other = party("Enzymværket ApS", "mette"), party("Målelaboratoriet", "rikke")
    event = published()
    links = [
        ProfileLinkRequested(
            version=1,
            organisation_id=each.organisation_id,
            name=each.name,
            link_version=1,
            recipient=each.contacts[0],
            reason="created",
        )
        for each in (one, other)
    ]
    await tell(notify, event, registered(event, attendee("Jens Lund")), *links)
    await mailbox.one("mette@example.org", "Enzymværket")
    asked = OrganisationExportRequested(organisation_id=one.organisation_id, version=1, export_id=uuid7())

    async def sent() -> bool:
        await tell(notify, asked)
        (letter,) = (await told(notify, NotifyExportedOrganisation))[-1]["letters"]
        return bool(letter["status"] == "sent")

    await eventually(sent)
    part = (await told(notify, NotifyExportedOrganisation))[-1]
    assert (part["export_id"], part["part"], part["parts"]) == (str(asked.export_id), 1, 1)
    (letter,) = part["letters"]
    assert (letter["topic"], letter["name"], letter["email"]) == ("profile_link", "Mette Holm", "mette@example.org")
    assert letter["subject"] == "Tag jeres profil i brug: Enzymværket ApS"
    assert letter["sent_at"] >= letter["told_at"]


async def test_an_empty_part_says_that_there_is_nothing(client: Client) -> None:
    await tell(client, OrganisationExportRequested(organisation_id=uuid7(), version=1, export_id=uuid7()))
    (part,) = await told(client, NotifyExportedOrganisation)
    assert (part["part"], part["parts"], part["letters"]) == (1, 1, [])
