"""Seats, quotas and the waitlist of events: one lock, so one module.

The lock is the event's own quota row, `FOR UPDATE`; on SQLite the write transaction is. Taken by sign-ups, changes and
cancellations of registrations, by changes of an event's capacity or status, and by the recount.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import Base
from shared.database import crowd_of, padded
from shared.problems import NextStep, Problem

quotas = Base.metadata.tables["quotas"]
attendees = Base.metadata.tables["attendees"]

QuotaKind = Literal["event", "ticket_type"]


class CapacityReached(Problem):
    """`quota` {kind, key, remaining, requested} says which one was hit."""

    status, slug, title = 409, "capacity-reached", "There are not enough seats left"


@dataclass(slots=True)
class QuotaSeats:
    """One quota as it stands under the lock. `capacity` None is unlimited."""

    id: UUID
    kind: QuotaKind
    key: str
    capacity: int | None
    taken: int

    @property
    def free(self) -> int | None:
        return None if self.capacity is None else self.capacity - self.taken

    def fits(self, seats: int = 1) -> bool:
        return self.capacity is None or self.taken + seats <= self.capacity


@dataclass(slots=True)
class EventSeats:
    """The quotas of one event, held under its lock."""

    event: QuotaSeats
    next_in_line: int
    by_type: dict[str, QuotaSeats] = field(default_factory=dict)
    changed: set[UUID] = field(default_factory=set)
    waiting: int | None = None

    def quotas_of(self, ticket_type: str | None) -> list[QuotaSeats]:
        of_type = self.by_type.get(ticket_type) if ticket_type else None
        return [self.event] if of_type is None else [self.event, of_type]

    def full_quota(self, ticket_type: str | None) -> QuotaSeats | None:
        """The first quota that has no seat for one more of this type."""
        return next((quota for quota in self.quotas_of(ticket_type) if not quota.fits()), None)

    def take(self, ticket_type: str | None) -> bool:
        """Takes one seat in every quota it counts in, or none at all."""
        if self.full_quota(ticket_type) is not None:
            return False
        self._count(ticket_type, +1)
        return True

    def give_back(self, ticket_type: str | None) -> None:
        self._count(ticket_type, -1)

    def _count(self, ticket_type: str | None, by: int) -> None:
        for quota in self.quotas_of(ticket_type):
            quota.taken += by
            self.changed.add(quota.id)

    def join_line(self) -> int:
        """The number of the next in line."""
        number, self.next_in_line = self.next_in_line, self.next_in_line + 1
        self.changed.add(self.event.id)
        return number


_siblings = quotas.alias()
_seats = (
    select(
        quotas,
        select(func.count()).where(_siblings.c.event_id == quotas.c.event_id).scalar_subquery().label("of_the_event"),
    )
    .where(quotas.c.event_id.in_(bindparam("event_ids", expanding=True)))
    # In one order everywhere, so that two transactions cannot wait for each other.
    .order_by(quotas.c.id)
)
_lock = _seats.with_for_update(of=quotas)
_lock_free = _seats.with_for_update(of=quotas, skip_locked=True)
_known = select(quotas.c.event_id).where(quotas.c.event_id.in_(bindparam("event_ids", expanding=True))).distinct()
_write = (
    update(quotas)
    .where(quotas.c.id == bindparam("quota_id"))
    .values(taken=bindparam("now_taken"), next_in_line=bindparam("next_number"))
)


async def lock_seats(session: AsyncSession, event_ids: Iterable[UUID]) -> dict[UUID, EventSeats]:
    """Takes the lock of each event and reads its quotas; unknown events are left out."""
    wanted = padded(event_ids)
    connection = await session.connection()
    with crowd_of(session).waiting_for(set(wanted)):
        rows = (await connection.execute(_lock, {"event_ids": wanted})).all()
    return _by_event(rows)


async def lock_free_seats(
    session: AsyncSession, event_ids: Iterable[UUID]
) -> tuple[dict[UUID, EventSeats], frozenset[UUID]]:
    """Takes the locks that nobody holds, waiting for none; the second answer are the events whose lock is held."""
    wanted = padded(event_ids)
    connection = await session.connection()
    rows = (await connection.execute(_lock_free, {"event_ids": wanted})).all()
    had = Counter(row.event_id for row in rows)
    # All of them, or it is not had: one more row may have been locked while these were read.
    seats = _by_event([row for row in rows if had[row.event_id] == row.of_the_event])
    missed = set(wanted) - seats.keys()
    if not missed:
        return seats, frozenset()
    return seats, frozenset((await connection.execute(_known, {"event_ids": padded(missed)})).scalars())


def _by_event(rows: Sequence[Any]) -> dict[UUID, EventSeats]:
    seats = {
        row.event_id: EventSeats(event=_quota(row), next_in_line=row.next_in_line)
        for row in rows
        if row.kind == "event"
    }
    for row in rows:
        if row.kind == "ticket_type":
            seats[row.event_id].by_type[row.key] = _quota(row)
    return seats


def _quota(row: Any) -> QuotaSeats:
    return QuotaSeats(id=row.id, kind=row.kind, key=row.key, capacity=row.capacity, taken=row.taken)


async def write_taken(session: AsyncSession, seats: Iterable[EventSeats]) -> None:
    """The only place that writes a quota's count."""
    rows: list[dict[str, Any]] = [
        {
            "quota_id": quota.id,
            "now_taken": quota.taken,
            "next_number": each.next_in_line if quota is each.event else 1,
        }
        for each in seats
        for quota in (each.event, *each.by_type.values())
        if quota.id in each.changed
    ]
    if rows:
        await (await session.connection()).execute(_write, sorted(rows, key=lambda row: row["quota_id"]))


def capacity_reached(quota: QuotaSeats, requested: int, *, may_wait: bool) -> CapacityReached:
    """The refusal for `requested` seats, with what could be done instead."""
    remaining = max(quota.free or 0, 0)
    steps = []
    if may_wait:
        steps.append(NextStep(action="join_waitlist", label="Sign up with `if_full` `waitlist_rest` or `waitlist_all`"))
    if remaining:
        steps.append(NextStep(action="take_available", label=f"Sign up {remaining} or fewer"))
    named = f"{quota.kind.replace('_', ' ')} {quota.key}".strip()
    return CapacityReached(
        f"{requested} asked for, {remaining} left ({named}).",
        quota={"kind": quota.kind, "key": quota.key, "remaining": remaining, "requested": requested},
        next_steps=steps,
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry of the line."""

    attendee: UUID
    registration: UUID
    ticket_types: tuple[str | None, ...]
    together: bool


_line = (
    select(
        attendees.c.id,
        attendees.c.registration_id,
        attendees.c.ticket_type,
        attendees.c.also_accepts,
        Base.metadata.tables["registrations"].c.waits_together,
    )
    .join(
        Base.metadata.tables["registrations"], Base.metadata.tables["registrations"].c.id == attendees.c.registration_id
    )
    .where(attendees.c.event_id == bindparam("event_id"), attendees.c.status == "waitlisted")
    .order_by(attendees.c.line_number)
)
_counts = (
    select(attendees.c.event_id, func.count())
    .where(attendees.c.event_id.in_(bindparam("event_ids", expanding=True)), attendees.c.status == "waitlisted")
    .group_by(attendees.c.event_id)
)


async def read_line(session: AsyncSession, event_id: UUID) -> list[Waiting]:
    """Who waits, in the order of waiting."""
    rows = (await (await session.connection()).execute(_line, {"event_id": event_id})).all()
    return [
        Waiting(row.id, row.registration_id, (row.ticket_type, *(row.also_accepts or ())), row.waits_together)
        for row in rows
    ]


async def count_waiting(session: AsyncSession, event_ids: Iterable[UUID]) -> dict[UUID, int]:
    rows = (await (await session.connection()).execute(_counts, {"event_ids": padded(event_ids)})).all()
    return dict(rows)


def promote(line: Sequence[Waiting], seats: EventSeats) -> dict[UUID, str | None]:
    """Gives free seats to the first in line that fit: attendee and the ticket type given.

    An entry that does not fit is passed over and keeps its number; a group that waits together moves together.
    """
    promoted: dict[UUID, str | None] = {}
    decided: set[UUID] = set()
    for entry in line:
        if not seats.event.fits():
            break
        if entry.together:
            if entry.registration not in decided:
                decided.add(entry.registration)
                promoted |= _promote_group([each for each in line if each.registration == entry.registration], seats)
        else:
            promoted |= _promote_group([entry], seats)
    return promoted


def _promote_group(group: Sequence[Waiting], seats: EventSeats) -> dict[UUID, str | None]:
    """All of the group, or nobody."""
    given: dict[UUID, str | None] = {}
    for entry in group:
        for ticket_type in entry.ticket_types:
            # A type that was also accepted may be gone by now.
            there = ticket_type is None or ticket_type in seats.by_type
            if there and seats.take(ticket_type):
                given[entry.attendee] = ticket_type
                break
        else:
            for ticket_type in given.values():
                seats.give_back(ticket_type)
            return {}
    return given
