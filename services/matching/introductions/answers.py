"""Answers to suggestions: a yes asks the other side or completes the introduction, a no ends it without telling."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions import partnerships
from services.matching.introductions.pairs import (
    AnswerKind,
    Pair,
    complete,
    kept_texts,
    lock_pair,
    new_introduction,
    request,
    set_status,
    settle_proposal,
)
from services.matching.organisations.sight import NoOrganisation
from services.matching.tables import Answer, Introduction
from shared.fields import Language, utc_now
from shared.problems import WrongStatus


async def answer(
    session: AsyncSession,
    organisation_id: UUID,
    other_id: UUID,
    answer: AnswerKind,
    *,
    message: str | None = None,
    explanation: dict[Language, str] | None = None,
    days: int,
) -> Pair:
    """Records what an organisation answers. Its yes opens an introduction, the other's yes completes it.

    `explanation` says to both why they should meet; `days` is how long the other side may take. The same answer again
    changes nothing but the message.
    """
    pair = await lock_pair(session, organisation_id, other_id)
    if not pair.other.published and not pair.asked_us and pair.my_answer is None:
        raise NoOrganisation()
    before = pair.my_answer.answer if pair.my_answer is not None else None
    written = pair.my_answer or Answer(organisation_id=pair.mine.id, other_id=pair.other.id, answer=answer)
    written.answer, written.message, written.answered_at = answer, message, utc_now()
    session.add(written)
    pair = replace(pair, my_answer=written)
    introduction: Introduction | None
    if pair.is_proposal:
        introduction = await settle_proposal(session, pair)
    elif answer == "yes":
        introduction = await _say_yes(session, pair, written, explanation, utc_now() + timedelta(days=days))
    else:
        introduction = _say_no(session, pair)
    if "already_partners" in (before, answer):
        await partnerships.keep_counts(session, pair.mine, pair.other)
    return replace(pair, introduction=introduction)


async def take_back(session: AsyncSession, organisation_id: UUID, other_id: UUID) -> None:
    """Forgets an answer. A yes that completed an introduction stays: both have the other's contacts."""
    pair = await lock_pair(session, organisation_id, other_id)
    if pair.my_answer is None:
        return
    if pair.my_answer.answer == "yes" and pair.introduction is not None and pair.introduction.status == "completed":
        raise WrongStatus("You have been put in touch; that cannot be taken back.")
    await session.delete(pair.my_answer)
    if pair.my_answer.answer == "already_partners":
        await partnerships.keep_counts(session, pair.mine, pair.other)
    introduction = pair.introduction
    if introduction is None or not pair.is_open:
        return
    if pair.is_proposal:
        await settle_proposal(session, replace(pair, my_answer=None))
    elif introduction.asked_by == pair.mine.id:
        set_status(session, introduction, "withdrawn")
    elif pair.other_answer is not None and pair.other_answer.answer == "yes":
        await request(session, introduction, pair.other, pair.mine, pair.other_answer)


async def _say_yes(
    session: AsyncSession, pair: Pair, mine: Answer, explanation: dict[Language, str] | None, until: datetime
) -> Introduction:
    there = pair.introduction
    if there is not None and (there.status == "completed" or (pair.is_open and there.asked_by == pair.mine.id)):
        return there
    if there is not None and pair.is_open:
        return await complete(session, there, pair)
    introduction = pair.introduction or new_introduction(pair, until)
    introduction.proposed_at = introduction.proposal_message = introduction.first_told_at = None
    if introduction.asked_by != pair.mine.id or introduction.expires_at <= utc_now():
        introduction.told_at, introduction.expires_at = None, until
    introduction.asked_by, introduction.requested_at = pair.mine.id, utc_now()
    introduction.explanation = kept_texts(explanation)
    if pair.other_answer is not None and pair.other_answer.answer != "yes":
        # The other side has said that this is not for it: it is not told, and we are not told that.
        set_status(session, introduction, "declined")
        return introduction
    await request(session, introduction, pair.mine, pair.other, mine)
    return introduction


def _say_no(session: AsyncSession, pair: Pair) -> Introduction | None:
    introduction = pair.introduction
    if introduction is not None and pair.is_open:
        set_status(session, introduction, "withdrawn" if introduction.asked_by == pair.mine.id else "declined")
    return introduction
