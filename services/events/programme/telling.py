"""What of an event its attendees are told when it changes, and how many that reaches."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.promotion import Changes
from services.events.programme.programme import EventSeen
from services.events.registrations.facts import tell_changes
from services.events.tables import ACTIVE, Attendee, Event, Registration
from shared.contracts.events import EventBefore, EventContact, EventUpdated, Venue
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.problems import Problem

# What a change of an event is told by, in groups that are told together; of it, time and place must be told or not.
TOLD = (("title",), ("starts_at", "ends_at", "timezone"), ("venue",), ("online_url",))
TIME_AND_PLACE = frozenset(name for group in TOLD[1:] for name in group)


class NotifyRequired(Problem):
    """`would_notify`: how many people `notify` `all` would tell."""

    status, slug, title = 422, "notify-required", "Say whether those who come are to be told"


@dataclass(frozen=True, slots=True)
class Changed:
    """An event after a change that nobody was told of yet; `promoted` are those who got a seat by it."""

    seen: EventSeen
    fields: tuple[str, ...]
    promoted: Changes


async def tell_change(session: AsyncSession, changed: Changed, notify: Literal["all", "none"] | None) -> int:
    """Tells of the change, and those who come if they are to hear of it. Answers how many people that reaches.

    `all` tells what differs from what they were last told, also when this change alone would tell nothing. Raises
    NotifyRequired when time or place of a published event with attendees changed and nothing was said.
    """
    event = changed.seen.event
    await tell_changes(session, changed.promoted)
    if event.status != "published":
        return 0
    reached = await count_reached(session, event.id)
    if notify is None and reached and TIME_AND_PLACE.intersection(changed.fields):
        raise NotifyRequired(
            f"Time or place changes, and {reached} people are coming: `notify` must be `all` or `none`.",
            would_notify=reached,
        )
    before = _told_otherwise(event)
    if not changed.fields and not (before and notify == "all"):
        return 0
    if not changed.fields:
        touch(session, event)
    facts = facts_of(event)
    tell(session, EventUpdated(**facts, changed=changed.fields, notify=notify or "none", before=EventBefore(**before)))
    if notify != "all":
        return 0
    event.told = as_told(event)
    return reached


def as_told(event: Event) -> dict[str, Any]:
    """What whoever hears of the event now is told, as JSON."""
    names = [name for group in TOLD for name in group]
    return {name: to_jsonable_python(getattr(event, name)) for name in names}


def _told_otherwise(event: Event) -> dict[str, Any]:
    """What was told before, of each group in which something is another now; empty for an event told by old code."""
    if event.told is None:
        return {}
    now = as_told(event)
    other = [group for group in TOLD if any(event.told[name] != now[name] for name in group)]
    return {name: event.told[name] for group in other for name in group}


def touch(session: AsyncSession, event: Event) -> None:
    event.version += 1
    event.updated_at = utc_now()
    session.add(event)


def facts_of(event: Event) -> dict[str, Any]:
    """What every message of an event carries."""
    return {
        **event.model_dump(
            include={"version", "organisation_id", "slug", "status", "kind", "title", "summary", "starts_at", "ends_at"}
        ),
        "event_id": event.id,
        "timezone": event.timezone,
        "venue": event.venue and Venue.model_validate(event.venue),
        "online_url": event.online_url,
        "contact": event.contact and EventContact.model_validate(event.contact),
    }


async def count_reached(session: AsyncSession, event_id: UUID) -> int:
    """How many people a notice to all would reach: distinct addresses of active attendees and their contact persons."""
    own: Any = select(col(Attendee.email_key).label("address")).where(
        Attendee.event_id == event_id, col(Attendee.status).in_(ACTIVE), col(Attendee.email_key).is_not(None)
    )
    contacts = (
        select(func.lower(Registration.contact_email).label("address"))
        .join(Attendee, col(Attendee.registration_id) == Registration.id)
        .where(Attendee.event_id == event_id, col(Attendee.status).in_(ACTIVE))
    )
    return (await session.exec(select(func.count()).select_from(own.union(contacts).subquery()))).one()
