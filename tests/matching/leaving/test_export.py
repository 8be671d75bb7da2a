"""Everything that is held of an organisation, for its own people: the other services hand over their parts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from httpx import Response
from sqlmodel import select, update

from services.matching.leaving import exports
from services.matching.tables import Export, ExportedPart
from shared.contracts.events import (
    ContactPerson,
    EventsExportedOrganisation,
    ExportedAttendee,
    ExportedRegistration,
    RegisteredOrganisation,
)
from shared.contracts.matching import OrganisationErased, OrganisationExportRequested
from shared.contracts.notify import ExportedLetter, NotifyExportedOrganisation
from shared.database import uuid7
from shared.fields import utc_now
from shared.http.jobs import Job
from tests.matching.builders import (
    ADMIN,
    Row,
    ceremony,
    contact,
    hear,
    key_of,
    make,
    manager_of,
    member_of,
    need,
    offer,
    say,
    sign_up,
    told,
)
from tests.support.callers import Headers
from tests.support.services import Client

DROPS = Job.due("drop exports", exports.any_old, exports.drop_old)


async def ask(client: Client, organisation: str, headers: Headers | None = None) -> Response:
    return await client.get(f"/v1/organisations/{organisation}/export", headers=headers or manager_of(organisation))


async def asked(client: Client) -> Row:
    """What the others were asked last."""
    return (await told(client, OrganisationExportRequested))[-1]


def registration(reference: str = "VB-7KQ2M") -> ExportedRegistration:
    return ExportedRegistration(
        id=uuid7(),
        reference=reference,
        event_id=uuid7(),
        event_title={"da": "Underskrivelse"},
        starts_at=utc_now(),
        created_at=utc_now(),
        contact=ContactPerson(name="Mette Holm", email="mette@example.org"),
        attendees=(ExportedAttendee(id=uuid7(), status="confirmed", name="Aksel Lind", email="aksel@example.org"),),
    )


def letter(subject: str = "Tag jeres profil i brug") -> ExportedLetter:
    return ExportedLetter(
        topic="profile_link", email="mette@example.org", subject=subject, text="Åbn den.", told_at=utc_now()
    )


def handed_over(request: Row, *references: str, part: int = 1, parts: int = 1) -> EventsExportedOrganisation:
    return EventsExportedOrganisation(
        **request, part=part, parts=parts, registrations=tuple(map(registration, references))
    )


def letters(request: Row, *subjects: str) -> NotifyExportedOrganisation:
    return NotifyExportedOrganisation(**request, part=1, parts=1, letters=tuple(map(letter, subjects)))


async def make_older(client: Client, age: timedelta) -> None:
    async with client.app.state.database.transaction() as session:
        await session.exec(update(Export).values(asked_at=utc_now() - age))


async def kept(client: Client) -> list[Any]:
    async with client.app.state.database.reading() as session:
        return [*await session.exec(select(Export)), *await session.exec(select(ExportedPart))]


async def test_it_holds_all_that_the_three_services_hold(client: Client) -> None:
    own = await make(client, "Gærhuset", offers=[offer("Gær")], needs=[need("Varme")], contacts=[contact()])
    partner = await make(client, "Bageriet", contacts=[contact("Bo Lind", "bo@example.org")])
    path = f"/v1/organisations/{own['id']}"
    person = {"name": "Ida Krogh", "email": "ida@gaerhuset.example.org"}
    await client.post(f"{path}/members", json=person, headers=ADMIN)
    await client.post(f"{path}/claim", json=person)
    await say(client, own["id"], partner["id"], "yes", "Vi glæder os")
    await say(client, partner["id"], own["id"], "yes")
    introduced = (await client.get("/v1/introductions", headers=ADMIN)).json()["items"][0]["id"]
    for side, became in ((own, "met"), (partner, "no_fit")):
        outcome = f"/v1/introductions/{introduced}/outcome"
        said = await client.post(outcome, json={"outcome": became}, headers=member_of(side["id"]))
        assert said.status_code == 200, said.text
    event = ceremony(uuid7())
    await hear(
        client, event, sign_up(RegisteredOrganisation(id=UUID(own["id"]), name="Gærhuset"), event=event.event_id)
    )

    pending = await ask(client, own["id"], ADMIN)
    assert (pending.status_code, pending.headers["Retry-After"]) == (202, "2")
    assert pending.json()["missing"] == ["events", "notify"]
    assert pending.json()["next_steps"][0]["href"] == f"{path}/export"
    await hear(client, handed_over(await asked(client), "VB-1"), letters(await asked(client), "Velkommen"))

    answer = await ask(client, own["id"], ADMIN)
    assert answer.status_code == 200
    export = answer.json()
    assert export["profile"]["contacts"][0]["email"] == "mette@gaerhuset.example.org"
    assert [each["name"] for each in export["members"]] == ["Ida Krogh"]
    assert [each["email"] for each in export["claims"]] == ["ida@gaerhuset.example.org"]
    assert [(each["other_id"], each["answer"], each["message"]) for each in export["answers"]] == [
        (partner["id"], "yes", "Vi glæder os")
    ]
    (introduction,) = export["introductions"]
    assert introduction["status"] == "completed"
    assert [party["outcome"] for party in introduction["parties"]] == ["met", None], "the other's is not theirs"
    assert [each["slug"] for each in export["going"]] == ["underskrivelse"]
    assert export["registrations"][0]["attendees"][0]["email"] == "aksel@example.org"
    assert [each["subject"] for each in export["letters"]] == ["Velkommen"]


async def test_it_shows_no_answer_of_another_whoever_asks(client: Client) -> None:
    own, partner = await make(client, "Gærhuset"), await make(client, "Bageriet")
    await say(client, own["id"], partner["id"], "yes")
    await say(client, partner["id"], own["id"], "not_for_us")
    await ask(client, own["id"], ADMIN)
    await hear(client, handed_over(await asked(client)), letters(await asked(client)))
    export = (await ask(client, own["id"], ADMIN)).json()
    assert [each["status"] for each in export["introductions"]] == ["requested"]
    assert [each["answer"] for each in export["answers"]] == ["yes"]
    assert "not_for_us" not in str(export)


async def test_it_waits_for_every_part_and_takes_each_once_in_any_order(client: Client) -> None:
    own = await make(client, "Gærhuset")
    await ask(client, own["id"])
    request = await asked(client)
    last = handed_over(request, "VB-3", part=2, parts=2)
    await hear(client, letters(request), last, last)
    assert (await ask(client, own["id"])).json()["missing"] == ["events"]
    await hear(client, handed_over(request, "VB-1", "VB-2", part=1, parts=2))
    export = (await ask(client, own["id"])).json()
    assert [each["reference"] for each in export["registrations"]] == ["VB-1", "VB-2", "VB-3"]


async def test_one_less_than_an_hour_old_is_given_again(client: Client) -> None:
    own = await make(client, "Gærhuset")
    pending = [(await ask(client, own["id"])).json()["id"] for _ in range(2)]
    await hear(client, handed_over(await asked(client)), letters(await asked(client)))
    given = [(await ask(client, own["id"])).json()["id"] for _ in range(2)]
    assert len({*pending, *given}) == 1
    assert len(await told(client, OrganisationExportRequested)) == 1
    await make_older(client, timedelta(hours=1))
    again = await ask(client, own["id"])
    assert (again.status_code, again.json()["id"] in given) == (202, False)
    assert len(await told(client, OrganisationExportRequested)) == 2


async def test_one_that_still_waits_is_not_asked_for_again(client: Client) -> None:
    """A service that is away for hours answers once, when it is back."""
    own = await make(client, "Gærhuset")
    await ask(client, own["id"])
    await make_older(client, timedelta(hours=5))
    assert (await ask(client, own["id"])).status_code == 202
    assert len(await told(client, OrganisationExportRequested)) == 1


async def test_it_is_dropped_after_a_day_and_parts_that_come_then_are_let_go(client: Client) -> None:
    own = await make(client, "Gærhuset")
    await ask(client, own["id"])
    request = await asked(client)
    await hear(client, handed_over(request))
    await DROPS.run(client.app.state)
    assert len(await kept(client)) == 2
    await make_older(client, timedelta(days=1))
    await DROPS.run(client.app.state)
    await hear(client, letters(request))
    assert await kept(client) == []


async def test_it_goes_with_the_organisation(client: Client) -> None:
    own = await make(client, "Gærhuset")
    await ask(client, own["id"])
    request = await asked(client)
    await hear(client, handed_over(request))
    await client.delete(f"/v1/organisations/{own['id']}", headers=ADMIN)
    assert len(await told(client, OrganisationErased)) == 1
    await hear(client, letters(request))
    assert await kept(client) == []
    assert (await ask(client, own["id"], ADMIN)).status_code == 404


async def test_a_member_may_not_have_it_and_the_link_may(client: Client) -> None:
    own = await make(client, "Gærhuset")
    assert (await ask(client, own["id"], member_of(own["id"]))).status_code == 403
    answer = await client.get(f"/v1/organisations/{own['id']}/export", params=key_of(own["id"]))
    assert answer.status_code == 202
