"""What is held of an organisation is handed over, as its manager may see it, in parts that the bus takes."""

from typing import Any
from uuid import UUID

import pytest

from services.events.leaving import exports
from shared.access.links import Purpose
from shared.contracts.matching import OrganisationExportRequested
from shared.database import uuid7
from shared.messaging import outbox
from tests.events.builders import counted, one_of, published, scan, signed_up, told
from tests.matching.builders import hear
from tests.support.callers import links
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org", "job_title": "Laborant"}


def request(organisation: str | UUID) -> OrganisationExportRequested:
    return OrganisationExportRequested(organisation_id=UUID(str(organisation)), version=3, export_id=uuid7())


async def handed_over(client: Client) -> list[dict[str, Any]]:
    return [message["data"] for message in await told(client, "events.organisation.exported")]


async def test_a_registration_is_handed_over_as_a_manager_sees_it(client: Client) -> None:
    event = await published(client)
    registration = await counted(client, event, attendees=[AKSEL, {"name": "Bodil Ravn"}])
    await signed_up(client, event)
    await scan(client, event, attendee=one_of(registration)["id"])
    bodil = one_of(registration, 1)["id"]
    own = {"key": links.key(Purpose.ATTENDEE, UUID(bodil), 1)}
    # Given by the own link: the contact person does not see it, a manager does.
    await client.patch(f"/v1/attendees/{bodil}", params=own, json={"email": "bodil@example.org"})
    agreed = {"consents": {"shown_to_participants": True}}
    assert (await client.patch(f"/v1/attendees/{bodil}", params=own, json=agreed)).status_code == 200
    asked = request(registration["organisation"]["id"])
    await hear(client, asked)
    (part,) = await handed_over(client)
    assert (part["export_id"], part["part"], part["parts"]) == (str(asked.export_id), 1, 1)
    (exported,) = part["registrations"]
    assert (exported["reference"], exported["event_title"]) == (registration["reference"], event["title"])
    assert exported["contact"]["email"] == registration["contact"]["email"]
    aksel, other = exported["attendees"]
    assert (aksel["email"], aksel["job_title"], "checked_in_at" in aksel) == ("aksel@example.org", "Laborant", True)
    assert (other["email"], "checked_in_at" in other) == ("bodil@example.org", False)
    assert [each["shown_to_participants"] for each in (aksel, other)] == [False, True]


async def test_many_registrations_come_in_numbered_parts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_A_TIME", 2)
    event = await published(client)
    contact = {"name": "Mette Holm", "email": "mette@gmail.com"}
    made = [await counted(client, event, contact=contact) for _ in range(5)]
    monkeypatch.setattr(outbox, "PART", 700)
    await hear(client, request(made[0]["organisation"]["id"]))
    parts = await handed_over(client)
    assert len(parts) > 1
    assert [(part["part"], part["parts"]) for part in parts] == [
        (number, len(parts)) for number in range(1, len(parts) + 1)
    ]
    references = [each["reference"] for part in parts for each in part["registrations"]]
    assert references == [registration["reference"] for registration in made]


async def test_an_empty_part_says_that_there_is_nothing(client: Client) -> None:
    await hear(client, request(uuid7()))
    (part,) = await handed_over(client)
    assert (part["part"], part["parts"], part["registrations"]) == (1, 1, [])
