"""Attendance in figures, the list of who is coming, and the recount of every quota."""

from typing import Any

from sqlalchemy import text

from shared.database import uuid7
from tests.events.builders import (
    ORGANISER,
    OTHER_ORGANISER,
    cancel,
    company,
    counted,
    in_days,
    next_year,
    one_of,
    published,
    scan,
    signed_up,
)
from tests.support.callers import as_caller
from tests.support.services import Client

TYPES = [
    {"key": "guest", "title": {"en": "Guest"}, "capacity": 3},
    {"key": "press", "title": {"en": "Press"}, "capacity": 1},
]
PEOPLE = [
    {"name": "Aksel Lind", "email": "aksel@example.org", "ticket_type": "guest"},
    {"name": "Bodil Ravn", "email": "bodil@example.org", "ticket_type": "press"},
    {"ticket_type": "guest"},
]


async def attendance(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/v1/events/{event['id']}/attendance", headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    figures: dict[str, Any] = answer.json()
    return figures


async def names(client: Client, event: dict[str, Any], **params: Any) -> list[str | None]:
    answer = await client.get(f"/v1/events/{event['id']}/attendees", params=params, headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def test_figures_by_ticket_type_organisation_and_quarter_of_an_hour(client: Client) -> None:
    day, event = f"{next_year()}-05-06", await published(client, ticket_types=TYPES)
    fjord = await counted(client, event, attendees=PEOPLE)
    await signed_up(client, event, organisation=None, attendees=[{"name": "Cille Due", "ticket_type": "guest"}])
    await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    gone = await signed_up(client, event, attendees=[{"ticket_type": "guest"}])
    await cancel(client, gone)
    await scan(client, event, attendee=one_of(fjord, 0)["id"], at=f"{day}T08:52:10")
    await scan(client, event, attendee=one_of(fjord, 1)["id"], at=f"{day}T09:07")
    await scan(client, event, attendee=one_of(fjord, 0)["id"], direction="out")

    assert await attendance(client, event) == {
        "expected": 4,
        "checked_in": 2,
        "inside": 1,
        "waitlisted": 1,
        "by_ticket_type": [
            {"key": "guest", "name": "guest", "expected": 3, "checked_in": 1},
            {"key": "press", "name": "press", "expected": 1, "checked_in": 1},
        ],
        "by_organisation": [
            {"key": fjord["organisation"]["id"], "name": "Fjordenzym ApS", "expected": 3, "checked_in": 2},
            {"key": None, "name": None, "expected": 1, "checked_in": 0},
        ],
        "per_quarter": [
            {"starts_at": f"{day}T06:45:00Z", "checked_in": 1},
            {"starts_at": f"{day}T07:00:00Z", "checked_in": 1},
        ],
    }


async def test_two_organisations_of_one_name_are_counted_apart(client: Client) -> None:
    event = await published(client)
    await counted(client, event, people=2)
    await counted(client, event)
    assert [each["expected"] for each in (await attendance(client, event))["by_organisation"]] == [2, 1]


async def test_an_event_without_anybody_has_figures_of_nought(client: Client) -> None:
    figures = await attendance(client, await published(client))
    assert (figures["expected"], figures["by_ticket_type"], figures["per_quarter"]) == (0, [], [])


async def test_every_quota_is_recounted_from_its_rows(client: Client) -> None:
    event = await published(client, ticket_types=TYPES)
    await signed_up(client, event, attendees=PEOPLE)
    answer = await client.get(f"/v1/events/{event['id']}/capacity", headers=ORGANISER)
    assert answer.json() == {
        "quotas": [
            {"kind": "event", "key": "", "capacity": 60, "taken": 3, "held": 0, "offered": 0, "free": 57},
            {"kind": "ticket_type", "key": "guest", "capacity": 3, "taken": 2, "held": 0, "offered": 0, "free": 1},
            {"kind": "ticket_type", "key": "press", "capacity": 1, "taken": 1, "held": 0, "offered": 0, "free": 0},
        ],
        "violations": [],
    }


async def test_a_count_that_differs_from_its_rows_is_a_violation(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event)
    async with client.app.state.database.transaction() as session:
        await session.exec(text("UPDATE quotas SET taken = 5"))
    answer = await client.get(f"/v1/events/{event['id']}/capacity", headers=ORGANISER)
    assert answer.json()["violations"] == ["event: recorded 5, rows say 1"]
    assert answer.json()["quotas"][0]["taken"] == 1


async def test_the_organiser_lists_who_is_coming(client: Client) -> None:
    event = await published(client, ticket_types=TYPES)
    fjord = await signed_up(client, event, attendees=PEOPLE)
    lund = await counted(client, event, attendees=[{"name": "Åse Lund", "ticket_type": "press"}])
    await scan(client, event, attendee=one_of(fjord, 1)["id"])
    await cancel(client, fjord, 2)
    everybody = ["Aksel Lind", "Bodil Ravn", None, "Åse Lund"]
    assert await names(client, event) == everybody
    assert await names(client, event, status="waitlisted") == ["Åse Lund"]
    assert await names(client, event, ticket_type="press") == ["Bodil Ravn", "Åse Lund"]
    assert await names(client, event, organisation=lund["organisation"]["id"]) == ["Åse Lund"]
    assert await names(client, event, checked_in=True) == ["Bodil Ravn"]
    assert await names(client, event, named=False) == [None]
    assert await names(client, event, q="ÅSE") == ["Åse Lund"]
    assert await names(client, event, q=lund["reference"].lower()) == ["Åse Lund"]
    assert await names(client, event, q="_") == []
    assert await names(client, event, updated_since=in_days(1)) == []
    first = (await client.get(f"/v1/events/{event['id']}/attendees", params={"limit": 3}, headers=ORGANISER)).json()
    assert await names(client, event, cursor=first["next_cursor"]) == ["Åse Lund"]
    assert first["items"][0]["email"] == "aksel@example.org"
    assert first["items"][0]["reference"] == fjord["reference"]


async def test_the_organiser_lists_the_registrations(client: Client) -> None:
    event = await published(client, capacity=2)
    made = [await counted(client, event, organisation={"name": f"Firm {number}"}) for number in range(3)]
    path = f"/v1/events/{event['id']}/registrations"
    first = (await client.get(path, params={"limit": 2}, headers=ORGANISER)).json()
    assert [each["id"] for each in first["items"]] == [each["id"] for each in made[:2]]
    rest = (await client.get(path, params={"cursor": first["next_cursor"]}, headers=ORGANISER)).json()
    assert [(each["id"], each["status"], each["attendees"][0]["position"]) for each in rest["items"]] == [
        (made[2]["id"], "waitlisted", 1)
    ]
    assert rest["items"][0]["links"] is None, "the link is the contact person's"
    waiting = (await client.get(path, params={"status": "waitlisted"}, headers=ORGANISER)).json()
    assert [each["id"] for each in waiting["items"]] == [made[2]["id"]]
    own = (await client.get(path, params={"organisation": made[1]["organisation"]["id"]}, headers=ORGANISER)).json()
    assert [each["id"] for each in own["items"]] == [made[1]["id"]]


async def test_a_manager_lists_the_own_organisation_only(client: Client) -> None:
    event = await published(client)
    own = await counted(client, event, attendees=[{"name": "Aksel Lind"}])
    await client.post(f"/v1/events/{event['id']}/registrations", json=company("Another ApS"))
    manager = as_caller("manager", organisation=own["organisation"]["id"], email="boss@example.org")
    for path in ("attendees", "registrations"):
        found = (await client.get(f"/v1/events/{event['id']}/{path}", headers=manager)).json()["items"]
        assert len(found) == 1, path


async def test_nobody_else_sees_figures_or_lists(client: Client) -> None:
    event = await published(client)
    member = as_caller("member", organisation=uuid7())
    for path in ("attendance", "capacity", "attendees", "registrations", "check-ins"):
        address = f"/v1/events/{event['id']}/{path}"
        assert (await client.get(address)).status_code == 401, path
        for headers in (OTHER_ORGANISER, member):
            assert (await client.get(address, headers=headers)).status_code == 403, path
