"""The door: who is let in, what the volunteer is told, and two doors at one moment."""

import asyncio
from typing import Any

import pytest

from shared.database import uuid7
from tests.events.builders import (
    ORGANISER,
    OTHER_ORGANISER,
    cancel,
    change_event,
    in_days,
    next_year,
    one_of,
    own_attendee,
    published,
    rename,
    scan,
    signed_up,
    told,
)
from tests.support.callers import as_caller
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org"}


async def code_of(client: Client, registration: dict[str, Any], index: int = 0) -> str:
    return str((await own_attendee(client, registration, index))["ticket"]["code"])


async def test_a_ticket_lets_its_attendee_in(client: Client) -> None:
    event = await published(client, ticket_types=[{"key": "guest", "title": {"en": "Guest"}}])
    registration = await signed_up(client, event, attendees=[AKSEL, {}])
    day, code = f"{next_year()}-05-06", await code_of(client, registration)
    answer = await scan(client, event, code, door="Main", at=f"{day}T08:52")
    assert (answer["result"], answer["message"]) == ("checked_in", "Velkommen! Du er tjekket ind")
    assert answer["attendee"] == {
        "id": one_of(registration)["id"],
        "name": "Aksel Lind",
        "organisation": "Fjordenzym ApS",
        "recognised": "stated",
        "ticket_type": "guest",
        "note": None,
    }
    assert answer["first_check_in"] == {"at": f"{day}T06:52:00Z", "door": "Main"}
    assert answer["counts"] == {"expected": 2, "checked_in": 1, "inside": 1}
    (message,) = await told(client, "events.attendee.checked_in")
    assert (message["subject"], message["aggregateversion"]) == (one_of(registration)["id"], 1)


@pytest.mark.parametrize(
    "shown",
    [
        "{code}",
        " {lower} ",
        "{parts}",
        "https://videnbro.example.org/t/{code}",
        "http://127.0.0.1:8001/t/{lower}?utm_source=ticket#top",
        "https://videnbro.example.org/t/{code}/",
    ],
)
async def test_what_is_printed_and_what_is_scanned_is_read(client: Client, shown: str) -> None:
    event = await published(client)
    code = await code_of(client, await signed_up(client, event))
    parts = " ".join(code[at : at + 4] for at in range(0, len(code), 4))
    assert (await scan(client, event, shown.format(code=code, lower=code.lower(), parts=parts)))[
        "result"
    ] == "checked_in"


@pytest.mark.parametrize(
    "shown", ["", "WIFI:S:Helix;T:WPA;P:secret;;", "https://example.org/t/", "x" * 2000, "linje\nto\x00"]
)
async def test_whatever_else_is_scanned_is_answered(client: Client, shown: str) -> None:
    event = await published(client)
    body = {"nonce": uuid7().hex, "device": "phone-1", "code": shown}
    answer = await client.post(f"/v1/events/{event['id']}/check-ins", json=body, headers=ORGANISER)
    assert (answer.status_code, answer.json()["result"]) == (200, "unknown_code")


async def test_the_same_scan_sent_again_gets_the_same_answer(client: Client) -> None:
    event = await published(client)
    code, nonce = await code_of(client, await signed_up(client, event, attendees=[AKSEL])), uuid7().hex
    first = await scan(client, event, code, nonce=nonce)
    await signed_up(client, event)
    assert await scan(client, event, code, nonce=nonce) == first
    assert (await scan(client, event, code))["result"] == "already_checked_in"
    other_event = await published(client)
    assert (await scan(client, other_event, code, nonce=nonce))["result"] == "wrong_event"


async def test_two_doors_at_one_moment_check_in_once(client: Client) -> None:
    event = await published(client)
    code = await code_of(client, await signed_up(client, event, attendees=[AKSEL]))
    answers = await asyncio.gather(*(scan(client, event, code, door=f"Door {number}") for number in range(6)))
    results = sorted(answer["result"] for answer in answers)
    assert results == ["already_checked_in"] * 5 + ["checked_in"]
    assert len({answer["first_check_in"]["door"] for answer in answers}) == 1
    assert len(await told(client, "events.attendee.checked_in")) == 1


async def test_one_scan_sent_twice_at_one_moment_is_one(client: Client) -> None:
    event = await published(client)
    code, nonce = await code_of(client, await signed_up(client, event)), uuid7().hex
    answers = await asyncio.gather(*(scan(client, event, code, nonce=nonce) for _ in range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["result"] == "checked_in"


async def test_every_reason_is_told(client: Client) -> None:
    event = await published(client, capacity=3)
    registration = await signed_up(client, event, attendees=[AKSEL, {"email": "b@example.org"}, {}, {}])
    codes = [await code_of(client, registration, index) for index in range(3)]
    waiting = one_of(registration, 3)["id"]
    assert (await scan(client, event, attendee=waiting))["result"] == "not_confirmed"
    await rename(client, registration, 1, name="Cille Due", email="cille@example.org")
    await cancel(client, registration, 2)

    assert (await scan(client, event, "NOTATICKETOFOURS"))["result"] == "unknown_code"
    assert (await scan(client, event, attendee=str(uuid7())))["result"] == "unknown_code"
    assert (await scan(client, event, codes[1]))["result"] == "replaced"
    cancelled = await scan(client, event, codes[2])
    assert (cancelled["result"], cancelled["message"]) == ("cancelled", "Deltageren er afmeldt")
    elsewhere = await scan(client, await published(client), codes[0])
    assert (elsewhere["result"], elsewhere["attendee"]) == ("wrong_event", None)
    promoted = await scan(client, event, attendee=waiting, name="Dan Eg")
    assert (promoted["result"], promoted["attendee"]["name"]) == ("checked_in", "Dan Eg"), "named at the door"

    await change_event(client, event, doors_open_at=in_days(27.9))
    early = await scan(client, event, codes[0])
    assert (early["result"], early["message"]) == ("too_early", "Dørene er ikke åbnet endnu")
    assert (await scan(client, event, codes[0], at=in_days(27.95)))["result"] == "checked_in"
    await client.post(f"/v1/events/{event['id']}/cancel", json={}, headers=ORGANISER)
    assert (await scan(client, event, codes[0]))["result"] == "event_cancelled"


async def test_the_volunteer_is_told_in_the_language_of_the_device(client: Client) -> None:
    event = await published(client)
    body = {"nonce": "1", "device": "phone-1", "code": "UNKNOWN"}
    path = f"/v1/events/{event['id']}/check-ins"
    answer = await client.post(path, json=body, headers={**ORGANISER, "Accept-Language": "en"})
    assert answer.json()["message"] == "Unknown ticket"


async def test_who_goes_out_and_in_again_was_first_checked_in_once(client: Client) -> None:
    event = await published(client)
    code = await code_of(client, await signed_up(client, event))
    await scan(client, event, code, door="East", at=in_days(1))
    out = await scan(client, event, code, direction="out")
    assert (out["result"], out["counts"]) == ("checked_out", {"expected": 1, "checked_in": 1, "inside": 0})
    assert (await scan(client, event, code, direction="out"))["result"] == "checked_out"
    back = await scan(client, event, code, door="West", at=in_days(2))
    assert (back["result"], back["first_check_in"]["door"]) == ("checked_in", "East")
    versions = [message["aggregateversion"] for message in await told(client, "events.attendee.checked")]
    assert versions == [1, 2, 3], "going out twice is told once"


async def test_a_check_in_is_taken_back_and_stays_on_record(client: Client) -> None:
    event = await published(client)
    code = await code_of(client, await signed_up(client, event))
    await scan(client, event, code)
    path = f"/v1/events/{event['id']}/check-ins"
    (record,) = (await client.get(path, headers=ORGANISER)).json()["items"]
    undone = await client.delete(f"{path}/{record['id']}", headers=ORGANISER)
    assert (undone.status_code, undone.json()["undone_at"] is not None) == (200, True)
    again = await client.delete(f"{path}/{record['id']}", headers=ORGANISER)
    assert again.json() == undone.json()
    assert len(await told(client, "events.attendee.checked_out")) == 1
    anew = await scan(client, event, code)
    assert (anew["result"], anew["counts"]["checked_in"]) == ("checked_in", 1)


async def test_taking_back_the_later_of_two_check_ins_leaves_the_first(client: Client) -> None:
    event = await published(client)
    code = await code_of(client, await signed_up(client, event))
    await scan(client, event, code, door="East", at=in_days(1))
    await scan(client, event, code, direction="out")
    await scan(client, event, code, door="West", at=in_days(2))
    path = f"/v1/events/{event['id']}/check-ins"
    latest = (await client.get(path, headers=ORGANISER)).json()["items"][0]
    await client.delete(f"{path}/{latest['id']}", headers=ORGANISER)
    back = await scan(client, event, code, door="North")
    assert (back["result"], back["first_check_in"]["door"]) == ("checked_in", "East")
    assert back["counts"] == {"expected": 1, "checked_in": 1, "inside": 1}


async def test_a_refused_scan_is_listed_and_cannot_be_taken_back(client: Client) -> None:
    event = await published(client)
    code = await code_of(client, await signed_up(client, event))
    await scan(client, event, code, door="Main", device="phone-2")
    await scan(client, event, "NOTATICKETOFOURS")
    path = f"/v1/events/{event['id']}/check-ins"
    first = (await client.get(path, params={"limit": 1}, headers=ORGANISER)).json()
    refused = first["items"][0]
    assert (refused["result"], refused["attendee"], refused["direction"]) == ("unknown_code", None, "in")
    rest = (await client.get(path, params={"cursor": first["next_cursor"]}, headers=ORGANISER)).json()
    assert [(each["result"], each["device"], each["door"]) for each in rest["items"]] == [
        ("checked_in", "phone-2", "Main")
    ]
    undo = await client.delete(f"{path}/{refused['id']}", headers=ORGANISER)
    assert (undo.status_code, undo.json()["type"]) == (409, "/problems/wrong-status")
    assert (await client.delete(f"{path}/{uuid7()}", headers=ORGANISER)).status_code == 404
    other = await published(client)
    elsewhere = f"/v1/events/{other['id']}/check-ins/{rest['items'][0]['id']}"
    assert (await client.delete(elsewhere, headers=ORGANISER)).status_code == 404


async def test_cancelling_and_checking_in_at_one_moment_end_in_one_order_or_the_other(client: Client) -> None:
    event = await published(client)
    registrations = [await signed_up(client, event) for _ in range(4)]
    codes = [await code_of(client, each) for each in registrations]
    answers = await asyncio.gather(
        *(scan(client, event, code) for code in codes), *(cancel(client, each) for each in registrations)
    )
    assert {answer["result"] for answer in answers[:4]} <= {"checked_in", "cancelled"}
    assert {answer["status"] for answer in answers[4:]} == {"cancelled"}


async def test_only_the_organiser_stands_at_the_door(client: Client) -> None:
    event = await published(client)
    path = f"/v1/events/{event['id']}/check-ins"
    body = {"nonce": "1", "device": "phone-1", "code": "X"}
    manager = as_caller("manager", organisation=uuid7())
    assert (await client.post(path, json=body)).status_code == 401
    for headers in (OTHER_ORGANISER, manager):
        assert (await client.post(path, json=body, headers=headers)).status_code == 403
        assert (await client.get(path, headers=headers)).status_code == 403


async def test_a_scan_that_cannot_be_read_is_named(client: Client) -> None:
    event = await published(client)
    path = f"/v1/events/{event['id']}/check-ins"
    wrong: dict[str, dict[str, Any]] = {
        "": {"nonce": "1", "device": "p"},
        "/nonce": {"code": "X", "device": "p"},
        "/direction": {"code": "X", "nonce": "1", "device": "p", "direction": "up"},
        "/at": {"code": "X", "nonce": "1", "device": "p", "at": "now"},
        "/device": {"code": "X", "nonce": "1", "device": "p" * 81},
    }
    for pointer, body in wrong.items():
        answer = await client.post(path, json=body, headers=ORGANISER)
        assert answer.status_code == 422, (pointer, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    both = {"code": "X", "attendee": str(uuid7()), "nonce": "1", "device": "p"}
    assert (await client.post(path, json=both, headers=ORGANISER)).status_code == 422
    assert (await client.get(path, headers=ORGANISER)).json()["items"] == []
