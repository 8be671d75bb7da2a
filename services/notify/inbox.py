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
    """What one live stream has shown. It looks back a little each time, and shows nothing twice."""

    def __init__(self, contact_id: UUID, since: datetime) -> None:
        self.contact_id = contact_id
        self._settled = since
        self._shown: dict[UUID, datetime] = {}

    @classmethod
    async def after(cls, session: AsyncSession, contact_id: UUID, last_seen: UUID | None) -> "Follower":
        """Goes on after the notification last seen; without one, with what comes from now on.

        What came within the last seconds before it may be shown again: ids tell.
        """
        now = utc_now()
        seen = await session.get(Notification, last_seen) if last_seen else None
        if seen is None or seen.contact_id != contact_id:
            follower = cls(contact_id, now - SETTLED_AFTER)
            for notification, _ in await follower.look(session):
                follower._shown[notification.id] = notification.created_at
            return follower
        follower = cls(contact_id, seen.created_at - SETTLED_AFTER)
        follower._shown[seen.id] = seen.created_at
        return follower

    async def look(self, session: AsyncSession, most: int = 100) -> Sequence[Row]:
        """What is new, oldest first."""
        statement = (
            select(Notification, Event.ends_at)
            .outerjoin(Event, col(Event.id) == Notification.event_id)
            .where(
                Notification.contact_id == self.contact_id,
                col(Notification.in_inbox),
                Notification.created_at > self._settled,
                col(Notification.id).not_in(list(self._shown)),
            )
            .order_by(col(Notification.created_at), col(Notification.id))
            .limit(most)
        )
        new = [(row[0], row[1]) for row in await session.exec(statement)]
        self._shown.update((notification.id, notification.created_at) for notification, _ in new)
        if len(new) < most:
            self._settle(utc_now() - SETTLED_AFTER)
        return new

    def _settle(self, at: datetime) -> None:
        self._settled = max(self._settled, at)
        self._shown = {identity: made for identity, made in self._shown.items() if made > self._settled}
