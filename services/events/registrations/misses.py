"""How often somebody hears that an address is registered: enough for a slip, too seldom to ask for a list of people."""

import hashlib
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import Miss
from shared.access.caller import Caller
from shared.fields import same_address, utc_now
from shared.problems import TooManyRequests

AN_HOUR = timedelta(hours=1)
MOST_MISSES = 5
# What a call is counted for: its contact person, its registration, its caller at the event. Hashes: they are addresses.
Sender = frozenset[bytes]
# Who may see everybody at the event, or names no address, is not counted.
UNCOUNTED: Sender = frozenset()


def sender_of(event_id: UUID, caller: Caller, contact_email: str, registration_id: UUID | None = None) -> Sender:
    counted = [f"contact {same_address(contact_email)}"]
    if registration_id is not None:
        counted.append(f"registration {registration_id}")
    if caller.email is not None:
        counted.append(f"caller {event_id} {same_address(caller.email)}")
    return frozenset(hashlib.sha256(each.encode()).digest() for each in counted)


class Misses:
    """Those of the last hour, and those of this transaction."""

    def __init__(self, missed: dict[bytes, list[datetime]], now: datetime) -> None:
        self._missed, self._now, self._new = missed, now, list[bytes]()

    def require_few(self, sender: Sender) -> None:
        """Raises TooManyRequests whatever address is asked for: else that would be the answer."""
        for each in sender:
            missed = sorted(self._missed.get(each, ()))
            if len(missed) >= MOST_MISSES:
                wait = missed[-MOST_MISSES] + AN_HOUR - self._now
                raise TooManyRequests(
                    "Several of the addresses are registered already. Try again later, or leave the e-mail out.",
                    headers={"Retry-After": str(max(1, math.ceil(wait.total_seconds())))},
                )

    def count(self, sender: Sender) -> None:
        for each in sender:
            self._missed.setdefault(each, []).append(self._now)
            self._new.append(each)

    async def write(self, session: AsyncSession) -> None:
        if self._new:
            await session.exec(delete(Miss).where(col(Miss.missed_at) <= self._now - AN_HOUR))
            session.add_all(Miss(counted_for=each, missed_at=self._now) for each in self._new)
            await session.flush()


async def read_misses(session: AsyncSession, senders: Iterable[Sender]) -> Misses:
    now, counted = utc_now(), frozenset[bytes]().union(*senders)
    missed: dict[bytes, list[datetime]] = {}
    if counted:
        lately = select(Miss).where(col(Miss.counted_for).in_(counted), col(Miss.missed_at) > now - AN_HOUR)
        for miss in await session.exec(lately):
            missed.setdefault(miss.counted_for, []).append(miss.missed_at)
    return Misses(missed, now)
