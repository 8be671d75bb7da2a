"""The programme: events as their readers may see them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, cast, false, func, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.organisations.recognising import id_now
from services.events.tables import Event, Quota
from shared.access.caller import Caller
from shared.fields import utc_now
from shared.problems import NotFound

RegistrationStatus = Literal["not_open", "open", "waitlist", "full", "closed", "cancelled"]


@dataclass(slots=True)
class EventSeen:
    """An event with its capacities, as a reader may see it."""

    event: Event
    quotas: list[Quota] = field(default_factory=list)

    @property
    def whole(self) -> Quota:
        return next(quota for quota in self.quotas if quota.kind == "event")

    @property
    def remaining_capacity(self) -> int | None:
        return None if self.whole.capacity is None else self.whole.capacity - self.whole.taken

    def capacity_of(self, ticket_type: str) -> int | None:
        return next(
            (each.capacity for each in self.quotas if each.kind == "ticket_type" and each.key == ticket_type), None
        )

    def registration_status(self, now: datetime) -> RegistrationStatus:
        event = self.event
        if event.status == "cancelled":
            return "cancelled"
        if event.status == "completed" or now >= event.registration_closes_at:
            return "closed"
        if event.registration_opens_at and now < event.registration_opens_at:
            return "not_open"
        if self.remaining_capacity == 0:
            return "waitlist" if event.waitlist_mode != "off" else "full"
        return "open"


def _referred(reference: str) -> ColumnElement[bool]:
    try:
        return col(Event.id) == UUID(reference)
    except ValueError:
        # PostgreSQL answers a NUL with an error.
        return col(Event.slug) == reference if reference.isprintable() else false()


async def find(session: AsyncSession, reference: str, caller: Caller) -> EventSeen:
    """The event by id or slug. A draft is there for its organiser, and for systems that read for it."""
    statement = select(Event).where(_referred(reference)).execution_options(populate_existing=True)
    event = (await session.exec(statement)).first()
    if event is None or (event.status == "draft" and not caller.reads(event.organisation_id)):
        raise NotFound("There is no such event.")
    return (await with_quotas(session, [event]))[0]


async def find_id(session: AsyncSession, reference: str) -> UUID:
    """The id of the event by id or slug, draft or not. Raises NotFound."""
    event_id = (await session.exec(select(Event.id).where(_referred(reference)))).first()
    if event_id is None:
        raise NotFound("There is no such event.")
    return event_id


async def with_quotas(session: AsyncSession, events: Sequence[Event]) -> list[EventSeen]:
    seen = {event.id: EventSeen(event) for event in events}
    if seen:
        statement = select(Quota).where(col(Quota.event_id).in_(list(seen)))
        for quota in await session.exec(statement.execution_options(populate_existing=True)):
            seen[quota.event_id].quotas.append(quota)
    return list(seen.values())


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events a list shows. Without `starts_after` only those that are not over."""

    q: str | None = None
    starts_after: datetime | None = None
    starts_before: datetime | None = None
    kind: str | None = None
    focus_area: str | None = None
    hub: str | None = None
    organiser: UUID | None = None


async def list_events(
    session: AsyncSession, filters: Filters, caller: Caller, after: tuple[datetime, UUID] | None, limit: int
) -> list[EventSeen]:
    """Upcoming first. The public sees listed published and cancelled events; an organiser also its own drafts."""
    statement = (
        select(Event).where(_visible_to(caller), *_matching(filters)).order_by(col(Event.starts_at), col(Event.id))
    )
    if after is not None:
        starts_at, last = after
        statement = statement.where(
            or_(col(Event.starts_at) > starts_at, and_(col(Event.starts_at) == starts_at, col(Event.id) > last))
        )
    return await with_quotas(session, (await session.exec(statement.limit(limit))).all())


def place_of(seen: EventSeen) -> list[str]:
    """Where it stands in the list."""
    return [seen.event.starts_at.isoformat(), str(seen.event.id)]


def _visible_to(caller: Caller) -> ColumnElement[bool]:
    if caller.is_admin:
        return true()
    public = and_(col(Event.listed).is_(True), col(Event.status) != "draft")
    reading = caller.acts_as("organiser") | {each for each in caller.organisations if caller.reads(each)}
    own = col(Event.organisation_id).in_(list(reading)) if reading else false()
    return or_(public, own)


def _matching(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = (
        [col(Event.ends_at) > utc_now()]
        if filters.starts_after is None
        else [col(Event.starts_at) >= filters.starts_after]
    )
    if filters.starts_before is not None:
        conditions.append(col(Event.starts_at) < filters.starts_before)
    if filters.kind is not None:
        conditions.append(col(Event.kind) == filters.kind)
    if filters.hub is not None:
        conditions.append(col(Event.hub) == filters.hub)
    if filters.organiser is not None:
        conditions.append(col(Event.organisation_id) == id_now(filters.organiser))
    if filters.focus_area is not None:
        conditions.append(cast(col(Event.focus_areas), String).contains(f'"{filters.focus_area}"', autoescape=True))
    if filters.q is not None:
        texts = [func.lower(cast(column, String)) for column in (col(Event.title), col(Event.summary))]
        conditions.append(or_(*(text.contains(filters.q.lower(), autoescape=True) for text in texts)))
    return conditions
