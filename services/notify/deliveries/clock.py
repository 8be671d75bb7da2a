"""Notices when somebody sets the clock of the machine."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.fields import utc_now

# Less is drift.
LEAST = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ClockWasSet:
    """By how much, forward or back, and a time of the new clock that is not later than that moment."""

    by: timedelta
    after: datetime


class Clock:
    """Compares the time of day with the time that has passed."""

    def __init__(self) -> None:
        self._seen_at, self._passed = utc_now(), time.monotonic()

    def was_set(self) -> ClockWasSet | None:
        """Since the last question."""
        now, passed = utc_now(), time.monotonic()
        between = timedelta(seconds=passed - self._passed)
        by = now - self._seen_at - between
        self._seen_at, self._passed = now, passed
        return ClockWasSet(by, now - between) if abs(by) >= LEAST else None
