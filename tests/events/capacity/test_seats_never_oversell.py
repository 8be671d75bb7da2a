"""The rule of seats by itself: whatever comes in whatever order, nothing is oversold and the line is kept."""

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.events.capacity.seats import CapacityReached, EventSeats, QuotaSeats, Waiting, promote
from services.events.registrations.deciding import AskedAttendee, IfFull, place
from shared.database import uuid7
from shared.problems import Problem

TYPES = (None, "guest", "press")
few = st.none() | st.integers(0, 6)
wishes = st.lists(
    st.builds(
        AskedAttendee,
        ticket_type=st.sampled_from(TYPES),
        also_accepts=st.lists(st.sampled_from(TYPES[1:]), max_size=2, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@dataclass
class Row:
    """One attendee as the tables would hold it."""

    registration: UUID
    ticket_types: tuple[str | None, ...]
    together: bool
    ticket_type: str | None = None
    line_number: int | None = None


class SeatsAndLine(RuleBasedStateMachine):
    """Sign-ups, cancellations and changes of capacity, with the promotion that follows each of the last two."""

    @initialize(whole=few, guest=few, press=few)
    def open(self, whole: int | None, guest: int | None, press: int | None) -> None:
        self.seats = EventSeats(
            QuotaSeats(uuid7(), "event", "", whole, 0),
            next_in_line=1,
            by_type={
                "guest": QuotaSeats(uuid7(), "ticket_type", "guest", guest, 0),
                "press": QuotaSeats(uuid7(), "ticket_type", "press", press, 0),
            },
        )
        self.rows: dict[UUID, Row] = {}

    @rule(wanted=wishes, if_full=st.sampled_from(("waitlist_rest", "waitlist_all", "refuse")), may_wait=st.booleans())
    def sign_up(self, wanted: list[AskedAttendee], if_full: IfFull, may_wait: bool) -> None:
        counts = self._counts()
        placed = place(wanted, if_full, self.seats, may_wait=may_wait)
        if isinstance(placed, Problem):
            assert isinstance(placed, CapacityReached)
            assert if_full == "refuse" or not may_wait
            assert self._counts() == counts, "a refusal takes nothing"
            return
        registration = uuid7()
        for asked, given in zip(wanted, placed, strict=True):
            types = (asked.ticket_type, *asked.also_accepts)
            waits = given.status == "waitlisted"
            assert waits or given.ticket_type in types
            self.rows[given.id] = Row(
                registration, types, if_full == "waitlist_all", given.ticket_type, given.line_number
            )
        if if_full == "waitlist_all":
            assert len({given.status for given in placed}) == 1

    @rule(which=st.data())
    def cancel(self, which: st.DataObject) -> None:
        if self.rows:
            leaving = which.draw(st.sampled_from(sorted(self.rows)))
            row = self.rows.pop(leaving)
            if row.line_number is None:
                self.seats.give_back(row.ticket_type)
            self._promote()

    @rule(whole=few, press=few)
    def change_capacity(self, whole: int | None, press: int | None) -> None:
        for quota, capacity in ((self.seats.event, whole), (self.seats.by_type["press"], press)):
            if capacity is None or capacity >= quota.taken:
                quota.capacity = capacity
        self._promote()

    def _promote(self) -> None:
        line = self._line()
        given = promote(line, self.seats)
        for attendee, ticket_type in given.items():
            row = self.rows[attendee]
            assert ticket_type in row.ticket_types
            row.ticket_type, row.line_number = ticket_type, None
        self._nobody_was_jumped(line, given)

    def _nobody_was_jumped(self, line: list[Waiting], given: Mapping[UUID, str | None]) -> None:
        """Who still waits would not fit, had nobody behind got a seat."""
        for place_in_line, entry in enumerate(line):
            if entry.attendee not in given:
                free = deepcopy(self.seats)
                for behind in line[place_in_line:]:
                    if behind.attendee in given and behind.registration != entry.registration:
                        free.give_back(given[behind.attendee])
                group = [each for each in line if each.registration == entry.registration]
                assert promote(group if entry.together else [entry], free) == {}

    def _line(self) -> list[Waiting]:
        waiting = sorted((row.line_number, attendee) for attendee, row in self.rows.items() if row.line_number)
        rows = [(attendee, self.rows[attendee]) for _, attendee in waiting]
        return [Waiting(attendee, row.registration, row.ticket_types, row.together) for attendee, row in rows]

    def _counts(self) -> dict[str, int]:
        return {"": self.seats.event.taken} | {key: quota.taken for key, quota in self.seats.by_type.items()}

    @invariant()
    def nothing_is_oversold(self) -> None:
        for quota in (self.seats.event, *self.seats.by_type.values()):
            assert quota.taken >= 0
            assert quota.capacity is None or quota.taken <= quota.capacity

    @invariant()
    def what_is_taken_is_what_the_rows_say(self) -> None:
        seated = Counter(row.ticket_type for row in self.rows.values() if row.line_number is None)
        assert self._counts() == {"": seated.total(), "guest": seated["guest"], "press": seated["press"]}

    @invariant()
    def nobody_waits_under_the_number_of_another(self) -> None:
        numbers = [row.line_number for row in self.rows.values() if row.line_number]
        assert len(set(numbers)) == len(numbers)
        assert all(number < self.seats.next_in_line for number in numbers)

    @invariant()
    def a_group_that_waits_together_is_not_parted(self) -> None:
        groups: dict[UUID, set[bool]] = {}
        for row in self.rows.values():
            if row.together:
                groups.setdefault(row.registration, set()).add(row.line_number is None)
        assert all(len(places) == 1 for places in groups.values())


TestSeatsAndLine = SeatsAndLine.TestCase
TestSeatsAndLine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
