"""Times that hang on an event's start: they move along with it, in calendar days and clock times of its own zone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.events.tables import Event

# A registration that has opened stays open; the others say how long before or after the start something is.
HANGING = ("ends_at", "doors_open_at", "registration_closes_at", "changes_close_at")


def day_before(start: datetime, timezone: str) -> datetime:
    """The same time of day on the day before, in UTC: 24 hours but where the clocks change between."""
    local = start.astimezone(ZoneInfo(timezone))
    return (local - timedelta(days=1)).astimezone(UTC)


def moved_along(event: Event, start: datetime) -> dict[str, datetime]:
    """The times of the event that hang on its start, if it were to begin at `start`.

    A start without an offset is in the event's zone; what is given has its offset.
    """
    zone = ZoneInfo(event.timezone)
    before, after = _clock(event.starts_at, zone), _clock(start, zone)
    moved: dict[str, datetime] = {}
    for name in HANGING:
        time: datetime | None = getattr(event, name)
        if time is not None:
            moved[name] = (_clock(time, zone) + (after - before)).replace(tzinfo=zone)
    return moved


def _clock(time: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall shows."""
    return (time.astimezone(zone) if time.tzinfo else time).replace(tzinfo=None)


def would_move(before: Event, after: Any) -> dict[str, datetime]:
    """Of the times that hang on the start, those that are others afterwards."""
    return {name: getattr(after, name) for name in HANGING if getattr(after, name) != getattr(before, name)}
