"""The waitlist: freed seats go to the first in line that fit, in the same transaction, and those concerned are told."""

import asyncio
from typing import Any

from tests.events.builders import (
    ORGANISER,
    by_link,
    cancel,
    capacity,
    change_event,
    in_days,
    key_of,
    one_of,
    published,
    sign_up,
    signed_up,
    statuses,
    told,
)
from tests.support.services import Client

GUEST = {"key": "guest", "title": {"en": "Guest"}, "capacity": 2}
PRESS = {"key": "press", "title": {"en": "Press"}, "capacity": 1}


async def _line(client: Client, *waiting: dict[str, Any]) -> list[list[int | None]]:
    """The positions of each registration's attendees."""
    return [[each["position"] for each in (await by_link(client, one))["attendees"]] for one in waiting]


async def test_cancelling_two_promotes_the_next_two_in_one_transaction(client: Client) -> None:
    event = await published(client, capacity=3)
    leaving = await signed_up(client, event, people=3)
    first, second, third = [await signed_up(client, event) for _ in range(3)]
    assert await _line(client, first, second, third) == [[1], [2], [3]]
    before = len(await told(client))

    await cancel(client, leaving, 0, 1)
    assert [(await by_link(client, each))["status"] for each in (first, second, third)] == [
        "confirmed",
        "confirmed",
        "waitlisted",
    ]
    assert await _line(client, third) == [[1]]
    assert (await capacity(client, event))["quotas"][0]["taken"] == 3
    messages = (await told(client))[before:]
    assert sorted(message["subject"] for message in messages) == sorted(each["id"] for each in (leaving, first, second))
    assert len({message["correlationid"] for message in messages}) == 1, "all of one request"
    promoted = {message["subject"]: message["data"] for message in messages}[first["id"]]
    assert promoted["changed"] == [
        {
            "attendee": one_of(first)["id"],
            "from_status": "waitlisted",
            "to_status": "confirmed",
            "replaced": False,
            "named": False,
        }
    ]


async def test_a_registration_that_cancels_and_is_promoted_at_once_tells_one_message(client: Client) -> None:
    event = await published(client, capacity=2)
    mixed = await signed_up(client, event, people=3)
    assert statuses(mixed) == ["confirmed", "confirmed", "waitlisted"]
    assert statuses(await cancel(client, mixed, 0)) == ["cancelled", "confirmed", "confirmed"]
    (message,) = await told(client, "events.registration.updated")
    assert [change["to_status"] for change in message["data"]["changed"]] == ["cancelled", "confirmed"]
    assert message["aggregateversion"] == 2


async def test_a_group_that_waits_together_moves_together_or_not_at_all(client: Client) -> None:
    event = await published(client, capacity=3)
    leaving = await signed_up(client, event, people=3)
    group = await signed_up(client, event, people=2, if_full="waitlist_all")
    await cancel(client, leaving, 0)
    assert (await by_link(client, group))["status"] == "waitlisted"
    await cancel(client, leaving, 1)
    assert (await by_link(client, group))["status"] == "confirmed"


async def test_an_entry_that_does_not_fit_is_passed_over_and_keeps_its_number(client: Client) -> None:
    event = await published(client, capacity=2)
    leaving = await signed_up(client, event, people=2)
    group = await signed_up(client, event, people=2, if_full="waitlist_all")
    single = await signed_up(client, event)
    await cancel(client, leaving, 0)
    assert (await by_link(client, single))["status"] == "confirmed"
    assert await _line(client, group) == [[1, 2]]
    await cancel(client, leaving, 1)
    await cancel(client, single)
    assert (await by_link(client, group))["status"] == "confirmed"


async def test_who_waits_for_a_full_ticket_type_is_passed_over_by_one_whose_type_has_room(client: Client) -> None:
    event = await published(client, capacity=3, ticket_types=[GUEST, PRESS])
    guests = await signed_up(client, event, people=2, attendees=[{"ticket_type": "guest"}, {"ticket_type": "guest"}])
    press = await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    waits_for_press = await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    waits_for_guest = await signed_up(client, event, attendees=[{"ticket_type": "guest"}])
    await cancel(client, guests, 0)
    assert (await by_link(client, waits_for_guest))["status"] == "confirmed"
    assert (await by_link(client, waits_for_press))["status"] == "waitlisted"
    await cancel(client, press)
    assert (await by_link(client, waits_for_press))["status"] == "confirmed"


async def test_no_later_entry_gets_a_seat_that_an_earlier_one_would_have_fitted(client: Client) -> None:
    event = await published(client, capacity=3, ticket_types=[GUEST, PRESS])
    full = await signed_up(client, event, attendees=[{"ticket_type": "guest"}] * 2 + [{"ticket_type": "press"}])
    either = await signed_up(client, event, attendees=[{"ticket_type": "guest", "also_accepts": ["press"]}])
    only_press = await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    await cancel(client, full, 2)
    assert one_of(await by_link(client, either))["ticket_type"] == "press"
    assert (await by_link(client, either))["status"] == "confirmed"
    assert (await by_link(client, only_press))["status"] == "waitlisted"
    await capacity(client, event)


async def test_more_capacity_goes_to_the_line_at_once(client: Client) -> None:
    event = await published(client, capacity=1)
    await signed_up(client, event)
    waiting = [await signed_up(client, event) for _ in range(3)]
    await change_event(client, event, capacity=3)
    assert [(await by_link(client, each))["status"] for each in waiting] == ["confirmed", "confirmed", "waitlisted"]
    assert (await capacity(client, event))["quotas"][0]["taken"] == 3
    await change_event(client, event, capacity=None)
    assert (await by_link(client, waiting[2]))["status"] == "confirmed"


async def test_more_capacity_of_one_ticket_type_goes_to_who_waits_for_it(client: Client) -> None:
    event = await published(client, ticket_types=[GUEST, PRESS])
    await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    waiting = await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    await change_event(client, event, ticket_types=[GUEST, PRESS | {"capacity": 2}])
    assert (await by_link(client, waiting))["status"] == "confirmed"


async def test_nobody_is_promoted_into_a_ticket_type_that_is_gone(client: Client) -> None:
    event = await published(client, capacity=2, ticket_types=[GUEST, PRESS | {"capacity": 0}])
    full = await signed_up(client, event, people=2)
    waiting = await signed_up(client, event, attendees=[{"ticket_type": "guest", "also_accepts": ["press"]}])
    await change_event(client, event, capacity=3, ticket_types=[GUEST])
    assert (await by_link(client, waiting))["status"] == "waitlisted", "guests are two, and nobody is press any more"
    await cancel(client, full, 0)
    assert one_of(await by_link(client, waiting))["ticket_type"] == "guest"


async def test_without_a_waitlist_what_does_not_fit_is_refused_whatever_was_asked(client: Client) -> None:
    event = await published(client, capacity=2, waitlist={"mode": "off"})
    for if_full in ("waitlist_rest", "waitlist_all", "refuse"):
        refused = await sign_up(client, event, people=3, if_full=if_full)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/capacity-reached")
        assert refused.json()["quota"] == {"kind": "event", "key": "", "remaining": 2, "requested": 3}
        assert [step["action"] for step in refused.json()["next_steps"]] == ["take_available"]
    await signed_up(client, event, people=2)
    seen = await client.get(f"/v1/events/{event['id']}")
    assert (seen.json()["registration_status"], seen.json()["remaining_capacity"]) == ("full", 0)


async def test_a_line_that_is_switched_off_stands_still_until_it_is_on_again(client: Client) -> None:
    event = await published(client, capacity=1)
    leaving = await signed_up(client, event)
    waiting = await signed_up(client, event)
    await change_event(client, event, waitlist={"mode": "off"})
    await cancel(client, leaving)
    assert (await by_link(client, waiting))["status"] == "waitlisted"
    await change_event(client, event, waitlist={"mode": "promote"})
    assert (await by_link(client, waiting))["status"] == "confirmed"


async def test_who_waits_may_leave_the_line_and_the_others_move_up(client: Client) -> None:
    event = await published(client, capacity=1)
    await signed_up(client, event)
    first, second = await signed_up(client, event), await signed_up(client, event)
    assert (await client.get(f"/v1/events/{event['id']}")).json()["registration_status"] == "waitlist"
    await cancel(client, first)
    assert await _line(client, second) == [[1]]
    assert (await capacity(client, event))["quotas"][0]["taken"] == 1


async def test_nobody_is_promoted_to_an_event_that_is_called_off_or_has_begun(client: Client) -> None:
    begun = {"starts_at": in_days(-0.1), "ends_at": in_days(2), "registration_closes_at": in_days(1), "notify": "none"}
    for change in ({"cancel": True}, begun):
        event = await published(client, capacity=1)
        leaving, waiting = await signed_up(client, event), await signed_up(client, event)
        if "cancel" in change:
            await client.post(f"/v1/events/{event['id']}/cancel", headers=ORGANISER, json={})
        else:
            await change_event(client, event, **change)
        path = f"/v1/registrations/{leaving['id']}/cancel"
        assert (await client.post(path, headers=ORGANISER, json={})).json()["status"] == "cancelled"
        assert (await by_link(client, waiting))["status"] == "waitlisted"
        await capacity(client, event)


async def test_cancellations_and_sign_ups_at_one_moment_leave_no_seat_empty_and_none_twice(client: Client) -> None:
    event = await published(client, capacity=4)
    holding = [await signed_up(client, event) for _ in range(4)]
    waiting = [await signed_up(client, event) for _ in range(3)]
    leave = [
        client.post(f"/v1/registrations/{each['id']}/cancel", params={"key": key_of(each)}, json={}) for each in holding
    ]
    late = [sign_up(client, event, if_full="refuse") for _ in range(4)]
    answers = await asyncio.gather(*(task for pair in zip(leave, late, strict=True) for task in pair))
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert [(await by_link(client, each))["status"] for each in waiting] == ["confirmed"] * 3
    came_late = sum(answer.status_code == 201 for answer in answers)
    assert (await capacity(client, event))["quotas"][0]["taken"] == 3 + came_late <= 4
