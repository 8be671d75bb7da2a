"""A verdict that never finds anything proves nothing: here one sign-up is recorded rightly, then wrong in each way."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tests.faults.letters import CREATED
from tests.faults.records import Message, Records
from tests.faults.verdict import faults_in
from tests.faults.witness import WITNESS
from tests.faults.writers import Taken

EVENT, REGISTRATION, ATTENDEE, MESSAGE, DELIVERY = (UUID(int=number) for number in range(1, 6))
ORGANISATION, OTHER, TICKET, MAILED = (UUID(int=number) for number in range(6, 10))
CONTACT, GUEST = "kontakt@example.org", "deltager@example.org"


def taken() -> Taken:
    body = {"attendees": [{"email": GUEST}]}
    answer = {"id": str(REGISTRATION), "reference": "ABCD2345", "attendees": [{"id": str(ATTENDEE)}]}
    return Taken(EVENT, body, answer)


def message() -> Message:
    data = {
        "registration_id": str(REGISTRATION),
        "event_id": str(EVENT),
        "version": 1,
        "organisation": {"id": str(ORGANISATION)},
        "contact": {"email": CONTACT},
        "attendees": [{"id": str(ATTENDEE), "email": GUEST, "status": "confirmed"}],
        "changed": [{"attendee": str(ATTENDEE), "to_status": "confirmed"}],
    }
    return Message(MESSAGE, 1, CREATED, published=True, transaction="one", data=data)


def records() -> Records:
    """As it must be after one company has signed one person up."""
    registration = {"id": REGISTRATION, "reference": "ABCD2345", "version": 1, "contact_email": CONTACT}
    attendee = {"id": ATTENDEE, "registration_id": REGISTRATION, "event_id": EVENT, "email": GUEST, "code_version": 1}
    guest = {"id": TICKET, "message_id": MESSAGE, "registration_id": REGISTRATION, "email": GUEST}
    notified = {"id": OTHER, "message_id": MESSAGE, "registration_id": REGISTRATION, "email": CONTACT}
    return Records(
        registrations={REGISTRATION: row(**registration, organisation_id=ORGANISATION, waits_together=False)},
        attendees={ATTENDEE: row(**attendee, status="confirmed", ticket_type=None, also_accepts=[])},
        quotas=[row(event_id=EVENT, key="", capacity=1, taken=1)],
        profiles={ORGANISATION: row(name="Fjordenzym ApS")},
        going={REGISTRATION: row(confirmed=1)},
        notifications=[row(**notified, topic="registration_created"), row(**guest, topic="attendee_confirmed")],
        deliveries=[
            row(id=DELIVERY, notification_id=OTHER, status="sent", last_error=None),
            row(id=MAILED, notification_id=TICKET, status="sent", last_error=None),
        ],
        roll={ATTENDEE: row(status="confirmed")},
        told={"events": [message()], "matching": [], "notify": []},
        handled={who: {MESSAGE} for who in ("events", "matching", "notify", WITNESS)},
        effects=Counter({MESSAGE: 1}),
        mails=Counter({f"<{each}@example.org>": 1 for each in (DELIVERY, MAILED)}),
    )


def row(**columns: Any) -> Any:
    return SimpleNamespace(**columns)


def test_what_is_as_it_must_be_has_no_faults() -> None:
    assert faults_in(records(), [taken()]) == []


def _forget_registration(found: Records) -> None:
    found.registrations.clear()


def _hand_over(found: Records) -> None:
    found.attendees[ATTENDEE].code_version = 2


def _invent_registration(found: Records) -> None:
    found.registrations[OTHER] = row(**{**vars(found.registrations[REGISTRATION]), "id": OTHER})


def _confirm_twice(found: Records) -> None:
    found.notifications = [*found.notifications, row(**{**vars(found.notifications[0]), "id": MESSAGE})]


def _write_to_a_stranger(found: Records) -> None:
    found.notifications = [
        *found.notifications,
        row(**{**vars(found.notifications[1]), "email": "fremmed@example.org"}),
    ]


def _cancel_without_a_word(found: Records) -> None:
    gone = message().data | {"version": 2, "changed": [_change("confirmed", "cancelled")]}
    cancelled = Message(MAILED, 2, "events.registration.cancelled.v1", published=True, transaction="two", data=gone)
    found.told["events"].append(cancelled)


def _take_a_seat_more(found: Records) -> None:
    found.quotas[0].capacity = 0


def _overtake(found: Records) -> None:
    """Another was in line before, and this one was promoted although both would have fitted."""
    waited = replace(message(), data=message().data | {"changed": [_change(None, "waitlisted")]})
    line = replace(waited, data=waited.data | {"registration_id": str(OTHER), "attendees": [{"id": str(OTHER)}]})
    line.data["changed"] = [{"attendee": str(OTHER), "to_status": "waitlisted"}]
    served = replace(message(), data=message().data | {"version": 2, "changed": [_change("waitlisted", "confirmed")]})
    found.told["events"] = [replace(line, transaction="zero"), waited, replace(served, transaction="two")]
    found.attendees[OTHER] = row(**{**vars(found.attendees[ATTENDEE]), "id": OTHER, "status": "waitlisted"})


def _change(before: str | None, after: str) -> dict[str, str | None]:
    return {"attendee": str(ATTENDEE), "from_status": before, "to_status": after}


@pytest.mark.parametrize(
    ("kind", "words", "spoil"),
    [
        ("lost", "is not there", _forget_registration),
        ("twice", "nobody was told so", _invent_registration),
        ("twice", "was handed over 1 times", _hand_over),
        ("lost", "has other attendees", lambda found: found.attendees.clear()),
        ("lost", "never told its versions [1]", lambda found: found.told["events"].clear()),
        ("lost", "notify never handled", lambda found: found.handled["notify"].clear()),
        ("lost", "had its effect 0 times", lambda found: found.effects.clear()),
        ("twice", "had its effect 2 times", lambda found: found.effects.update([MESSAGE])),
        ("lost", "in the inbox: 0 times", lambda found: setattr(found, "notifications", [])),
        ("twice", "in the inbox: 2 times", _confirm_twice),
        ("lost", "letter to deltager@example.org about", lambda found: found.notifications.pop()),
        ("lost", "mail to deltager@example.org about", lambda found: found.deliveries.pop()),
        ("twice", "does not concern them", _write_to_a_stranger),
        ("lost", "letter to deltager@example.org about", _cancel_without_a_word),
        ("lost", "no such mail came", lambda found: found.mails.clear()),
        ("twice", "two Message-IDs", lambda found: found.mails.update([f"<{DELIVERY}@elsewhere>"])),
        ("stuck", "is queued", lambda found: setattr(found.deliveries[0], "status", "queued")),
        ("lost", "notify has None", lambda found: found.roll.clear()),
        ("lost", "has no profile", lambda found: found.profiles.clear()),
        ("twice", "is of nobody", lambda found: found.profiles.update({OTHER: row(name="Andre")})),
        ("oversold", "1 of 0", _take_a_seat_more),
        ("overtaken", "next in line were", _overtake),
        ("dead", "buried", lambda found: found.dead.update(notify=[row(type=CREATED, last_error="no")])),
    ],
)
def test_each_fault_is_found(kind: str, words: str, spoil: Callable[[Records], None]) -> None:
    found = records()
    spoil(found)
    assert [fault for fault in faults_in(found, [taken()]) if fault[0] == kind and words in fault[1]]
