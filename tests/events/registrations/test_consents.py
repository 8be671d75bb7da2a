"""What attendees agree to: nothing until they say so themselves, and no longer than they do."""

from typing import Any

import httpx
import pytest

from tests.events.builders import (
    ORGANISER,
    cancel,
    confirmed,
    in_days,
    key_of,
    mailed_key,
    one_of,
    own_attendee,
    own_key,
    published,
    rename,
    signed_up,
    told,
)
from tests.support.callers import as_caller
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org"}
METTE = {"name": "Mette Holm", "email": "mette@example.org", "language": "da"}
AGREED, NOT_AGREED = {"shown_to_participants": True}, {"shown_to_participants": False}


@pytest.fixture
async def registration(client: Client) -> dict[str, Any]:
    """Of Aksel, and of Mette who signed them up."""
    people = [AKSEL, {"name": METTE["name"], "email": METTE["email"]}]
    return await signed_up(client, await published(client), contact=METTE, attendees=people)


async def say(
    client: Client, attendee: dict[str, Any], consents: dict[str, bool] = AGREED, **caller: Any
) -> httpx.Response:
    """What somebody says for an attendee, the attendee itself unless a caller is named."""
    by = caller or {"params": own_key(attendee)}
    return await client.patch(f"/v1/attendees/{attendee['id']}", json={"consents": consents}, **by)


async def stands(client: Client, attendee: dict[str, Any]) -> dict[str, bool]:
    """As the organiser sees it."""
    found = (await client.get(f"/v1/attendees/{attendee['id']}", headers=ORGANISER)).json()
    consents: dict[str, bool] = found["consents"]
    return consents


async def test_nobody_is_shown_who_has_not_said_so(client: Client, registration: dict[str, Any]) -> None:
    for index in (0, 1):
        assert await stands(client, one_of(registration, index)) == NOT_AGREED
    (created,) = await told(client, "events.registration.created")
    assert ["consents" in each for each in created["data"]["attendees"]] == [False, False]


async def test_an_attendee_agrees_and_takes_it_back_and_each_is_told(
    client: Client, registration: dict[str, Any]
) -> None:
    aksel = one_of(registration)
    for version, consents in ((2, AGREED), (3, NOT_AGREED)):
        answer = await say(client, aksel, consents)
        assert (answer.status_code, answer.json()["consents"]) == (200, consents)
        assert await stands(client, aksel) == consents
        message = (await told(client, "events.registration.updated"))[-1]
        assert message["aggregateversion"] == version
        assert [each["consents"] for each in message["data"]["attendees"]] == [consents, NOT_AGREED]
        assert [(each["from_status"], each["to_status"]) for each in message["data"]["changed"]] == [
            ("confirmed", "confirmed")
        ]


async def test_said_again_nothing_is_told(client: Client, registration: dict[str, Any]) -> None:
    for _ in range(2):
        assert (await say(client, one_of(registration))).json()["consents"] == AGREED
    assert len(await told(client, "events.registration.updated")) == 1


async def test_nobody_else_says_it_and_only_the_organiser_sees_it(client: Client, registration: dict[str, Any]) -> None:
    aksel = one_of(registration)
    await say(client, aksel)
    await confirmed(client, registration)
    manager = as_caller("manager", organisation=registration["organisation"]["id"], email="chef@example.org")
    callers: list[dict[str, Any]] = [
        {"params": {"key": key_of(registration)}},
        {"headers": manager},
        {"headers": ORGANISER},
        {"headers": as_caller("admin")},
    ]
    path = f"/v1/attendees/{aksel['id']}"
    for caller in callers:
        refused = await say(client, aksel, NOT_AGREED, **caller)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-in-person"), caller
    assert [(await client.get(path, **each)).json()["consents"] for each in callers] == [None, None, AGREED, AGREED]
    people = f"/v1/events/{registration['event_id']}/attendees"
    listed = {
        role: (await client.get(people, headers=role_of)).json()["items"][0]["consents"]
        for role, role_of in (("organiser", ORGANISER), ("manager", manager))
    }
    assert listed == {"organiser": AGREED, "manager": None}


async def test_who_signed_up_agrees_for_the_own_seat_by_the_link_it_was_mailed(
    client: Client, registration: dict[str, Any]
) -> None:
    aksel, mette = one_of(registration), one_of(registration, 1)
    by_link = {"key": mailed_key(registration)}
    assert (await say(client, mette, params=by_link)).json()["consents"] == AGREED
    assert await stands(client, aksel) == NOT_AGREED
    as_member = as_caller("member", organisation=registration["organisation"]["id"], email="mette@example.org")
    assert (await say(client, mette, NOT_AGREED, headers=as_member)).status_code == 403


async def test_who_types_an_address_does_not_speak_for_it(client: Client, registration: dict[str, Any]) -> None:
    """Whoever signed up may be anybody: the key it was answered was mailed to nobody."""
    mette = one_of(registration, 1)
    answered = {"key": key_of(registration)}
    refused = await say(client, mette, params=answered)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-in-person")
    assert await stands(client, mette) == NOT_AGREED
    seen = (
        await client.get(f"/v1/registrations/{registration['id']}", params={"key": mailed_key(registration)})
    ).json()
    assert (await say(client, mette, params={"key": key_of(seen)})).status_code == 403, "nor one that is answered later"


async def test_the_own_link_is_shown_to_nobody_else(client: Client, registration: dict[str, Any]) -> None:
    unnamed = await signed_up(client, await published(client))
    for key in (key_of, mailed_key):
        for sign_up, index in ((registration, 0), (registration, 1), (unnamed, 0)):
            path = f"/v1/attendees/{one_of(sign_up, index)['id']}"
            seen = (await client.get(path, params={"key": key(sign_up)})).json()
            assert seen["links"] is None
            assert seen["ticket"]["code"]
    own = await client.get(f"/v1/attendees/{one_of(registration)['id']}", params=own_key(one_of(registration)))
    assert own.json()["links"]["page"].split("?")[0].endswith(f"/p/events/attendees/{own.json()['id']}")


async def test_the_link_of_a_seat_without_an_address_ends_when_it_gets_one(client: Client) -> None:
    """Should anybody have it: from now on it would speak for somebody else."""
    registration = await signed_up(client, await published(client))
    seat = await own_attendee(client, registration)
    key = own_key(seat)
    refused = await say(client, seat, params=key)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-in-person")
    await rename(client, registration, name="Aksel Lind", email="aksel@example.org")
    assert (await say(client, seat, params=key)).status_code == 410
    assert (await say(client, seat, params=own_key(seat, 2))).status_code == 200
    named = (await told(client, "events.registration.updated"))[0]
    assert named["data"]["attendees"][0]["link_version"] == 2


async def test_who_gets_a_seat_has_agreed_to_nothing(client: Client, registration: dict[str, Any]) -> None:
    aksel = one_of(registration)
    await say(client, aksel)
    await rename(client, registration, name="Aksel Lindh", email="AKSEL@example.org")
    assert await stands(client, aksel) == AGREED, "a corrected name is the same person"
    await rename(client, registration, name="Bodil Ravn", email="bodil@example.org")
    assert await stands(client, aksel) == NOT_AGREED
    message = (await told(client, "events.registration.updated"))[-1]
    assert message["data"]["attendees"][0]["consents"] == NOT_AGREED
    assert (await say(client, aksel)).status_code == 410, "the link of the one before"


async def test_nobody_agrees_for_whom_the_seat_is_handed_to(client: Client, registration: dict[str, Any]) -> None:
    aksel = one_of(registration)
    body = {"name": "Bodil Ravn", "email": "bodil@example.org", "consents": AGREED}
    refused = await client.patch(f"/v1/attendees/{aksel['id']}", json=body, params=own_key(aksel))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/consents")


async def test_who_cancelled_takes_it_back_but_does_not_agree_anew(
    client: Client, registration: dict[str, Any]
) -> None:
    aksel = one_of(registration)
    await say(client, aksel)
    await cancel(client, registration, 0)
    assert (await say(client, aksel, NOT_AGREED)).json()["consents"] == NOT_AGREED
    refused = await say(client, aksel)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-status")


async def test_it_is_taken_back_when_names_can_no_longer_be_changed(client: Client) -> None:
    registration = await signed_up(client, await published(client, changes_close_at=in_days(-1)), attendees=[AKSEL])
    assert (await say(client, one_of(registration))).status_code == 200
    assert (await say(client, one_of(registration), NOT_AGREED)).status_code == 200


async def test_wrong_words_are_named(client: Client, registration: dict[str, Any]) -> None:
    aksel = one_of(registration)
    path = f"/v1/attendees/{aksel['id']}"
    for consents, pointer in (
        ({}, "/consents/shown_to_participants"),
        ({"shown_to_participants": True, "filmed": True}, "/consents/filmed"),
        (None, "/consents"),
    ):
        answer = await client.patch(path, json={"consents": consents}, params=own_key(aksel))
        assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer])
