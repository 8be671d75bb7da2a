"""How often a person may be mailed because somebody typed an address. Silent: nobody learns whose it is."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.letters.letter import Topic
from services.notify.tables import Notification
from shared.fields import utc_now

AN_HOUR = timedelta(hours=1)
LINKS_AN_HOUR, REMINDERS_AN_HOUR = 3, 3


async def may_mail_links(session: AsyncSession, contact_id: UUID) -> bool:
    return await _told_lately(session, contact_id, "links") < LINKS_AN_HOUR


async def may_remind(session: AsyncSession, contact_id: UUID) -> bool:
    return await _told_lately(session, contact_id, "registration_reminded") < REMINDERS_AN_HOUR


async def _told_lately(session: AsyncSession, contact_id: UUID, topic: Topic) -> int:
    statement = select(func.count()).where(
        col(Notification.contact_id) == contact_id,
        col(Notification.topic) == topic,
        col(Notification.created_at) > utc_now() - AN_HOUR,
    )
    return (await session.exec(statement)).one()
