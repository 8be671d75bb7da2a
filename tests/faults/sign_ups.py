"""What the writers ask for: events with room and without, sign-ups of companies and private persons, and changes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

Body = dict[str, Any]

ORGANISER = "karen.kaas@example.org"
# One company for three sign-ups: newcomers, and such as come again while they are still being made known.
SIGN_UPS_PER_COMPANY = 3
IF_FULL = ("waitlist_rest", "waitlist_rest", "waitlist_all", "refuse")


def event_body(number: int, registrations: int) -> Body:
    """A quarter has room for all, half is full in the middle, a quarter has a quota for press besides."""
    starts = datetime.now(UTC) + timedelta(days=28 + number)
    body: Body = {
        "title": {"da": f"Fermentering i praksis {number}", "en": f"Fermentation in practice {number}"},
        "kind": "workshop",
        "venue": {"name": "Helix Lab", "city": "Kalundborg"},
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=3)).isoformat(),
        "capacity": None if number % 4 == 0 else max(registrations, 4),
        "contact": {"name": "Karen Kaas", "email": ORGANISER, "language": "da"},
    }
    if number % 4 == 3:
        press = {"key": "press", "title": {"da": "Presse"}, "capacity": max(registrations // 4, 2)}
        body["ticket_types"] = [{"key": "guest", "title": {"da": "Gæst"}}, press]
    return body


def sign_up_body(number: int, event: int, dice: random.Random) -> Body:
    """Every third is a private person. Addresses are nobody else's, so none may ever be refused as known already."""
    contact = {"name": f"Kontakt {number}", "email": f"kontakt{number}@firma{number}.example.org", "language": "da"}
    attendees = [_attendee(number, place, event, dice) for place in range(dice.choice((1, 1, 2, 3, 4)))]
    body: Body = {"contact": contact, "attendees": attendees, "if_full": dice.choice(IF_FULL)}
    if number % 3:
        company = number // SIGN_UPS_PER_COMPANY
        website = f"https://www.firma{company}.example.org"
        body["organisation"] = {"name": f"Firma {company} ApS", "kind": "producer", "website": website}
    return body


def _attendee(number: int, place: int, event: int, dice: random.Random) -> Body:
    who = {"name": f"Deltager {number}-{place}", "email": f"deltager{number}.{place}@example.org"}
    attendee: Body = who if dice.random() < 0.6 else {}
    if event % 4 == 3 and dice.random() < 0.4:
        attendee = {**attendee, "ticket_type": "press"}
        if dice.random() < 0.5:
            attendee["also_accepts"] = ["guest"]
    return attendee


@dataclass(frozen=True, slots=True)
class Change:
    """One request about a registration that was taken: a PATCH of an attendee, or a cancellation."""

    path: str
    body: Body
    attendee: UUID | None = None
    cancelled: tuple[UUID, ...] = ()

    @property
    def method(self) -> str:
        return "POST" if self.attendee is None else "PATCH"


def changes_of(registration: UUID, attendees: list[UUID], named: set[UUID], dice: random.Random) -> Iterator[Change]:
    """At most a new name, then a hand-over, then a cancellation of one, some or all."""
    if dice.random() < 0.4:
        one = dice.choice(attendees)
        yield _rename(one, "a")
        named = named | {one}
    if named and dice.random() < 0.25:
        yield _rename(dice.choice(sorted(named)), "b")
    if dice.random() < 0.35:
        leaving = tuple(dice.sample(attendees, dice.randint(1, len(attendees))))
        body = {"attendees": [str(each) for each in leaving]}
        yield Change(f"/v1/registrations/{registration}/cancel", body, cancelled=leaving)


def _rename(attendee: UUID, letter: str) -> Change:
    """A hand-over where the seat had an address already."""
    email = f"ny.{letter}.{attendee.hex}@example.org"
    return Change(f"/v1/attendees/{attendee}", {"name": f"Ny {letter}", "email": email}, attendee)
