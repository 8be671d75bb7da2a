"""Answers to suggestions, and the introductions that two times yes makes.

One lock for both: the rows of the two organisations, the lower id first. Without it two yes at once would each wait for
the other; with it the second one sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching import claims
from services.matching.profiles import lock
from services.matching.sight import NoOrganisation, id_now
from services.matching.tables import Answer, Introduction, Member, Organisation
from shared.contracts.matching import (
    IntroductionCompleted,
    IntroductionExpired,
    IntroductionParty,
    IntroductionRequested,
    OrganisationContact,
)
from shared.fields import Language, utc_now
from shared.messaging.outbox import tell
from shared.problems import Invalid, WrongStatus

AnswerKind = Literal["yes", "not_for_us", "already_partners"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two organisations, locked, with what each has answered and how their introduction stands."""

    mine: Organisation
    other: Organisation
    my_answer: Answer | None
    other_answer: Answer | None
    introduction: Introduction | None

    @property
    def is_open(self) -> bool:
        """Whether one side waits for the other, told or not."""
        return self.introduction is not None and self.introduction.status in ("requested", "declined")

    @property
    def asked_us(self) -> bool:
        """Whether the other side has asked, and we were told."""
        one = self.introduction
        return (
            one is not None and one.status == "requested" and one.asked_by == self.other.id and one.told_at is not None
        )


async def lock_pair(session: AsyncSession, organisation_id: UUID, other_id: UUID) -> Pair:
    organisation_id, other_id = await id_now(session, organisation_id), await id_now(session, other_id)
    if organisation_id == other_id:
        raise Invalid.field("{other}", "an organisation is no partner of itself")
    low, high = sorted((organisation_id, other_id))
    locked = {each: await lock(session, each) for each in (low, high)}
    if any(each != organisation.id for each, organisation in locked.items()):
        # Merged while we waited for the lock.
        return await lock_pair(session, locked[organisation_id].id, locked[other_id].id)
    # `expire` takes the introduction's row alone, so it is locked too, and the answers are read after it.
    mine = select(Introduction).where(Introduction.low_id == low, Introduction.high_id == high)
    introduction = (await session.exec(mine.with_for_update())).first()
    return Pair(
        mine=locked[organisation_id],
        other=locked[other_id],
        my_answer=await session.get(Answer, (organisation_id, other_id)),
        other_answer=await session.get(Answer, (other_id, organisation_id)),
        introduction=introduction,
    )


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
    written = pair.my_answer or Answer(organisation_id=pair.mine.id, other_id=pair.other.id, answer=answer)
    written.answer, written.message, written.answered_at = answer, message, utc_now()
    session.add(written)
    introduction = (
        await _say_yes(session, pair, written, explanation, utc_now() + timedelta(days=days))
        if answer == "yes"
        else _say_no(session, pair)
    )
    return Pair(pair.mine, pair.other, written, pair.other_answer, introduction)


async def take_back(session: AsyncSession, organisation_id: UUID, other_id: UUID) -> None:
    """Forgets an answer. A yes that completed an introduction stays: both have the other's contacts."""
    pair = await lock_pair(session, organisation_id, other_id)
    if pair.my_answer is None:
        return
    if pair.my_answer.answer == "yes" and pair.introduction is not None and pair.introduction.status == "completed":
        raise WrongStatus("You have been put in touch; that cannot be taken back.")
    await session.delete(pair.my_answer)
    introduction = pair.introduction
    if introduction is None or not pair.is_open:
        return
    if introduction.asked_by == pair.mine.id:
        _set(session, introduction, "withdrawn")
    elif pair.other_answer is not None and pair.other_answer.answer == "yes":
        await _request(session, introduction, pair.other, pair.mine, pair.other_answer)


async def _say_yes(
    session: AsyncSession, pair: Pair, mine: Answer, explanation: dict[Language, str] | None, until: datetime
) -> Introduction:
    there = pair.introduction
    if there is not None and (there.status == "completed" or (pair.is_open and there.asked_by == pair.mine.id)):
        return there
    if there is not None and pair.is_open:
        assert pair.other_answer is not None
        return await _complete(session, there, pair, mine, pair.other_answer)
    introduction = pair.introduction or _new_introduction(pair, until)
    if introduction.asked_by != pair.mine.id or introduction.expires_at <= utc_now():
        introduction.told_at, introduction.expires_at = None, until
    introduction.asked_by, introduction.requested_at = pair.mine.id, utc_now()
    introduction.explanation = {str(code): text for code, text in (explanation or {}).items()} or None
    if pair.other_answer is not None and pair.other_answer.answer != "yes":
        # The other side has said that this is not for it: it is not told, and we are not told that.
        _set(session, introduction, "declined")
        return introduction
    await _request(session, introduction, pair.mine, pair.other, mine)
    return introduction


def _say_no(session: AsyncSession, pair: Pair) -> Introduction | None:
    introduction = pair.introduction
    if introduction is not None and pair.is_open:
        _set(session, introduction, "withdrawn" if introduction.asked_by == pair.mine.id else "declined")
    return introduction


def _new_introduction(pair: Pair, until: datetime) -> Introduction:
    low, high = sorted((pair.mine.id, pair.other.id))
    return Introduction(
        version=0,
        low_id=low,
        high_id=high,
        asked_by=pair.mine.id,
        status="requested",
        requested_at=utc_now(),
        expires_at=until,
    )


def _set(session: AsyncSession, introduction: Introduction, status: str) -> None:
    introduction.status = status
    introduction.version += 1
    session.add(introduction)


async def _request(
    session: AsyncSession, introduction: Introduction, asks: Organisation, asked: Organisation, answer: Answer
) -> None:
    """The asked side is told once, however often a yes is taken back and said again while it may still answer."""
    _set(session, introduction, "requested")
    if introduction.told_at is not None:
        return
    introduction.told_at = utc_now()
    asking = _party(asks, (), answer.message)
    tell(session, IntroductionRequested(**_facts(introduction, asking, _party(asked, await people_of(session, asked)))))


async def _complete(
    session: AsyncSession, introduction: Introduction, pair: Pair, mine: Answer, theirs: Answer
) -> Introduction:
    introduction.completed_at = utc_now()
    _set(session, introduction, "completed")
    asked = _party(pair.mine, await people_of(session, pair.mine), mine.message)
    asks = _party(pair.other, await people_of(session, pair.other), theirs.message)
    tell(session, IntroductionCompleted(**_facts(introduction, asks, asked)))
    return introduction


async def settle(session: AsyncSession, organisation_id: UUID, other_id: UUID) -> None:
    """Has an open introduction say what both sides answer, after a merge brought together answers to two.

    The merge holds the organisation's row, without which nobody answers here.
    """
    low, high = sorted((organisation_id, other_id))
    found = await session.exec(select(Introduction).where(Introduction.low_id == low, Introduction.high_id == high))
    introduction = found.first()
    if introduction is None or introduction.status not in ("requested", "declined"):
        return
    said = {low: await session.get(Answer, (low, high)), high: await session.get(Answer, (high, low))}
    yes = {side: answer for side, answer in said.items() if answer is not None and answer.answer == "yes"}
    if not yes:
        _set(session, introduction, "withdrawn")
        return
    asks_id = introduction.asked_by if introduction.asked_by in yes else next(iter(yes))
    asked_id = high if asks_id == low else low
    introduction.asked_by = asks_id
    asks, asked = await session.get_one(Organisation, asks_id), await session.get_one(Organisation, asked_id)
    if len(yes) == 2:
        pair = Pair(asked, asks, yes[asked_id], yes[asks_id], introduction)
        await _complete(session, introduction, pair, yes[asked_id], yes[asks_id])
    elif said[asked_id] is not None:
        _set(session, introduction, "declined")
    else:
        await _request(session, introduction, asks, asked, yes[asks_id])


def _facts(introduction: Introduction, asks: IntroductionParty, asked: IntroductionParty) -> dict[str, Any]:
    return {
        "introduction_id": introduction.id,
        "version": introduction.version,
        "asked_by": introduction.asked_by,
        "parties": (asks, asked),
        "explanation": introduction.explanation,
        "at": utc_now(),
    }


def _party(
    organisation: Organisation, people: Sequence[OrganisationContact], message: str | None = None
) -> IntroductionParty:
    texts: dict[Language, str] = {}
    for code, text in (organisation.summary or {}).items():
        texts["en" if code == "en" else "da"] = text
    return IntroductionParty(
        organisation_id=organisation.id,
        name=organisation.name,
        summary=texts or None,
        link_version=organisation.link_version,
        contacts=tuple(people),
        message=message,
    )


async def people_of(session: AsyncSession, organisation: Organisation) -> list[OrganisationContact]:
    """Whom to write to: the contacts it names, else its members, else who was mailed its link."""
    if organisation.contacts:
        return [OrganisationContact.model_validate(each) for each in organisation.contacts]
    mine = select(Member).where(Member.organisation_id == organisation.id).order_by(col(Member.id))
    members = [_contact_of(member) for member in await session.exec(mine)]
    return members or await claims.link_holders(session, organisation.id)


def _contact_of(member: Member) -> OrganisationContact:
    return OrganisationContact(name=member.name, email=member.email, language="en" if member.language == "en" else "da")


def _overdue() -> tuple[Any, Any]:
    return col(Introduction.status).in_(("requested", "declined")), col(Introduction.expires_at) <= utc_now()


async def any_overdue(session: AsyncSession) -> bool:
    return (await session.exec(select(Introduction.id).where(*_overdue()).limit(1))).first() is not None


async def expire(session: AsyncSession, most: int = 50) -> bool:
    """Ends introductions whose time is over, the declined ones in the same words; True when there may be more.

    Only who asked is told; the other side did not answer, or not so that anybody learns of it.
    """
    due = select(Introduction).where(*_overdue()).limit(most)
    # Takes the introduction's row alone and leaves what an answer holds for later.
    found = (await session.exec(due.with_for_update(skip_locked=True))).all()
    for introduction in found:
        asks = await session.get_one(Organisation, introduction.asked_by)
        asked_id = introduction.high_id if introduction.asked_by == introduction.low_id else introduction.low_id
        asked = await session.get_one(Organisation, asked_id)
        lapsed = await session.get(Answer, (asks.id, asked.id))
        if lapsed is not None and lapsed.answer == "yes":
            await session.delete(lapsed)
        _set(session, introduction, "expired")
        asking = _party(asks, await people_of(session, asks))
        tell(session, IntroductionExpired(**_facts(introduction, asking, _party(asked, ()))))
    return len(found) == most
