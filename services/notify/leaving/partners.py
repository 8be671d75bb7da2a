"""Letters about new partners of which one was erased: they go on without it, or go when it was the only one."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Text, cast
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.letters.notifications import language_of
from services.notify.letters.wording import inbox_line
from services.notify.tables import Delivery, Notification
from shared.contracts.matching import SuggestionsFound


async def take_out(session: AsyncSession, organisation_id: UUID) -> int:
    """How many letters named it. All of that topic are read through: organisations are rarely erased."""
    named = cast(col(Notification.facts), Text).contains(str(organisation_id))
    found = (await session.exec(select(Notification).where(Notification.topic == "suggestions_found", named))).all()
    empty = [each for each in found if not _rewritten(each, organisation_id)]
    for each in empty:
        await session.exec(delete(Delivery).where(col(Delivery.notification_id) == each.id))
        await session.delete(each)
    return len(found)


def _rewritten(letter: Notification, organisation_id: UUID) -> bool:
    """Whether anybody is left in it."""
    left = [each for each in letter.facts["partners"] if each["id"] != str(organisation_id)]
    if left:
        letter.facts = {**letter.facts, "partners": left}
        line = inbox_line("suggestions_found", language_of(letter.language), letter.facts, None)
        letter.subject, letter.text = line.subject, line.text
    return bool(left)


def without(told: SuggestionsFound, gone: Collection[UUID]) -> SuggestionsFound:
    """The message as if those erased since had not been found."""
    return told.model_copy(
        update={"partners": tuple(each for each in told.partners if each.organisation_id not in gone)}
    )
