"""Signing up: who gets a seat, who waits, who is refused and why."""

import asyncio
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from shared.messaging.tables import answers as kept_answers
from tests.events.builders import (
    ORGANISER,
    capacity,
    company,
    in_days,
    key_of,
    published,
    sign_up,
    signed_up,
    told,
)
from tests.support.services import Client


async def test_a_company_nobody_knows_signs_three_people_up(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(
        client,
        event,
        attendees=[{"name": "Aksel Lind", "email": "aksel@example.org"}, {"name": "Bodil Ravn"}, {}],
    )
    assert registration["status"] == "confirmed"
    assert registration["status_counts"] == {"confirmed": 3}
    assert len(registration["reference"]) == 8
    assert [step["action"] for step in registration["next_steps"]] == ["name_attendees"]
    assert "/p/events/registrations/" in registration["links"]["manage"]
    assert (await capacity(client, event))["quotas"][0]["taken"] == 3


async def test_the_same_request_with_the_same_key_gets_the_same_answer(client: Client) -> None:
    event = await published(client)
    body, headers = company(people=2), {"Idempotency-Key": str(uuid4())}
    path = f"/v1/events/{event['id']}/registrations"
    first, again = (
        await client.post(path, json=body, headers=headers),
        await client.post(path, json=body, headers=headers),
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await capacity(client, event))["quotas"][0]["taken"] == 2


async def test_what_is_kept_to_be_answered_again_opens_nothing(client: Client) -> None:
    event = await published(client)
    path, headers = f"/v1/events/{event['id']}/registrations", {"Idempotency-Key": str(uuid4())}
    body = company(organisation={"name": f"key={'A' * 52} ApS"})
    registration = (await client.post(path, json=body, headers=headers)).json()
    key = {"key": key_of(registration)}
    more = await client.post(
        f"/v1/registrations/{registration['id']}/attendees", params=key, headers=headers, json={"attendees": [{}]}
    )
    assert key_of(more.json()) == key["key"]
    async with client.app.state.database.reading() as session:
        kept = [row.body for row in await (await session.connection()).execute(select(kept_answers.c.body))]
    assert len(kept) == 2
    assert not [body for body in kept if key["key"].encode() in body]
    assert (await client.post(path, json=body, headers=headers)).json() == registration


async def test_who_is_let_in_no_more_does_not_get_the_kept_answer(client: Client) -> None:
    registration = await signed_up(client, await published(client), people=2)
    path, key = f"/v1/registrations/{registration['id']}", {"key": key_of(registration)}
    again: dict[str, Any] = {"params": key, "headers": {"Idempotency-Key": str(uuid4())}, "json": {}}
    first = await client.post(f"{path}/cancel", **again)
    replayed = await client.post(f"{path}/cancel", **again)
    assert (replayed.content, replayed.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert len(await told(client, "events.registration.cancelled")) == 1
    contact = {"contact": {"name": "Bodil Ravn", "email": "bodil@example.org"}}
    assert (await client.patch(path, headers=ORGANISER, json=contact)).status_code == 200
    over = await client.post(f"{path}/cancel", **again)
    assert (over.status_code, over.json()["type"]) == (410, "/problems/link-expired")


async def test_the_same_key_at_the_same_moment_signs_up_once(client: Client) -> None:
    event = await published(client)
    body, headers = company(), {"Idempotency-Key": str(uuid4())}
    path = f"/v1/events/{event['id']}/registrations"
    answers = await asyncio.gather(*(client.post(path, json=body, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await capacity(client, event))["quotas"][0]["taken"] == 1


async def test_a_key_with_another_body_is_refused(client: Client) -> None:
    event = await published(client)
    headers = {"Idempotency-Key": str(uuid4())}
    path = f"/v1/events/{event['id']}/registrations"
    await client.post(path, json=company(), headers=headers)
    answer = await client.post(path, json=company("Another ApS"), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-key-reused"


async def test_a_refusal_is_not_remembered(client: Client) -> None:
    event = await published(client, capacity=1)
    taken = await signed_up(client, event)
    body, headers = company(if_full="refuse"), {"Idempotency-Key": str(uuid4())}
    path = f"/v1/events/{event['id']}/registrations"
    assert (await client.post(path, json=body, headers=headers)).status_code == 409
    await client.post(f"/v1/registrations/{taken['id']}/cancel", params={"key": key_of(taken)}, json={})
    assert (await client.post(path, json=body, headers=headers)).status_code == 201


async def test_what_does_not_fit_waits_unless_it_is_refused(client: Client) -> None:
    event = await published(client, capacity=2)
    rest = await signed_up(client, event, people=3)
    assert [each["status"] for each in rest["attendees"]] == ["confirmed", "confirmed", "waitlisted"]
    assert rest["attendees"][2]["position"] == 1
    assert rest["status"] == "mixed"
    refused = await sign_up(client, event, if_full="refuse")
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "/problems/capacity-reached"
    assert problem["quota"] == {"kind": "event", "key": "", "remaining": 0, "requested": 1}
    assert [step["action"] for step in problem["next_steps"]] == ["join_waitlist"]


async def test_a_group_that_waits_together_takes_no_seat_alone(client: Client) -> None:
    event = await published(client, capacity=2)
    group = await signed_up(client, event, people=3, if_full="waitlist_all")
    assert group["status_counts"] == {"waitlisted": 3}
    assert (await capacity(client, event))["quotas"][0]["taken"] == 0
    assert (await signed_up(client, event, people=2))["status"] == "confirmed"


async def test_the_quota_of_a_ticket_type_is_named_when_it_is_hit(client: Client) -> None:
    types = [{"key": "guest", "title": {"en": "Guest"}}, {"key": "press", "title": {"en": "Press"}, "capacity": 1}]
    event = await published(client, ticket_types=types)
    await signed_up(client, event, attendees=[{"ticket_type": "press"}])
    refused = await sign_up(client, event, attendees=[{"ticket_type": "press"}, {}], if_full="refuse")
    assert refused.json()["quota"] == {"kind": "ticket_type", "key": "press", "remaining": 0, "requested": 1}
    also = await signed_up(client, event, attendees=[{"ticket_type": "press", "also_accepts": ["guest"]}])
    assert also["attendees"][0]["ticket_type"] == "guest"


async def test_two_hundred_at_once_for_fifty_seats_over_two_quotas(client: Client) -> None:
    types = [
        {"key": "guest", "title": {"en": "Guest"}, "capacity": 30},
        {"key": "press", "title": {"en": "Press"}, "capacity": 20},
    ]
    event = await published(client, capacity=None, ticket_types=types)
    answers = await asyncio.gather(
        *(
            sign_up(client, event, attendees=[{"ticket_type": ("guest", "press")[number % 2]}], if_full="refuse")
            for number in range(200)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 50 + [409] * 150
    assert {answer.json()["quota"]["key"] for answer in answers if answer.status_code == 409} == {"guest", "press"}
    assert {quota["key"]: quota["free"] for quota in (await capacity(client, event))["quotas"]} == {
        "": None,
        "guest": 0,
        "press": 0,
    }


async def test_somebody_already_registered_is_told_apart_by_pointer_only(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[{"name": "Aksel Lind", "email": "Aksel@Example.org"}])
    again = await sign_up(client, event, attendees=[{}, {"email": "aksel@example.org"}])
    assert again.status_code == 409
    assert again.json()["pointer"] == "/attendees/1/email"
    assert "Lind" not in again.text
    assert (await capacity(client, event))["quotas"][0]["taken"] == 1


async def test_the_same_person_twice_in_one_sign_up_is_refused(client: Client) -> None:
    event = await published(client)
    answer = await sign_up(client, event, attendees=[{"email": "a@example.org"}, {"email": "A@example.org"}])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/attendees/1/email"


async def test_one_at_fault_does_not_spoil_those_decided_with_it(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[{"email": "aksel@example.org"}])
    answers = await asyncio.gather(
        *(sign_up(client, event) for _ in range(5)),
        sign_up(client, event, attendees=[{"email": "aksel@example.org"}]),
        sign_up(client, event, organisation={"id": str(uuid4())}),
        sign_up(client, {"id": str(uuid4())}),
    )
    assert [answer.status_code for answer in answers] == [201] * 5 + [409, 409, 404]


async def test_registration_opens_and_closes(client: Client) -> None:
    not_yet = await published(client, registration_opens_at=in_days(3))
    assert (await sign_up(client, not_yet)).json()["type"] == "/problems/registration-not-open"
    over = await published(client, registration_closes_at=in_days(-1))
    assert (await sign_up(client, over)).json()["type"] == "/problems/registration-closed"
    walk_in = await client.post(f"/v1/events/{over['id']}/registrations", json=company(), headers=ORGANISER)
    assert walk_in.status_code == 201


async def test_a_draft_is_not_there_for_the_public(client: Client) -> None:
    from tests.events.builders import ceremony

    draft = (await client.post("/v1/events", json=ceremony(), headers=ORGANISER)).json()
    assert (await sign_up(client, draft)).status_code == 404
    own = await client.post(f"/v1/events/{draft['id']}/registrations", json=company(), headers=ORGANISER)
    assert own.json()["type"] == "/problems/not-published"


async def test_input_that_cannot_be_is_named_and_changes_nothing(client: Client) -> None:
    event = await published(client)
    path = f"/v1/events/{event['id']}/registrations"
    wrong = {
        "/attendees": company(people=10_000),
        "/contact/email": company(contact={"name": "M", "email": "not an address"}),
        "/contact/name": company(contact={"name": "bell\u0007", "email": "m@example.org"}),
        "/attendees/0/nmae": company(attendees=[{"nmae": "x"}]),
        "/attendees/0/ticket_type": company(attendees=[{"ticket_type": "vip"}]),
        "/organisation/cvr": company(organisation={"name": "X", "cvr": "12345678"}),
        "/organisation/name": company(organisation={}),
        "/contact/language": company(contact={"name": "M", "email": "m@example.org", "language": "sv"}),
    }
    for pointer, body in wrong.items():
        answer = await client.post(path, json=body)
        assert answer.status_code == 422, (pointer, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text
    assert (await client.post(path, content=b"{not json")).status_code == 400
    assert (await capacity(client, event))["quotas"][0]["taken"] == 0


async def test_names_in_every_script_are_kept_as_written(client: Client) -> None:
    event = await published(client)
    names = ["Øjvind Ærø Åkjær", "Ниёле Ковалёва", "王小明", "مريم الفارسي", "नीलम", "Zoë 🎉"]
    registration = await signed_up(client, event, attendees=[{"name": name} for name in names])
    assert [each["name"] for each in registration["attendees"]] == names
