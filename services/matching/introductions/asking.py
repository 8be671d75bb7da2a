"""A yes to an organisation that nobody could be asked for: as soon as somebody is known there, that person is asked."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Text, case, cast, exists
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions.pairs import facts_of, lock_pair, party_of, set_status
from services.matching.organisations.cases import close_cases
from services.matching.organisations.people import people_of
from services.matching.tables import Claim, Introduction, Member, Organisation
from shared.contracts.matching import IntroductionRequested
from shared.fields import utc_now
from shared.messaging.outbox import tell


def _askable() -> Any:
    asked = case(
        (col(Introduction.asked_by) == col(Introduction.low_id), col(Introduction.high_id)),
        else_=col(Introduction.low_id),
    )
    member = exists().where(col(Member.organisation_id) == asked)
    holder = exists().where(col(Claim.organisation_id) == asked, col(Claim.mailed_at).is_not(None))
    named = exists().where(col(Organisation.id) == asked, cast(col(Organisation.contacts), Text) != "[]")
    waiting = select(Introduction).where(col(Introduction.nobody_to_ask), Introduction.status == "requested")
    return waiting.where(or_(member, holder, named)).order_by(col(Introduction.id))


async def any_askable(session: AsyncSession) -> bool:
    return (await session.exec(_askable().limit(1))).first() is not None


async def ask(session: AsyncSession, days: int) -> bool:
    """Asks at one; its time to answer begins now. True when there may be more."""
    found = (await session.exec(_askable().limit(1))).first()
    if found is None:
        return False
    pair = await lock_pair(session, found.asked_by, found.high_id if found.asked_by == found.low_id else found.low_id)
    introduction = pair.introduction
    people = await people_of(session, pair.other)
    if introduction is None or not introduction.nobody_to_ask or introduction.status != "requested" or not people:
        return False
    introduction.nobody_to_ask, introduction.told_at = False, utc_now()
    introduction.expires_at = utc_now() + timedelta(days=days)
    set_status(session, introduction, "requested")
    await close_cases(session, "nobody_to_ask", pair.other.id, "asked")
    message = pair.my_answer.message if pair.my_answer is not None else None
    asking, is_asked = party_of(pair.mine, (), message), party_of(pair.other, people)
    tell(session, IntroductionRequested(**facts_of(introduction, asking, is_asked)))
    return True
