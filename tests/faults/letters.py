"""Who must have been written to about a sign-up: an independent rule, read from what *events* told."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.faults.records import Message

CREATED = "events.registration.created.v1"
# Who sits, or waits to, hears of it.
COMING = ("confirmed", "waitlisted", "pending")
OF_ORGANISERS = "organiser_"


def due(message: Message) -> dict[str, int]:
    """Each address that is told of it, with the mails it gets: one, or none where the inbox is enough."""
    data = message.data
    changes = {change["attendee"]: change for change in data.get("changed", ())}
    new = message.type == CREATED
    moved = new or any(_moved(change) for change in changes.values())
    found = Counter[str]()
    for email in _attendees(data, changes, new):
        found[email] = 1
    if moved or found or any(change.get("named") for change in changes.values()):
        found[data["contact"]["email"]] |= int(moved)
    return found


def _attendees(data: dict[str, Any], changes: dict[str, Any], new: bool) -> Iterator[str]:
    """A new ticket code is a letter to who holds it now, and one to who held it before."""
    for attendee in data["attendees"]:
        change = changes.get(attendee["id"], {})
        given = new or change.get("named") or change.get("replaced")
        hears = attendee.get("status") in COMING if given else _moved(change)
        if attendee.get("email") and hears:
            yield attendee["email"]
        if change.get("replaced") and change.get("previous_email"):
            yield change["previous_email"]


def _moved(change: dict[str, Any]) -> bool:
    return bool(change) and change.get("from_status") != change["to_status"]
