"""Introductions whose time is over."""

from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions.pairs import facts_of, party_of, set_status
from services.matching.organisations.people import people_of
from services.matching.tables import Answer, Introduction, Organisation
from shared.contracts.matching import IntroductionExpired, IntroductionParty
from shared.fields import utc_now
from shared.messaging.outbox import tell


def _overdue() -> tuple[Any, Any, Any]:
    """Nobody's time runs while nobody was asked."""
    open_ones = col(Introduction.status).in_(("requested", "declined"))
    return open_ones, col(Introduction.expires_at) <= utc_now(), ~col(Introduction.nobody_to_ask)


async def any_overdue(session: AsyncSession) -> bool:
    return (await session.exec(select(Introduction.id).where(*_overdue()).limit(1))).first() is not None


async def expire(session: AsyncSession, most: int = 50) -> bool:
    """Ends introductions whose time is over, the declined ones in the same words; True when there may be more.

    Only who said yes is told; the other side did not answer, or not so that anybody learns of it.
    """
    due = select(Introduction).where(*_overdue()).limit(most)
    # Takes the introduction's row alone and leaves what an answer holds for later.
    found = (await session.exec(due.with_for_update(skip_locked=True))).all()
    for introduction in found:
        await _end(session, introduction)
    return len(found) == most


async def _end(session: AsyncSession, introduction: Introduction) -> None:
    set_status(session, introduction, "expired")
    first = introduction.asked_by
    second = introduction.high_id if first == introduction.low_id else introduction.low_id
    asks, asked = await _end_side(session, first, second), await _end_side(session, second, first)
    tell(session, IntroductionExpired(**facts_of(introduction, asks, asked)))


async def _end_side(session: AsyncSession, organisation_id: UUID, other_id: UUID) -> IntroductionParty:
    """Its yes is over; only with one it is told, and by its contacts here."""
    organisation = await session.get_one(Organisation, organisation_id)
    lapsed = await session.get(Answer, (organisation_id, other_id))
    if lapsed is None or lapsed.answer != "yes":
        return party_of(organisation, ())
    await session.delete(lapsed)
    return party_of(organisation, await people_of(session, organisation))
