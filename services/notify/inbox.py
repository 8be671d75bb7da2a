"""A contact's inbox: listed newest first, read, archived, followed live."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, update
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.tables import Contact, Event, Notification
from shared.fields import utc_now
from shared.problems import NotFound

# Commits overtake each other: what is this young may still be joined by something older.
SETTLED_AFTER = timedelta(seconds=10)
_BEFORE_ALL = UUID(int=0)

# A notification, and when its event is over: that long its link holds.
Row = tuple[Notification, datetime | None]


async def list_notifications(
    session: AsyncSession,
    contact: Contact | None,
    *,
    archived: bool = False,
    unread: bool = False,
    before: tuple[datetime, UUID] | None = None,
    most: int = 20,
) -> list[Row]:
    if contact is None:
        return []
    statement = (
        select(Notification, Event.ends_at)
        .outerjoin(Event, col(Event.id) == Notification.event_id)
        .where(Notification.contact_id == contact.id, col(Notification.in_inbox))
    )
    archive = col(Notification.archived_at)
    statement = statement.where(archive.is_not(None) if archived else archive.is_(None))
    if unread:
        statement = statement.where(col(Notification.read_at).is_(None))
    if before is not None:
        at, identity = before
        older = (col(Notification.created_at) == at) & (col(Notification.id) < identity)
        statement = statement.where((col(Notification.created_at) < at) | older)
    newest_first = (col(Notification.created_at).desc(), col(Notification.id).desc())
    return [(row[0], row[1]) for row in await session.exec(statement.order_by(*newest_first).limit(most))]


async def count_unread(session: AsyncSession, contact: Contact | None) -> int:
    if contact is None:
        return 0
    statement = select(func.count()).where(
        col(Notification.contact_id) == contact.id,
        col(Notification.in_inbox),
        col(Notification.read_at).is_(None),
        col(Notification.archived_at).is_(None),
    )
    return (await session.exec(statement)).one()


async def mark_read(session: AsyncSession, contact: Contact | None, notification_id: UUID) -> Row:
    """Read once is read; the first time stays. Raises NotFound for what is in somebody else's inbox."""
    notification, ends_at = await _own(session, contact, notification_id)
    notification.read_at = notification.read_at or utc_now()
    session.add(notification)
    return notification, ends_at


async def archive(session: AsyncSession, contact: Contact | None, notification_id: UUID) -> Row:
    """Out of the list, and read."""
    notification, ends_at = await mark_read(session, contact, notification_id)
    notification.archived_at = notification.archived_at or utc_now()
    return notification, ends_at


async def mark_all_read(session: AsyncSession, contact: Contact | None) -> int:
    """How many were unread."""
    if contact is None:
        return 0
    statement = (
        update(Notification)
        .where(
            col(Notification.contact_id) == contact.id,
            col(Notification.in_inbox),
            col(Notification.read_at).is_(None),
        )
        .values(read_at=utc_now())
    )
    done: CursorResult[tuple[()]] = await (await session.connection()).execute(statement)
    return done.rowcount


async def _own(session: AsyncSession, contact: Contact | None, notification_id: UUID) -> Row:
    statement = (
        select(Notification, Event.ends_at)
        .outerjoin(Event, col(Event.id) == Notification.event_id)
        .where(
            Notification.id == notification_id,
            Notification.contact_id == (contact.id if contact else None),
            col(Notification.in_inbox),
        )
    )
    found = (await session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such notification in your inbox.")
    return found[0], found[1]


class Follower:
    """What one live stream has shown, a page at a time. It looks back a little each time, and shows nothing twice."""

    def __init__(self, contact_id: UUID, since: datetime) -> None:
        self.contact_id = contact_id
        # More was there than one look gives: the next one is due at once.
        self.is_behind = False
        self._place = (since, _BEFORE_ALL)
        self._shown: dict[UUID, datetime] = {}

    @classmethod
    async def after(cls, session: AsyncSession, contact_id: UUID, last_seen: UUID | None) -> "Follower":
        """Goes on after the notification last seen; without one that is in this inbox, with what comes from now on.

        What came within the last seconds before it may be shown again: ids tell.
        """
        seen = await session.get(Notification, last_seen) if last_seen else None
        if seen is None or seen.contact_id != contact_id:
            follower = cls(contact_id, utc_now() - SETTLED_AFTER)
            await follower.look(session)
            while follower.is_behind:
                await follower.look(session)
            return follower
        follower = cls(contact_id, seen.created_at - SETTLED_AFTER)
        follower._shown[seen.id] = seen.created_at
        return follower

    async def look(self, session: AsyncSession, most: int = 100) -> Sequence[Row]:
        """What is new, oldest first; all of it, once `is_behind` is false."""
        began = utc_now()
        page = await self._page(session, most)
        new = [row for row in page if row[0].id not in self._shown]
        self._shown.update((notification.id, notification.created_at) for notification, _ in new)
        self.is_behind = len(page) == most
        if self.is_behind:
            last = page[-1][0]
            self._place = (last.created_at, last.id)
        else:
            self._settle(began - SETTLED_AFTER)
        return new

    async def _page(self, session: AsyncSession, most: int) -> list[Row]:
        at, identity = self._place
        made, id_ = col(Notification.created_at), col(Notification.id)
        statement = (
            select(Notification, Event.ends_at)
            .outerjoin(Event, col(Event.id) == Notification.event_id)
            .where(
                Notification.contact_id == self.contact_id,
                col(Notification.in_inbox),
                (made > at) | ((made == at) & (id_ > identity)),
            )
            .order_by(made, id_)
            .limit(most)
        )
        return [(row[0], row[1]) for row in await session.exec(statement)]

    def _settle(self, at: datetime) -> None:
        """Also back, where the clock was set back: else nothing would be new until it is as late again."""
        self._place = (at, _BEFORE_ALL)
        self._shown = {identity: made for identity, made in self._shown.items() if made > at}
