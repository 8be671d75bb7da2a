"""Changing a registration: naming seats, handing over, cancelling, and another contact person."""

import asyncio
from typing import Any

from tests.events.builders import (
    ORGANISER,
    OTHER_ORGANISER,
    by_link,
    cancel,
    capacity,
    company,
    in_days,
    key_of,
    mailed_key,
    one_of,
    own_attendee,
    own_key,
    published,
    rename,
    scan,
    signed_up,
    statuses,
    told,
)
from tests.support.callers import as_caller
from tests.support.services import Client

AKSEL = {"name": "Aksel Lind", "email": "aksel@example.org", "job_title": "Brewer", "language": "en"}


async def test_an_unnamed_seat_gets_a_name_and_keeps_its_ticket(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    before = await own_attendee(client, registration)
    named = await rename(client, registration, name="Bodil Ravn", email="Bodil@Example.org")
    assert named.status_code == 200
    assert (named.json()["name"], named.json()["email"]) == ("Bodil Ravn", "Bodil@example.org")
    assert named.json()["ticket"] == before["ticket"]
    assert (await by_link(client, registration))["next_steps"] == []


async def test_a_corrected_name_keeps_ticket_and_link(client: Client) -> None:
    registration = await signed_up(client, await published(client), attendees=[AKSEL])
    before = await own_attendee(client, registration)
    after = (await rename(client, registration, name="Aksel Lindh", email="AKSEL@example.org")).json()
    assert (after["ticket"], after["name"]) == (before["ticket"], "Aksel Lindh")
    assert (await client.get(f"/v1/attendees/{after['id']}", params=own_key(before))).is_success


async def test_a_seat_that_is_handed_over_has_a_new_ticket_and_the_old_opens_nothing(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, attendees=[AKSEL])
    before = await own_attendee(client, registration)
    after = (await rename(client, registration, name="Bodil Ravn", email="bodil@example.org")).json()
    assert after["ticket"]["code"] != before["ticket"]["code"]
    assert (after["job_title"], after["language"]) == (None, None), "what was said of the one before"

    old_link = await client.get(f"/v1/attendees/{after['id']}", params=own_key(before))
    assert (old_link.status_code, old_link.json()["type"]) == (410, "/problems/link-expired")
    new_link = await client.get(f"/v1/attendees/{after['id']}", params=own_key(after, 2))
    assert new_link.json()["name"] == "Bodil Ravn"

    at_the_door = await scan(client, event, before["ticket"]["code"])
    assert (at_the_door["result"], at_the_door["attendee"]) == ("replaced", None)
    assert (await scan(client, event, after["ticket"]["code"]))["result"] == "checked_in"
    old_qr = await client.get(f"/v1/tickets/{before['ticket']['code']}/qr.svg")
    assert old_qr.status_code == 410


async def test_an_attendee_hands_over_by_the_own_link(client: Client) -> None:
    registration = await signed_up(client, await published(client), attendees=[AKSEL])
    own = await own_attendee(client, registration)
    key, path = own_key(own), f"/v1/attendees/{own['id']}"
    handed = await client.patch(path, params=key, json={"name": "Cille Due", "email": "cille@example.org"})
    assert handed.status_code == 200
    assert (handed.json()["ticket"], handed.json()["links"]) == (None, None), "the new ticket is the new person's alone"
    assert (await client.get(path, params=key)).status_code == 410


async def test_an_address_that_is_registered_cannot_be_given_to_another_seat(client: Client) -> None:
    event = await published(client)
    await signed_up(client, event, attendees=[AKSEL])
    other = await signed_up(client, event)
    refused = await rename(client, other, name="Aksel", email="aksel@EXAMPLE.org")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already-registered")
    assert refused.json()["pointer"] == "/email"
    assert "Lind" not in refused.text
    assert one_of(await by_link(client, other))["name"] is None


async def test_who_cancelled_may_come_back_by_another_registration(client: Client) -> None:
    event = await published(client)
    await cancel(client, await signed_up(client, event, attendees=[AKSEL]))
    again = await signed_up(client, event, attendees=[AKSEL])
    assert statuses(again) == ["confirmed"]


async def test_one_attendee_is_cancelled_and_then_all(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, people=3)
    after_one = await cancel(client, registration, 1)
    assert statuses(after_one) == ["confirmed", "cancelled", "confirmed"]
    assert (after_one["status"], after_one["version"]) == ("mixed", 2)
    after_all = await cancel(client, registration)
    assert (after_all["status"], after_all["status_counts"]) == ("cancelled", {"cancelled": 3})
    assert (await capacity(client, event))["quotas"][0]["taken"] == 0


async def test_cancelling_again_changes_nothing(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    first, again = await cancel(client, registration), await cancel(client, registration)
    assert again == first
    assert len(await told(client, "events.registration.cancelled")) == 1


async def test_an_attendee_cancels_by_the_own_link(client: Client) -> None:
    registration = await signed_up(client, await published(client), people=2)
    own = await own_attendee(client, registration, 1)
    path, key = f"/v1/attendees/{own['id']}/cancel", own_key(own)
    answer = await client.post(path, params=key)
    assert (answer.status_code, answer.json()["status"], answer.json()["ticket"]) == (200, "cancelled", None)
    assert statuses(await by_link(client, registration)) == ["confirmed", "cancelled"]


async def test_somebody_elses_attendee_cannot_be_cancelled_along(client: Client) -> None:
    event = await published(client)
    mine, other = await signed_up(client, event), await signed_up(client, event)
    body = {"attendees": [one_of(mine)["id"], one_of(other)["id"]]}
    path = f"/v1/registrations/{mine['id']}/cancel"
    answer = await client.post(path, params={"key": key_of(mine)}, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/attendees")
    assert statuses(await by_link(client, mine)) == ["confirmed"]


async def test_a_cancelled_attendee_cannot_be_renamed(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    await cancel(client, registration)
    assert (await rename(client, registration, name="Dan Eg")).json()["type"] == "/problems/wrong-status"


async def test_names_are_fixed_when_changes_have_closed_but_a_seat_can_still_be_given_up(client: Client) -> None:
    event = await published(client, changes_close_at=in_days(-1))
    registration = await signed_up(client, event, people=2)
    refused = await rename(client, registration, name="Dan Eg")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/changes-closed")
    assert refused.json()["next_steps"][0]["action"] == "contact_organiser"
    assert statuses(await cancel(client, registration, 0)) == ["cancelled", "confirmed"]


async def test_when_the_event_has_begun_only_its_organiser_may_cancel(client: Client) -> None:
    event = await published(client, starts_at=in_days(-0.1), ends_at=in_days(1), registration_closes_at=in_days(0.5))
    registration = await signed_up(client, event)
    path = f"/v1/registrations/{registration['id']}/cancel"
    refused = await client.post(path, params={"key": key_of(registration)}, json={})
    assert refused.json()["type"] == "/problems/changes-closed"
    assert (await client.post(path, headers=ORGANISER, json={})).json()["status"] == "cancelled"


async def test_an_organiser_changes_names_late_and_another_organiser_sees_nothing(client: Client) -> None:
    event = await published(client, changes_close_at=in_days(-1))
    path = f"/v1/attendees/{one_of(await signed_up(client, event))['id']}"
    late = await client.patch(path, headers=ORGANISER, json={"name": "Dan Eg", "email": "dan@example.org"})
    assert (late.status_code, late.json()["name"]) == (200, "Dan Eg")
    assert late.json()["ticket"] is None, "the ticket is the attendee's"
    assert (await client.patch(path, headers=OTHER_ORGANISER, json={"name": "X"})).status_code == 404


async def test_another_contact_person_gets_a_link_of_their_own_and_the_old_one_ends(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    path, old = f"/v1/registrations/{registration['id']}", {"key": mailed_key(registration)}
    change = {"contact": {"name": "Bodil Ravn", "email": "bodil@example.org", "language": "en"}}
    changed = await client.patch(path, params=old, json=change)
    assert changed.status_code == 200
    assert changed.json()["contact"] == change["contact"] | {"phone": None}
    assert changed.json()["links"] is None, "the new link is mailed to the new contact person alone"
    assert (await client.get(path, params=old)).status_code == 410
    (message,) = await told(client, "events.registration.updated")
    assert (message["data"]["link_version"], message["data"]["resend"]) == (2, True)


async def test_a_contact_person_who_changes_the_phone_keeps_the_link(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    path, key = f"/v1/registrations/{registration['id']}", {"key": mailed_key(registration)}
    changed = await client.patch(path, params=key, json={"contact": {"phone": "+45 12 34 56 78"}})
    assert (changed.json()["contact"]["phone"], changed.json()["version"]) == ("+45 12 34 56 78", 2)
    same = await client.patch(path, params=key, json={"contact": {"phone": "+45 12 34 56 78"}})
    assert same.json()["version"] == 2, "nothing was different"
    assert (await client.patch(path, params=key, json={"contact": {"phone": None}})).json()["contact"]["phone"] is None
    stale = await client.patch(path, params=key, headers={"If-Match": '"1"'}, json={"contact": {"name": "M"}})
    assert stale.status_code == 412
    assert (await client.patch(path, params=key, json={"contact": {"name": None}})).status_code == 422


async def test_who_speaks_for_the_contact_person_is_told(client: Client) -> None:
    event = await published(client)
    contact = {"name": "Mette Holm", "email": "mette@example.org", "language": "da"}
    registration = await signed_up(client, event, contact=contact)
    by_token = as_caller("member", email="Mette@example.org")
    body = company(contact=contact)
    assert (
        await client.post(f"/v1/events/{event['id']}/registrations", json=body, headers=by_token)
    ).status_code == 201
    created = await told(client, "events.registration.created")
    assert [each["data"]["contact_speaks"] for each in created] == [False, True]
    path = f"/v1/registrations/{registration['id']}"
    callers: list[dict[str, Any]] = [
        {"headers": ORGANISER},
        {"params": {"key": mailed_key(registration)}},
        {"headers": by_token},
    ]
    for number, caller in enumerate(callers):
        change = {"contact": {"phone": f"1234567{number}"}}
        assert (await client.patch(path, json=change, **caller)).status_code == 200
    await rename(client, registration, name="Aksel Lind")
    changes = await told(client, "events.registration.updated")
    assert [each["data"]["contact_speaks"] for each in changes] == [False, True, True, False]


async def test_the_key_that_was_answered_changes_neither_address_nor_language(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    path, key = f"/v1/registrations/{registration['id']}", {"key": key_of(registration)}
    for change in ({"email": "eve@example.org"}, {"language": "en"}, {"name": "IDIOT"}, {"phone": "12345678"}):
        refused = await client.patch(path, params=key, json={"contact": change})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-by-mail"), change
        assert refused.json()["next_steps"][0]["action"] == "request_link"
    assert (await by_link(client, registration))["contact"] == registration["contact"] | {"phone": None}
    assert await told(client, "events.registration.updated") == []


async def test_people_are_added_to_a_registration_later(client: Client) -> None:
    event = await published(client, capacity=3)
    registration = await signed_up(client, event, people=2)
    path, key = f"/v1/registrations/{registration['id']}/attendees", {"key": key_of(registration)}
    added = await client.post(path, params=key, json={"attendees": [AKSEL, {}]})
    assert added.status_code == 201, added.text
    assert statuses(added.json()) == ["confirmed", "confirmed", "confirmed", "waitlisted"]
    assert added.json()["version"] == 2
    assert added.json()["attendees"][3]["position"] == 1
    full = await client.post(path, params=key, json={"attendees": [{}], "if_full": "refuse"})
    assert full.json()["type"] == "/problems/capacity-reached"
    twice = await client.post(path, params=key, json={"attendees": [AKSEL]})
    assert (twice.status_code, twice.json()["pointer"]) == (409, "/attendees/0/email")
    (message,) = await told(client, "events.registration.updated")
    assert [(change.get("from_status"), change["to_status"]) for change in message["data"]["changed"]] == [
        (None, "confirmed"),
        (None, "waitlisted"),
    ]
    await capacity(client, event)


async def test_a_registration_grows_to_a_hundred_attendees_and_no_further(client: Client) -> None:
    event = await published(client, capacity=None)
    registration = await signed_up(client, event, people=99)
    path, key = f"/v1/registrations/{registration['id']}/attendees", {"key": key_of(registration)}
    assert (await client.post(path, params=key, json={"attendees": [{}]})).status_code == 201
    over = await client.post(path, params=key, json={"attendees": [{}]})
    assert (over.status_code, over.json()["errors"][0]["pointer"]) == (422, "/attendees")


async def test_nobody_is_added_when_registration_is_closed_except_by_the_organiser(client: Client) -> None:
    event = await published(client, changes_close_at=in_days(-1))
    registration = await signed_up(client, event)
    await client.patch(f"/v1/events/{event['id']}", headers=ORGANISER, json={"registration_closes_at": in_days(-1)})
    path = f"/v1/registrations/{registration['id']}/attendees"
    closed = await client.post(path, params={"key": key_of(registration)}, json={"attendees": [{}]})
    assert closed.json()["type"] == "/problems/registration-closed"
    assert (await client.post(path, headers=ORGANISER, json={"attendees": [{}]})).status_code == 201


async def test_changes_of_one_registration_at_the_same_moment_each_have_a_version(client: Client) -> None:
    event = await published(client)
    registration = await signed_up(client, event, people=6)
    path, key = f"/v1/registrations/{registration['id']}", {"key": key_of(registration)}
    ids = [attendee["id"] for attendee in registration["attendees"]]
    answers = await asyncio.gather(
        *(client.post(f"{path}/cancel", params=key, json={"attendees": [each]}) for each in ids[:3]),
        *(client.patch(f"/v1/attendees/{each}", params=key, json={"name": f"Person {each}"}) for each in ids[3:]),
        client.post(f"{path}/resend", params=key),
        client.patch(path, params={"key": mailed_key(registration)}, json={"contact": {"phone": "12345678"}}),
    )
    assert {answer.status_code for answer in answers} == {200, 202}
    messages = await told(client, "events.registration.updated")
    assert sorted(message["aggregateversion"] for message in messages) == [2, 3, 4, 5, 6, 7, 8, 9]
    newest = max(messages, key=lambda message: int(message["aggregateversion"]))["data"]
    assert sorted(each["status"] for each in newest["attendees"]) == ["cancelled"] * 3 + ["confirmed"] * 3
    assert sum("name" in each for each in newest["attendees"]) == 3
    assert newest["contact"]["phone"] == "12345678"


async def test_wrong_changes_are_named_and_change_nothing(client: Client) -> None:
    registration = await signed_up(client, await published(client))
    wrong: dict[str, dict[str, Any]] = {
        "/email": {"email": "not an address"},
        "/name": {"name": None},
        "/language": {"language": "sv"},
        "/status": {"status": "cancelled"},
    }
    for pointer, body in wrong.items():
        answer = await rename(client, registration, **body)
        assert answer.status_code == 422, (pointer, answer.text)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await by_link(client, registration))["version"] == 1


async def test_a_registration_is_read_where_its_answer_says(client: Client) -> None:
    event = await published(client)
    answer = await client.post(f"/v1/events/{event['id']}/registrations", json=company())
    assert answer.headers["Location"] == f"/v1/registrations/{answer.json()['id']}"
    key = {"key": key_of(answer.json())}
    assert (await client.get(answer.headers["Location"], params=key)).headers["ETag"] == '"1"'
