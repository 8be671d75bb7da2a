"""The programme: events drafted, changed, published, called off and completed, and what the public sees of them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.events.programme.moving import HANGING
from shared.database import uuid7
from tests.events.builders import (
    KNOWLEDGE_HUB,
    ORGANISER,
    OTHER_ORGANISER,
    cancel,
    capacity,
    ceremony,
    change_event,
    clocks_change,
    in_days,
    next_year,
    published,
    signed_up,
    told,
)
from tests.support.callers import Headers, as_caller
from tests.support.services import Client

Wrong = dict[str, tuple[dict[str, Any], str]]

ADMIN = as_caller("admin", email="secretariat@example.org")
MEMBER = as_caller("member", organisation=KNOWLEDGE_HUB, email="member@example.org")


async def draft(client: Client, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/v1/events", json=ceremony(**changes), headers=ORGANISER)
    assert answer.status_code == 201, answer.text
    event: dict[str, Any] = answer.json()
    return event


async def patch(client: Client, event: dict[str, Any], change: dict[str, Any], **params: Any) -> httpx.Response:
    return await client.patch(f"/v1/events/{event['id']}", json=change, params=params, headers=ORGANISER)


async def step(client: Client, event: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
    return await client.post(f"/v1/events/{event['id']}/{verb}", json=body, headers=ORGANISER)


async def titles(client: Client, headers: Headers | None = None, **params: Any) -> list[str]:
    answer = await client.get("/v1/events", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return [each["title"]["en"] for each in answer.json()["items"]]


async def test_an_event_is_drafted_published_and_called_off(client: Client) -> None:
    answer = await client.post("/v1/events", json=ceremony(), headers=ORGANISER)
    event = answer.json()
    assert (event["status"], event["version"], event["slug"]) == ("draft", 1, "underskrift-i-helix-lab")
    assert answer.headers["Location"] == f"/v1/events/{event['id']}"
    assert event["contact"] == {"name": "Karen Kaas", "email": "organiser@example.org", "language": "da"}
    assert event["registration_closes_at"] == event["starts_at"]
    closes = datetime.fromisoformat(event["changes_close_at"])
    assert closes == datetime.fromisoformat(event["starts_at"]) - timedelta(days=1)

    assert (await step(client, event, "publish")).json()["status"] == "published"
    again = await step(client, event, "publish")
    assert (again.status_code, again.json()["version"], again.headers["ETag"]) == (200, 2, '"2"')
    called_off = (await step(client, event, "cancel", reason={"da": "Stormen lukker broen"})).json()
    assert (called_off["status"], called_off["cancel_reason"]) == ("cancelled", {"da": "Stormen lukker broen"})
    assert called_off["registration_status"] == "cancelled"
    assert (await step(client, event, "cancel")).json()["version"] == 3
    for verb in ("publish", "complete"):
        assert (await step(client, event, verb)).json()["type"] == "/problems/wrong-status"
    assert (await patch(client, event, {"capacity": 90})).json()["type"] == "/problems/wrong-status"
    kinds = [message["type"].removeprefix("events.event.") for message in await told(client)]
    assert kinds == ["published.v1", "cancelled.v1"]


async def test_an_event_that_has_begun_is_completed(client: Client) -> None:
    event = await published(client)
    assert (await step(client, event, "complete")).json()["type"] == "/problems/wrong-status"
    await change_event(client, event, starts_at=in_days(-0.1))
    assert (await step(client, event, "complete")).json()["status"] == "completed"
    assert (await step(client, event, "complete")).status_code == 200
    assert (await client.get(f"/v1/events/{event['id']}")).json()["registration_status"] == "closed"
    assert (await told(client, "events.event"))[-1]["type"] == "events.event.completed.v1"


async def test_what_is_not_ready_is_not_published(client: Client) -> None:
    nowhere = await draft(client, venue=None)
    refused = await step(client, nowhere, "publish")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-ready")
    assert refused.json()["missing"] == ["venue or online_url"]
    over = await draft(client, starts_at=in_days(-2), ends_at=in_days(-1))
    assert (await step(client, over, "publish")).json()["missing"] == ["ends_at in the future"]
    online = await draft(client, venue=None, kind="webinar", online_url="https://example.org/webinar")
    assert (await step(client, online, "publish")).status_code == 200


def wrong_times(event: dict[str, Any]) -> Wrong:
    """What cannot be, measured from the event's own start and end."""
    start, end = (datetime.fromisoformat(event[name]) for name in ("starts_at", "ends_at"))
    an_hour = timedelta(hours=1)
    before, meanwhile, after = start - an_hour, start + an_hour, end + an_hour
    return {
        "ends before it starts": ({"ends_at": before.isoformat()}, "/ends_at"),
        "ends when it starts": ({"starts_at": start.isoformat(), "ends_at": start.isoformat()}, "/ends_at"),
        "doors open after the start": ({"doors_open_at": meanwhile.isoformat()}, "/doors_open_at"),
        "registration closes after the end": ({"registration_closes_at": after.isoformat()}, "/registration_closes_at"),
        "changes close after the end": ({"changes_close_at": after.isoformat()}, "/changes_close_at"),
        "registration opens after it closes": (
            {"registration_opens_at": meanwhile.isoformat()},
            "/registration_opens_at",
        ),
        "a local time that summer time leaps over": ({"starts_at": f"{clocks_change(3)}T02:30"}, "/starts_at"),
    }


WRONG: Wrong = {
    "an unknown zone": ({"timezone": "Europe/Kalundborg"}, "/timezone"),
    "no time at all": ({"starts_at": "next Tuesday"}, "/starts_at"),
    "a time that is a number": ({"starts_at": 1_800_000_000}, "/starts_at"),
    "a year out of reach": ({"ends_at": "9999-12-31T23:59:59-12:00"}, "/ends_at"),
    "fewer than no seats": ({"capacity": -1}, "/capacity"),
    "more seats than there are people": ({"capacity": 10**9}, "/capacity"),
    "half a seat": ({"capacity": 0.5}, "/capacity"),
    "no title": ({"title": {}}, "/title"),
    "a title in another language": ({"title": {"sv": "Ceremoni"}}, "/title/sv"),
    "an unknown kind": ({"kind": "party"}, "/kind"),
    "an unknown field": ({"capasity": 3}, "/capasity"),
    "a page that is no address": ({"page_url": "javascript:alert(1)"}, "/page_url"),
    "one ticket type twice": (
        {"ticket_types": [{"key": "guest", "title": {"en": "A"}}, {"key": "guest", "title": {"en": "B"}}]},
        "/ticket_types",
    ),
    "a ticket type with an impossible capacity": (
        {"ticket_types": [{"key": "guest", "title": {"en": "A"}, "capacity": -3}]},
        "/ticket_types/0/capacity",
    ),
}


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_wrong_dates_zones_and_capacities_are_named_and_nothing_is_drafted(client: Client) -> None:
    body = ceremony()
    for what, (change, pointer) in (WRONG | wrong_times(body)).items():
        answer = await client.post("/v1/events", json=body | change, headers=ORGANISER)
        assert answer.status_code == 422, (what, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], (what, answer.text)
    assert await titles(client, ORGANISER) == []


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_change_that_cannot_be_is_named_as_a_draft_would_and_changes_nothing(client: Client) -> None:
    event = await published(client)
    for what, (change, pointer) in (WRONG | wrong_times(event)).items():
        if change == {"title": {}}:
            continue
        answer = await patch(client, event, change)
        assert answer.status_code == 422, (what, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], (what, answer.text)
    assert (await client.get(f"/v1/events/{event['id']}")).json()["version"] == 2


async def test_a_change_merges_and_null_takes_away(client: Client) -> None:
    event = await draft(client, summary={"da": "Kort", "en": "Short"}, hub="kalundborg", listed=False)
    changed = await change_event(
        client,
        event,
        title={"en": "The signing"},
        summary={"da": None},
        venue={"name": "Helix Lab", "address": "Holmen 1"},
        contact={"name": "Bodil Ravn"},
        hub=None,
        capacity=None,
        listed=None,
    )
    assert changed["title"] == {"da": "Underskrift i Helix Lab", "en": "The signing"}
    assert changed["summary"] == {"en": "Short"}
    assert changed["venue"] | {"latitude": None, "longitude": None} == {
        "name": "Helix Lab",
        "address": "Holmen 1",
        "city": None,
        "latitude": None,
        "longitude": None,
    }
    assert changed["contact"]["name"], changed["contact"]["email"] == ("Bodil Ravn", "organiser@example.org")
    assert (changed["hub"], changed["capacity"], changed["remaining_capacity"]) == (None, None, None)
    assert changed["listed"] is True, "the default again"
    assert changed["version"] == 2
    for required in ("title", "starts_at", "ends_at"):
        refused = await patch(client, event, {required: None})
        assert [error["pointer"] for error in refused.json()["errors"]] == [f"/{required}"]
    lost = await patch(client, event, {"venue": {"city": "Roskilde"}})
    assert [error["pointer"] for error in lost.json()["errors"]] == ["/venue/name"]


async def test_a_new_venue_has_nothing_of_the_old_one(client: Client) -> None:
    there = {"name": "DTU Lyngby", "address": "Anker Engelunds Vej 1", "latitude": 55.79, "longitude": 12.52}
    event = await draft(client, venue=there)
    moved = await change_event(client, event, venue={"name": "SDU, TEK", "city": "Odense"})
    assert {name: value for name, value in moved["venue"].items() if value} == {"name": "SDU, TEK", "city": "Odense"}


async def test_times_that_hang_on_the_start_move_along(client: Client) -> None:
    year, event = next_year(), await draft(client)
    moved = await change_event(client, event, starts_at=f"{year}-05-06T10:00", ends_at=f"{year}-05-06T12:00")
    assert moved["starts_at"] == f"{year}-05-06T08:00:00Z"
    assert moved["registration_closes_at"] == moved["starts_at"]
    assert moved["changes_close_at"] == f"{year}-05-05T08:00:00Z"
    await change_event(client, event, registration_closes_at=f"{year}-05-01T12:00")
    await change_event(client, event, doors_open_at=f"{year}-05-06T09:30")
    later = await change_event(client, event, starts_at=f"{year}-05-07T11:00")
    assert later["ends_at"] == f"{year}-05-07T11:00:00Z"
    assert later["doors_open_at"] == f"{year}-05-07T08:30:00Z"
    assert later["registration_closes_at"] == f"{year}-05-02T11:00:00Z"
    both = await change_event(client, event, starts_at=f"{year}-05-08T11:00", registration_closes_at=f"{year}-05-03")
    assert both["registration_closes_at"] == f"{year}-05-02T22:00:00Z", "what is said is not moved"


async def test_moved_over_the_start_of_summer_time_the_clock_times_stay(client: Client) -> None:
    day = clocks_change(3)
    event = await draft(
        client,
        starts_at=f"{day - timedelta(days=1)}T10:00",
        ends_at=f"{day - timedelta(days=1)}T12:00",
        doors_open_at=f"{day - timedelta(days=1)}T09:00",
    )
    moved = await change_event(client, event, starts_at=f"{day}T10:00")
    clock = {name: datetime.fromisoformat(moved[name]).astimezone(ZoneInfo("Europe/Copenhagen")) for name in HANGING}
    assert {name: f"{time:%H:%M}" for name, time in clock.items()} == {
        "ends_at": "12:00",
        "doors_open_at": "09:00",
        "registration_closes_at": "10:00",
        "changes_close_at": "10:00",
    }
    assert clock["changes_close_at"].date() == day - timedelta(days=1)


async def test_a_change_that_changes_nothing_has_no_version_and_tells_nothing(client: Client) -> None:
    event = await published(client)
    same = {"title": event["title"], "capacity": 60, "starts_at": event["starts_at"], "venue": event["venue"]}
    assert (await change_event(client, event, **same))["version"] == event["version"]
    assert await told(client, "events.event.updated") == []


async def test_what_changed_is_told_once_published(client: Client) -> None:
    event = await draft(client)
    await change_event(client, event, capacity=50)
    assert await told(client) == []
    await step(client, event, "publish")
    await change_event(client, event, notify="all", capacity=40, venue={"name": "Fabrikken"})
    message = (await told(client, "events.event.updated"))[0]
    assert message["data"]["changed"] == ["venue", "capacity"]
    assert (message["data"]["notify"], message["aggregateversion"]) == ("all", 4)
    assert message["data"]["venue"]["name"] == "Fabrikken"


async def test_a_dry_run_says_how_many_would_be_told_and_changes_nothing(client: Client) -> None:
    event = await published(client)
    people = [{"name": "Aksel Lind", "email": "aksel@example.org"}, {"name": "Bodil", "email": "BODIL@example.org"}, {}]
    contact = {"name": "Bodil Ravn", "email": "bodil@Example.org"}
    await signed_up(client, event, attendees=people, contact=contact)
    gone = await signed_up(client, event, contact={"name": "Cille Due", "email": "cille@example.org"})
    await cancel(client, gone)
    later = in_days(30)
    dry = await patch(client, event, {"starts_at": later, "notify": "all"}, dry_run=True)
    assert (dry.status_code, dry.json()["would_notify"], dry.json()["notified"]) == (200, 2, 0)
    assert datetime.fromisoformat(dry.json()["starts_at"]) == datetime.fromisoformat(later), "as it would be"
    assert set(dry.json()["would_move"]) == {"ends_at", "registration_closes_at", "changes_close_at"}
    assert (await client.get(f"/v1/events/{event['id']}")).json()["starts_at"] == event["starts_at"]
    assert await told(client, "events.event.updated") == []
    refused = await patch(client, event, {"capacity": 2}, dry_run=True)
    assert refused.json()["type"] == "/problems/capacity-below-taken"


async def test_a_dry_run_says_who_would_get_a_seat(client: Client) -> None:
    event = await published(client, capacity=1)
    await signed_up(client, event, attendees=[{}, {}, {}])
    dry = await patch(client, event, {"capacity": 2}, dry_run=True)
    assert (dry.json()["capacity"], dry.json()["would_promote"]) == (2, 1)
    assert (await capacity(client, event))["quotas"][0]["taken"] == 1
    assert await told(client, "events.registration.updated") == []


async def test_who_moves_an_event_says_whether_those_who_come_are_told(client: Client) -> None:
    event = await published(client)
    empty = await change_event(client, event, starts_at=in_days(20))
    assert empty["notified"] == 0, "nobody comes yet"
    await signed_up(client, event, attendees=[{"name": "Aksel Lind", "email": "aksel@example.org"}])
    refused = await patch(client, event, {"venue": {"name": "Rådhuset"}})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/notify-required")
    assert refused.json()["would_notify"] == 2
    assert (await client.get(f"/v1/events/{event['id']}")).json()["venue"]["name"] == "Helix Lab"
    assert (await change_event(client, event, summary={"da": "Kort"}))["notified"] == 0


async def test_what_was_kept_quiet_can_still_be_told_with_what_they_knew(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[{"name": "Aksel Lind", "email": "aksel@example.org"}])
    await change_event(client, event, starts_at=in_days(20), notify="none")
    assert (await change_event(client, event, notify="all"))["notified"] == 2
    *_, quiet, loud = await told(client, "events.event.updated")
    assert (quiet["data"]["notify"], loud["data"]["notify"]) == ("none", "all")
    assert datetime.fromisoformat(loud["data"]["before"]["starts_at"]) == datetime.fromisoformat(event["starts_at"])
    assert (await change_event(client, event, notify="all"))["notified"] == 0, "they know"


async def test_what_is_over_is_neither_moved_nor_called_off(client: Client) -> None:
    event = await published(client)
    await change_event(client, event, starts_at=in_days(-2), ends_at=in_days(-1))
    moved = await patch(client, event, {"starts_at": in_days(3)})
    called_off = await step(client, event, "cancel")
    assert [answer.json()["type"] for answer in (moved, called_off)] == ["/problems/event-over"] * 2
    assert (await change_event(client, event, summary={"da": "Sådan gik det"}))["summary"] == {"da": "Sådan gik det"}


async def test_calling_off_can_be_tried_first(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[{"name": "Aksel Lind", "email": "aksel@example.org"}])
    path = f"/v1/events/{event['id']}/cancel"
    dry = await client.post(path, params={"dry_run": "true"}, json={"reason": {"da": "Storm"}}, headers=ORGANISER)
    assert (dry.status_code, dry.json()["status"], dry.json()["would_notify"]) == (200, "published", 2)
    assert await told(client, "events.event.cancelled") == []
    done = await client.post(path, json={"reason": {"da": "Storm", "en": "A storm"}}, headers=ORGANISER)
    assert done.json()["cancel_reason"] == {"da": "Storm", "en": "A storm"}
    (message,) = await told(client, "events.event.cancelled")
    assert (message["data"]["reason"], message["data"]["reasons"]["en"]) == ("Storm", "A storm")


async def test_capacity_does_not_go_below_what_is_taken(client: Client) -> None:
    press = {"key": "press", "title": {"en": "Press"}, "capacity": 4}
    event = await published(client, ticket_types=[{"key": "guest", "title": {"en": "Guest"}}, press])
    await signed_up(client, event, attendees=[{"ticket_type": "press"}] * 2 + [{"ticket_type": "guest"}])
    refused = await patch(client, event, {"capacity": 2})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/capacity-below-taken")
    assert refused.json()["quota"] == {"kind": "event", "key": "", "capacity": 2, "taken": 3}
    guest = {"key": "guest", "title": {"en": "Guest"}}
    of_type = await patch(client, event, {"ticket_types": [guest, press | {"capacity": 1}]})
    assert of_type.json()["quota"] == {"kind": "ticket_type", "key": "press", "capacity": 1, "taken": 2}
    in_use = await patch(client, event, {"ticket_types": [guest]})
    assert (in_use.status_code, in_use.json()["type"]) == (409, "/problems/ticket-type-in-use")
    fits = await change_event(client, event, capacity=3, ticket_types=[guest, press | {"capacity": 2}])
    assert fits["remaining_capacity"] == 0
    quotas = {quota["key"]: quota["taken"] for quota in (await capacity(client, event))["quotas"]}
    assert quotas == {"": 3, "guest": 1, "press": 2}


async def test_a_change_made_on_an_old_reading_is_refused(client: Client) -> None:
    event = await draft(client)
    path = f"/v1/events/{event['id']}"
    read = await client.get(path, headers=ORGANISER)
    assert read.headers["ETag"] == '"1"'
    first = await client.patch(path, json={"capacity": 50}, headers={**ORGANISER, "If-Match": read.headers["ETag"]})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    for stale in ('"1"', 'W/"2"', '"x"'):
        second = await client.patch(path, json={"capacity": 40}, headers={**ORGANISER, "If-Match": stale})
        assert (second.status_code, second.json()["type"]) == (412, "/problems/stale-version"), stale
    nonsense = await client.patch(path, json={"capacity": 40}, headers={**ORGANISER, "If-Match": "2"})
    assert (nonsense.status_code, nonsense.json()["errors"][0]["pointer"]) == (422, "header:If-Match")
    anything = await client.patch(path, json={"capacity": 40}, headers={**ORGANISER, "If-Match": "*"})
    assert anything.status_code == 200


async def test_changes_at_one_moment_are_all_kept(client: Client) -> None:
    event = await published(client)
    answers = await asyncio.gather(
        patch(client, event, {"capacity": 50}),
        patch(client, event, {"hub": "kalundborg"}),
        patch(client, event, {"title": {"en": "New"}}),
        patch(client, event, {"listed": False}),
    )
    assert {answer.status_code for answer in answers} == {200}
    seen = (await client.get(f"/v1/events/{event['id']}")).json()
    assert (seen["capacity"], seen["hub"], seen["title"]["en"], seen["listed"]) == (50, "kalundborg", "New", False)
    assert (seen["version"], seen["title"]["da"]) == (6, "Underskrift i Helix Lab")


async def test_events_of_one_title_have_addresses_of_their_own_also_when_drafted_at_once(client: Client) -> None:
    title = {"da": "Grøn gæring på Ærø & Åland: 100 % æble"}
    answers = await asyncio.gather(
        *(client.post("/v1/events", json=ceremony(title=title), headers=ORGANISER) for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [201] * 5
    base = "groen-gaering-paa-aeroe-aaland-100-aeble"
    assert sorted(answer.json()["slug"] for answer in answers) == sorted([base, *(f"{base}-{n}" for n in range(2, 6))])
    event = answers[0].json()
    await step(client, event, "publish")
    for reference in (event["id"], event["slug"], event["id"].upper()):
        assert (await client.get(f"/v1/events/{reference}")).json()["id"] == event["id"]
    untitled = await draft(client, title={"en": "数字健康"})
    assert untitled["slug"] == "event"


async def test_nothing_is_found_where_no_event_can_be(client: Client) -> None:
    assert (await client.get("/v1/events/there-is-none")).status_code == 404
    assert (await client.get(f"/v1/events/{uuid7()}")).status_code == 404
    for odd in ("%00", "a%00b", "%F0%9F%8E%89", "a b", "x" * 200):
        assert (await client.get(f"/v1/events/{odd}")).status_code in (404, 422), odd
    assert (await client.get("/v1/events", params={"q": "a\0b"})).status_code == 422


async def test_drafts_are_there_for_their_organiser_alone(client: Client) -> None:
    event = await draft(client)
    path = f"/v1/events/{event['id']}"
    for headers in (None, OTHER_ORGANISER, MEMBER):
        assert (await client.get(path, headers=headers)).status_code == 404
        assert await titles(client, headers) == []
    for headers in (ORGANISER, ADMIN):
        assert (await client.get(path, headers=headers)).status_code == 200
        assert await titles(client, headers) == ["Signing at Helix Lab"]
    assert (await client.patch(path, json={}, headers=OTHER_ORGANISER)).status_code == 404
    assert (await client.patch(path, json={})).status_code == 401


async def test_others_see_a_published_event_but_change_nothing(client: Client) -> None:
    event = await published(client)
    path = f"/v1/events/{event['id']}"
    for headers in (OTHER_ORGANISER, MEMBER):
        assert (await client.get(path, headers=headers)).json()["contact"] is None
        assert (await client.patch(path, json={"capacity": 1}, headers=headers)).status_code == 403
        assert (await client.post(f"{path}/cancel", json={}, headers=headers)).status_code == 403
    assert (await client.post("/v1/events", json=ceremony(), headers=MEMBER)).status_code == 403
    assert (await client.post("/v1/events", json=ceremony())).status_code == 401
    theirs = ceremony(organisation_id=str(KNOWLEDGE_HUB))
    assert (await client.post("/v1/events", json=theirs, headers=OTHER_ORGANISER)).status_code == 403
    nobodys = await client.post("/v1/events", json=ceremony(), headers=ADMIN)
    assert [error["pointer"] for error in nobodys.json()["errors"]] == ["/organisation_id"]
    assert (await client.post("/v1/events", json=theirs, headers=ADMIN)).json()["organisation_id"] == str(KNOWLEDGE_HUB)


async def test_a_draft_is_deleted_and_a_published_event_is_not(client: Client) -> None:
    event = await draft(client, ticket_types=[{"key": "guest", "title": {"en": "Guest"}}])
    assert (await client.delete(f"/v1/events/{event['id']}", headers=ORGANISER)).status_code == 204
    assert (await client.get(f"/v1/events/{event['id']}", headers=ORGANISER)).status_code == 404
    kept = await published(client)
    refused = await client.delete(f"/v1/events/{kept['id']}", headers=ORGANISER)
    assert refused.json()["type"] == "/problems/wrong-status"


async def test_a_draft_deleted_twice_at_one_moment_is_gone_once(client: Client) -> None:
    event = await draft(client)
    deletions = [client.delete(f"/v1/events/{event['id']}", headers=ORGANISER) for _ in range(4)]
    answers = await asyncio.gather(*deletions, patch(client, event, {"capacity": 1}), step(client, event, "publish"))
    assert {answer.status_code for answer in answers} <= {200, 204, 404, 409}


async def test_the_list_shows_what_is_to_come_and_can_be_narrowed(client: Client) -> None:
    async def held(title: str, days: float, **changes: Any) -> None:
        await published(client, title={"en": title}, starts_at=in_days(days), ends_at=in_days(days + 0.1), **changes)

    await held("Later", 30, kind="workshop", hub="aarhus")
    await held("Sooner", 3, focus_areas=["sustainability_green_transition"], summary={"da": "ØRESUNDS æbler"})
    await held("Unlisted", 4, listed=False)
    await held("Now", -0.05, kind="webinar")
    over = await published(client, title={"en": "Over"}, starts_at=in_days(-0.2))
    await change_event(client, over, ends_at=in_days(-0.1))

    assert await titles(client) == ["Now", "Sooner", "Later"]
    assert await titles(client, starts_after=in_days(-1), starts_before=in_days(10)) == ["Over", "Now", "Sooner"]
    assert await titles(client, kind="workshop") == ["Later"]
    assert await titles(client, hub="aarhus") == ["Later"]
    assert await titles(client, focus_area="sustainability_green_transition") == ["Sooner"]
    assert await titles(client, q="øresunds Æ") == ["Sooner"]
    assert await titles(client, q="100%") == []
    assert await titles(client, organiser=str(KNOWLEDGE_HUB)) == ["Now", "Sooner", "Later"]
    assert await titles(client, organiser=str(uuid7())) == []
    assert await titles(client, ORGANISER) == ["Now", "Sooner", "Unlisted", "Later"]
    for wrong in ({"kind": "party"}, {"starts_after": "0001-01-01T00:00:00+14:00"}, {"limit": 0}, {"cursor": "x"}):
        assert (await client.get("/v1/events", params=wrong)).status_code == 422, wrong


async def test_the_list_is_read_page_by_page_without_losing_or_repeating_one(client: Client) -> None:
    same_moment = {"starts_at": in_days(10), "ends_at": in_days(10.1)}
    for number in range(5):
        await published(client, title={"en": f"Event {number}"}, **same_moment)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/events", params=params)).json()
        seen += [each["title"]["en"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == [f"Event {number}" for number in range(5)]


async def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    event = await published(client)
    await published(client)
    await signed_up(client, event, people=2)
    of_events = (await client.get("/v1/events", params={"limit": 1})).json()["next_cursor"]
    path = f"/v1/events/{event['id']}/attendees"
    of_attendees = (await client.get(path, params={"limit": 1}, headers=ORGANISER)).json()["next_cursor"]
    wrong = (
        await client.get("/v1/events", params={"cursor": of_attendees}),
        await client.get(path, params={"cursor": of_events}, headers=ORGANISER),
        await client.get(path, params={"cursor": of_attendees[:-3]}, headers=ORGANISER),
    )
    assert [answer.status_code for answer in wrong] == [422] * 3


async def test_times_are_answered_in_utc_and_in_the_events_own_clock(client: Client) -> None:
    year = next_year()
    summer = await draft(client, starts_at=f"{year}-07-01T10:00", ends_at=f"{year}-07-01T14:00:00+02:00")
    assert (summer["starts_at"], summer["ends_at"]) == (f"{year}-07-01T08:00:00Z", f"{year}-07-01T12:00:00Z")
    assert summer["starts_at_local"] == f"{year}-07-01T10:00:00+02:00"
    winter = await draft(client, starts_at=f"{year}-12-01T10:00", ends_at=f"{year}-12-01T14:00")
    assert winter["starts_at"] == f"{year}-12-01T09:00:00Z"
    abroad = await draft(
        client, timezone="America/New_York", starts_at=f"{year}-07-01T10:00", ends_at=f"{year}-07-01T18:00:00+02:00"
    )
    assert (abroad["starts_at"], abroad["ends_at"]) == (f"{year}-07-01T14:00:00Z", f"{year}-07-01T16:00:00Z")
    assert abroad["starts_at_local"] == f"{year}-07-01T10:00:00-04:00"


async def test_the_hours_that_come_twice_or_never_are_told_apart(client: Client) -> None:
    autumn, spring = clocks_change(10), clocks_change(3)
    night = await draft(client, starts_at=f"{autumn}T02:30", ends_at=f"{autumn}T02:30:00+01:00")
    assert (night["starts_at"], night["ends_at"]) == (f"{autumn}T00:30:00Z", f"{autumn}T01:30:00Z")
    across = await draft(client, starts_at=f"{spring}T01:30", ends_at=f"{spring}T03:30")
    assert (across["starts_at"], across["ends_at"]) == (f"{spring}T00:30:00Z", f"{spring}T01:30:00Z")


async def test_registration_says_where_it_stands(client: Client) -> None:
    async def stands(**changes: Any) -> str:
        event = await published(client, **changes)
        return str((await client.get(f"/v1/events/{event['slug']}")).json()["registration_status"])

    assert await stands() == "open"
    assert await stands(registration_opens_at=in_days(1)) == "not_open"
    assert await stands(registration_closes_at=in_days(-1)) == "closed"
    assert await stands(capacity=0) == "waitlist"
    assert await stands(capacity=0, waitlist={"mode": "off"}) == "full"


async def test_what_everybody_reads_may_be_kept_for_a_moment_and_asked_for_again(client: Client) -> None:
    event = await published(client)
    own = f"/v1/events/{event['id']}"
    for path in ("/v1/events", own, "/v1/calendar.ics", f"{own}/calendar.ics"):
        first = await client.get(path)
        assert first.headers["Cache-Control"] == "public, max-age=5", path
        same = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (same.status_code, same.content) == (304, b"")
    for path in ("/v1/events", own, f"{own}/calendar.ics"):
        assert (await client.get(path, headers=ORGANISER)).headers["Cache-Control"] == "private, no-cache"
    etag = (await client.get(own)).headers["ETag"]
    await signed_up(client, event)
    changed = await client.get(own, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["remaining_capacity"]) == (200, 59)


async def test_the_same_draft_sent_twice_with_one_key_is_one_event(client: Client) -> None:
    body, headers = ceremony(), {**ORGANISER, "Idempotency-Key": "draft-1"}
    first = await client.post("/v1/events", json=body, headers=headers)
    again = await client.post("/v1/events", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(await titles(client, ORGANISER)) == 1
