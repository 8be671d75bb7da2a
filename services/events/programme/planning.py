"""Planning: an organiser drafts, changes, publishes, calls off and completes events."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.promotion import Changes, promote_waiting
from services.events.capacity.seats import lock_seats
from services.events.programme.moving import day_before
from services.events.programme.programme import EventSeen, find, with_quotas
from services.events.programme.telling import TIME_AND_PLACE, Changed, as_told, facts_of, touch
from services.events.tables import ACTIVE, Attendee, Event, Quota
from shared.access.caller import Caller
from shared.contracts.events import (
    EventCancelled,
    EventCompleted,
    EventPublished,
    EventUpdated,
)
from shared.fields import utc_now
from shared.language import text_of
from shared.messaging.outbox import tell
from shared.problems import Problem, WrongStatus

MOST_ATTEMPTS = 20


class NotReady(Problem):
    """`missing` names what the event still needs before people may see it."""

    status, slug, title = 409, "not-ready", "The event cannot be published yet"


class CapacityBelowTaken(Problem):
    """`quota` {kind, key, capacity, taken}."""

    status, slug, title = 409, "capacity-below-taken", "More seats are taken than the new capacity would hold"


class EventOver(Problem):
    status, slug, title = 409, "event-over", "The event is over"


class TicketTypeInUse(Problem):
    status, slug, title = 409, "ticket-type-in-use", "Attendees have this ticket type"


@dataclass(frozen=True, slots=True)
class TicketType:
    key: str
    title: dict[str, str]
    capacity: int | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventFields:
    """All that an organiser may say of an event; times in UTC."""

    title: dict[str, str]
    kind: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    summary: dict[str, str] | None = None
    description: dict[str, str] | None = None
    venue: dict[str, Any] | None = None
    online_url: str | None = None
    page_url: str | None = None
    image_url: str | None = None
    doors_open_at: datetime | None = None
    capacity: int | None = None
    ticket_types: tuple[TicketType, ...] = ()
    registration_opens_at: datetime | None = None
    registration_closes_at: datetime | None = None
    changes_close_at: datetime | None = None
    waitlist_mode: str = "promote"
    listed: bool = True
    focus_areas: tuple[str, ...] = ()
    hub: str | None = None
    contact: dict[str, Any] | None = None


async def draft(session: AsyncSession, organisation_id: UUID, fields: EventFields) -> EventSeen:
    """A new event that only its organiser sees."""
    event = await _add_event(session, organisation_id, fields)
    quotas = [Quota(event_id=event.id, kind="event", capacity=fields.capacity)]
    quotas += [_type_quota(event, each) for each in fields.ticket_types]
    session.add_all(quotas)
    await session.flush()
    return EventSeen(event, quotas)


async def _add_event(session: AsyncSession, organisation_id: UUID, fields: EventFields) -> Event:
    columns = _columns(fields)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        event = Event(organisation_id=organisation_id, slug=await _free_slug(session, fields), **columns)
        try:
            async with session.begin_nested():
                session.add(event)
            break
        except IntegrityError:
            # Another draft of the same title took the slug between our look and now.
            if attempt == MOST_ATTEMPTS:
                raise
    return event


def _type_quota(event: Event, ticket_type: TicketType) -> Quota:
    return Quota(event_id=event.id, kind="ticket_type", key=ticket_type.key, capacity=ticket_type.capacity)


def _columns(fields: EventFields) -> dict[str, Any]:
    columns = asdict(fields)
    del columns["capacity"]
    columns["ticket_types"] = [
        {"key": each.key, "title": each.title, "kinds": list(each.kinds)} for each in fields.ticket_types
    ]
    columns["focus_areas"] = list(fields.focus_areas)
    columns["registration_closes_at"] = fields.registration_closes_at or fields.starts_at
    columns["changes_close_at"] = fields.changes_close_at or day_before(fields.starts_at, fields.timezone)
    return columns


_LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "Æ": "ae", "Ø": "oe", "Å": "aa", "ß": "ss"})


async def _free_slug(session: AsyncSession, fields: EventFields) -> str:
    title = fields.title.get("da") or next(iter(fields.title.values()))
    plain = unicodedata.normalize("NFKD", title.translate(_LETTERS)).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "event"
    taken = set(await session.exec(select(Event.slug).where(col(Event.slug).startswith(base, autoescape=True))))
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


async def hold(session: AsyncSession, reference: str, caller: Caller) -> EventSeen:
    """The event for its organiser, under its lock. Raises NotFound, NotAllowed or NotAuthenticated."""
    seen = await find(session, reference, caller)
    caller.require(caller.organises(seen.event.organisation_id), may_see=True)
    await lock_seats(session, [seen.event.id])
    # It may have changed, or be gone, since we looked for it.
    return await find(session, str(seen.event.id), caller)


async def require_possible(session: AsyncSession, seen: EventSeen, fields: EventFields) -> None:
    """Raises WrongStatus, EventOver, CapacityBelowTaken, TicketTypeInUse."""
    event, columns = seen.event, _columns(fields)
    if event.status in ("cancelled", "completed"):
        raise WrongStatus(f"A {event.status} event cannot be changed.")
    if _is_over(event) and any(getattr(event, name) != columns[name] for name in TIME_AND_PLACE):
        raise EventOver("It has been held: its time and place stay what they were.")
    wanted = _capacities(fields)
    for quota in seen.quotas:
        if (quota.kind, quota.key) in wanted:
            _require_capacity(quota, wanted[quota.kind, quota.key])
        else:
            await _require_unused(session, event, quota)


def _is_over(event: Event) -> bool:
    return event.status == "published" and event.ends_at <= utc_now()


async def change(session: AsyncSession, seen: EventSeen, fields: EventFields) -> Changed:
    """Sets the event's fields; more capacity goes to the waitlist at once. Under its lock; then `tell_change`.

    Raises what `require_possible` raises.
    """
    await require_possible(session, seen, fields)
    event, columns = seen.event, _columns(fields)
    changed = tuple(sorted(name for name, value in columns.items() if getattr(event, name) != value))
    capacities = await _change_quotas(session, seen, fields)
    if not changed and not capacities:
        return Changed(seen, (), {})
    for name in changed:
        setattr(event, name, columns[name])
    touch(session, event)
    await session.flush()
    promoted: Changes = {}
    await promote_waiting(session, event, (await lock_seats(session, [event.id]))[event.id], promoted)
    (after,) = await with_quotas(session, [event])
    return Changed(after, changed + (("capacity",) if capacities else ()), promoted)


def _capacities(fields: EventFields) -> dict[tuple[str, str], int | None]:
    """Of each quota, by kind and key."""
    of_types = {("ticket_type", each.key): each.capacity for each in fields.ticket_types}
    return {("event", ""): fields.capacity} | of_types


async def _change_quotas(session: AsyncSession, seen: EventSeen, fields: EventFields) -> bool:
    """Whether any capacity changed."""
    wanted = _capacities(fields)
    before = {(quota.kind, quota.key): quota.capacity for quota in seen.quotas}
    for quota in seen.quotas:
        if (quota.kind, quota.key) in wanted:
            quota.capacity = wanted[quota.kind, quota.key]
            session.add(quota)
        else:
            await session.delete(quota)
    new = [each for each in fields.ticket_types if ("ticket_type", each.key) not in before]
    session.add_all([_type_quota(seen.event, each) for each in new])
    return wanted != before


def _require_capacity(quota: Quota, capacity: int | None) -> None:
    if capacity is not None and capacity < quota.taken:
        told = {"kind": quota.kind, "key": quota.key, "capacity": capacity, "taken": quota.taken}
        raise CapacityBelowTaken(
            f"{quota.taken} seats are taken; the capacity can be {quota.taken} or more.", quota=told
        )


async def _require_unused(session: AsyncSession, event: Event, quota: Quota) -> None:
    statement = select(func.count()).where(
        Attendee.event_id == event.id, Attendee.ticket_type == quota.key, col(Attendee.status).in_(ACTIVE)
    )
    count = (await session.exec(statement)).one()
    if count:
        raise TicketTypeInUse(
            f"{count} attendees have the ticket type {quota.key}; it can be removed when nobody has it."
        )


async def publish(session: AsyncSession, seen: EventSeen) -> EventSeen:
    """Shows the event to everybody and opens registration. Raises NotReady with what is missing."""
    event = seen.event
    if event.status == "published":
        return seen
    if event.status != "draft":
        raise WrongStatus(f"A {event.status} event cannot be published.")
    missing = [name for name, given in (("venue or online_url", event.venue or event.online_url),) if not given]
    if event.ends_at <= utc_now():
        missing.append("ends_at in the future")
    if missing:
        raise NotReady(f"Still needed: {', '.join(missing)}.", missing=missing)
    event.status, event.told = "published", as_told(event)
    touch(session, event)
    tell(session, EventPublished(**facts_of(event)))
    return seen


def require_cancellable(event: Event) -> None:
    """Raises WrongStatus, EventOver."""
    if event.status not in ("published", "cancelled"):
        raise WrongStatus(f"A {event.status} event cannot be cancelled; delete a draft instead.")
    if _is_over(event):
        raise EventOver("It has been held; it can be completed, and no longer cancelled.")


async def cancel(session: AsyncSession, seen: EventSeen, reason: dict[str, str] | None) -> EventSeen:
    """Calls the event off; everybody who is registered is told. Registrations stay as they are, for the record.

    Raises what `require_cancellable` raises.
    """
    event = seen.event
    require_cancellable(event)
    if event.status == "cancelled":
        return seen
    event.status, event.cancel_reasons = "cancelled", reason
    event.cancel_reason = text_of(reason, "da") if reason else None
    touch(session, event)
    tell(session, EventCancelled(**facts_of(event), reason=event.cancel_reason, reasons=reason))
    return seen


async def complete(session: AsyncSession, seen: EventSeen) -> EventSeen:
    """Closes the event after it was held."""
    event = seen.event
    if event.status == "completed":
        return seen
    if event.status != "published" or event.starts_at > utc_now():
        raise WrongStatus("Only a published event that has begun can be completed.")
    event.status = "completed"
    touch(session, event)
    tell(session, EventCompleted(**facts_of(event)))
    return seen


async def delete_draft(session: AsyncSession, seen: EventSeen) -> None:
    if seen.event.status != "draft":
        raise WrongStatus("Only a draft can be deleted; cancel a published event instead.")
    for row in (*seen.quotas, seen.event):
        await session.delete(row)


async def delete_drafts(session: AsyncSession, organisation_id: UUID) -> int:
    """Those of an organisation that is gone. Answers how many."""
    mine = select(Event.id).where(Event.organisation_id == organisation_id, Event.status == "draft")
    for event_id in (ids := await _hold_all(session, mine)):
        await session.exec(delete(Quota).where(col(Quota.event_id) == event_id))
        await session.exec(delete(Event).where(col(Event.id) == event_id))
    return len(ids)


async def forget_contacts(session: AsyncSession, organisation_id: UUID) -> int:
    """The contact persons of an organisation that is gone, but for events still to come. Answers how many."""
    mine = (Event.organisation_id == organisation_id, Event.status != "draft", col(Event.contact).is_not(None))
    over = or_(Event.status != "published", col(Event.ends_at) <= utc_now())
    ids = await _hold_all(session, select(Event.id).where(*mine, over))
    for event_id in ids:
        event = await session.get_one(Event, event_id, populate_existing=True)
        event.contact = None
        touch(session, event)
        tell(session, EventUpdated(**facts_of(event), changed=("contact",)))
    return len(ids)


async def _hold_all(session: AsyncSession, which: Any) -> Sequence[UUID]:
    """The ids that `which` still finds under the locks of their events."""
    await lock_seats(session, (await session.exec(which)).all())
    found: Sequence[UUID] = (await session.exec(which)).all()
    return found
