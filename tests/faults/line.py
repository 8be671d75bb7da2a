"""Was the line served in order? The history that the outbox tells, played again by an independent rule."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Moved:
    """One attendee after a change: where it came from (None for a sign-up), where it went, and its ticket type then."""

    attendee: UUID
    before: str | None
    after: str
    ticket_type: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One message of an event's history; messages of one `transaction` follow each other."""

    registration: UUID
    transaction: str
    moved: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What an attendee may sit on, the best first, and whether its registration moves together or not at all."""

    ticket_types: tuple[str | None, ...]
    together: bool


@dataclass(slots=True)
class Room:
    """Seats of one event: in all, and of the ticket types that have a quota. None is unlimited."""

    whole: int | None
    by_type: dict[str, int | None]
    taken: dict[str | None, int] = field(default_factory=dict)

    def fits(self, ticket_type: str | None) -> bool:
        whole_fits = self.whole is None or sum(self.taken.values()) < self.whole
        of_type = self.by_type.get(ticket_type) if ticket_type else None
        return whole_fits and (of_type is None or self.taken.get(ticket_type, 0) < of_type)

    def take(self, ticket_type: str | None, seats: int = 1) -> None:
        self.taken[ticket_type] = self.taken.get(ticket_type, 0) + seats

    def copy(self) -> "Room":
        return Room(self.whole, self.by_type, dict(self.taken))


class History:
    """Plays one event's messages. `faults` says in words what should not have happened."""

    def __init__(self, room: Room, wishes: Mapping[UUID, Wish]) -> None:
        self._room = room
        # Who is told of and not there is another's fault to tell.
        self._wishes = defaultdict(lambda: Wish((None,), together=False), wishes)
        self._line: list[tuple[UUID, UUID]] = []
        self.status: dict[UUID, str] = {}
        self.oversold: list[str] = []
        self.out_of_order: list[str] = []

    def play(self, told: Sequence[Told]) -> None:
        for _, messages in groupby(told, key=lambda each: each.transaction):
            together = list(messages)
            moves = [(each.registration, moved) for each in together for moved in each.moved]
            self._seat_newcomers(moves)
            self._let_go(moved for _, moved in moves if moved.after == "cancelled")
            self._serve({moved.attendee: moved.ticket_type for _, moved in moves if _is_promotion(moved)})
            self.status.update({moved.attendee: moved.after for _, moved in moves})

    def _seat_newcomers(self, moves: Sequence[tuple[UUID, Moved]]) -> None:
        for registration, moved in moves:
            if moved.before is None and moved.after == "waitlisted":
                self._line.append((registration, moved.attendee))
            elif moved.before is None:
                self._take(moved.attendee, moved.ticket_type)

    def _take(self, attendee: UUID, ticket_type: str | None) -> None:
        if not self._room.fits(ticket_type):
            self.oversold.append(f"attendee {attendee} got a seat ({ticket_type}) that was not there")
        self._room.take(ticket_type)

    def _let_go(self, leaving: Iterator[Moved]) -> None:
        for moved in leaving:
            if moved.before == "confirmed":
                self._room.take(moved.ticket_type, -1)
            else:
                self._line = [entry for entry in self._line if entry[1] != moved.attendee]

    def _serve(self, promoted: dict[UUID, str | None]) -> None:
        due = self._due()
        if promoted != due:
            self.out_of_order.append(f"promoted {_named(promoted)}, but next in line were {_named(due)}")
        for attendee, ticket_type in promoted.items():
            self._take(attendee, ticket_type)
        self._line = [entry for entry in self._line if entry[1] not in promoted]

    def _due(self) -> dict[UUID, str | None]:
        """Who must be promoted now: in the order of the line, each group once, all of it or nobody."""
        room, due = self._room.copy(), dict[UUID, str | None]()
        for group in self._groups():
            trial, seats = room.copy(), dict[UUID, str | None]()
            for attendee in group:
                fitting = [one for one in self._wishes[attendee].ticket_types if trial.fits(one)]
                if not fitting:
                    break
                trial.take(fitting[0])
                seats[attendee] = fitting[0]
            else:
                room = trial
                due |= seats
        return due

    def _groups(self) -> Iterator[list[UUID]]:
        seen: set[UUID] = set()
        for registration, attendee in self._line:
            if not self._wishes[attendee].together:
                yield [attendee]
            elif registration not in seen:
                seen.add(registration)
                yield [other for of, other in self._line if of == registration]


def _is_promotion(moved: Moved) -> bool:
    return moved.before == "waitlisted" and moved.after == "confirmed"


def _named(attendees: Mapping[UUID, str | None]) -> str:
    return ", ".join(f"{attendee.hex[-8:]} ({kind})" for attendee, kind in attendees.items()) or "nobody"
