"""Attendance in figures, and the recount of every quota from its rows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.door.check_ins import count
from services.events.tables import HOLDING, Attendee, Event, Organisation, Quota, Registration

QUARTER = 15 * 60


@dataclass(frozen=True, slots=True)
class Share:
    """How many of one ticket type or organisation are expected, and came. `key`: the type, or the organisation's id."""

    key: Any
    name: str | None
    expected: int
    checked_in: int


@dataclass(frozen=True, slots=True)
class Quarter:
    """First check-ins in the quarter of an hour from `starts_at`."""

    starts_at: datetime
    checked_in: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """`key` and `name` of a share are None for attendees without a ticket type, and for private persons."""

    expected: int
    checked_in: int
    inside: int
    waitlisted: int
    by_ticket_type: list[Share]
    by_organisation: list[Share]
    per_quarter: list[Quarter]


async def attendance(session: AsyncSession, event: Event) -> Attendance:
    counts = await count(session, event.id)
    # What is only stated is shown as such: by its name, and without an id.
    named = func.coalesce(col(Organisation.name), col(Registration.stated)["name"].as_string())
    waiting = select(func.count()).where(Attendee.event_id == event.id, Attendee.status == "waitlisted")
    return Attendance(
        **counts,
        waitlisted=(await session.exec(waiting)).one(),
        by_ticket_type=await _shares(session, event, col(Attendee.ticket_type), col(Attendee.ticket_type)),
        by_organisation=await _shares(session, event, col(Organisation.id), named),
        per_quarter=await _per_quarter(session, event),
    )


async def _shares(session: AsyncSession, event: Event, key: Any, name: Any) -> list[Share]:
    """The largest first."""
    checked_in = func.sum(case((col(Attendee.checked_in_at).is_not(None), 1), else_=0))
    statement = (
        select(key, name, func.count(), checked_in)
        .select_from(Attendee)
        .join(Registration, col(Registration.id) == Attendee.registration_id)
        .outerjoin(Organisation, col(Organisation.id) == Registration.organisation_id)
        .where(Attendee.event_id == event.id, Attendee.status == "confirmed")
        .group_by(key, name)
        .order_by(func.count().desc(), name, key)
    )
    return [Share(*row) for row in await session.exec(statement)]


async def _per_quarter(session: AsyncSession, event: Event) -> list[Quarter]:
    statement = select(Attendee.checked_in_at).where(
        Attendee.event_id == event.id, Attendee.status == "confirmed", col(Attendee.checked_in_at).is_not(None)
    )
    quarters = Counter(_quarter(at) for at in await session.exec(statement) if at is not None)
    return [Quarter(quarter, came) for quarter, came in sorted(quarters.items())]


def _quarter(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // QUARTER * QUARTER, UTC)


@dataclass(frozen=True, slots=True)
class RecountedQuota:
    """A quota counted again from its rows: `taken` confirmed, `offered` held for an offer; `free` None if unlimited."""

    kind: str
    key: str
    capacity: int | None
    taken: int
    held: int
    offered: int
    free: int | None
    recorded: int


@dataclass(frozen=True, slots=True)
class Recount:
    """`violations` must be empty: a count that differs from its rows, or more taken than there is."""

    quotas: tuple[RecountedQuota, ...]
    violations: tuple[str, ...]


async def recount(session: AsyncSession, event: Event) -> Recount:
    statement = (
        select(Attendee.ticket_type, Attendee.status, func.count())
        .where(Attendee.event_id == event.id, col(Attendee.status).in_(HOLDING))
        .group_by(col(Attendee.ticket_type), col(Attendee.status))
    )
    rows = (await session.exec(statement)).all()
    found = await session.exec(
        select(Quota).where(Quota.event_id == event.id).order_by(col(Quota.kind), col(Quota.key))
    )
    quotas = tuple(_recounted(quota, rows) for quota in found)
    return Recount(quotas, tuple(violation for quota in quotas for violation in _violations(quota)))


def _recounted(quota: Quota, rows: Iterable[tuple[str | None, str, int]]) -> RecountedQuota:
    counts: Counter[str] = Counter()
    for ticket_type, status, number in rows:
        if quota.kind == "event" or ticket_type == quota.key:
            counts[status] += number
    taken, offered = counts["confirmed"], counts["offered"]
    free = None if quota.capacity is None else quota.capacity - taken - offered
    return RecountedQuota(quota.kind, quota.key, quota.capacity, taken, 0, offered, free, quota.taken)


def _violations(quota: RecountedQuota) -> list[str]:
    named = f"{quota.kind} {quota.key}".strip()
    found = []
    if quota.recorded != quota.taken + quota.offered:
        found.append(f"{named}: recorded {quota.recorded}, rows say {quota.taken + quota.offered}")
    if quota.free is not None and quota.free < 0:
        found.append(f"{named}: {-quota.free} more taken than there is")
    return found
