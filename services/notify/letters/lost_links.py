"""`I lost the mail`: the links of whoever owns an address, by mail to that address and never to the caller."""

from collections import deque
from dataclasses import dataclass
from uuid import UUID

import sqlmodel
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.contacts import Person, find
from services.notify.letters.letter import Letter, Opens
from services.notify.letters.limits import may_mail_links
from services.notify.letters.notifications import write_letters
from services.notify.tables import Event, is_event
from shared.database import Database, uuid7
from shared.messaging.pulse import Pulse
from shared.problems import Unavailable

MOST_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class Lost:
    """Somebody asked for the links of an address, of one event alone when it is named (id or slug)."""

    email: str
    event: str | None = None


class LostLinks:
    """Who asked for links and was answered. They are written by a job: an answer that waited for it would tell, by its
    time, whether the address is known. Who is not written to, because the process ended, asks again."""

    def __init__(self, database: Database, pulse: Pulse) -> None:
        self._database, self._pulse, self._asked = database, pulse, deque[Lost]()

    def ask(self, lost: Lost) -> None:
        """Raises Unavailable when too many wait."""
        if len(self._asked) >= MOST_WAITING:
            raise Unavailable()
        self._asked.append(lost)
        self._pulse.beat()

    async def write_one(self) -> bool:
        """Writes the first that waits; True while more do."""
        if self._asked:
            lost = self._asked.popleft()
            async with self._database.transaction() as session:
                await mail_links(session, lost.email, lost.event)
        return bool(self._asked)


async def mail_links(session: AsyncSession, email: str, event: str | None) -> None:
    """Mails the links of registrations, profiles and inbox; those of one event alone when it is named (id or slug).

    Does nothing for an address nobody has, nor more than a few times an hour.
    """
    contact = await find(session, email)
    event_id = await _event_id(session, event)
    if contact is None or (event is not None and event_id is None):
        return
    if await may_mail_links(session, contact.id):
        letter = Letter(
            "links",
            Person(contact.email, contact.name),
            {"name": contact.name},
            event_id=event_id,
            opens=Opens("contact", contact.id, contact.link_version),
        )
        await write_letters(session, uuid7(), [letter])


async def _event_id(session: AsyncSession, event: str | None) -> UUID | None:
    if event is None:
        return None
    return (await session.exec(sqlmodel.select(col(Event.id)).where(is_event(event)))).one_or_none()
