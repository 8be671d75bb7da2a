"""Two organisations and the introduction between them, which two times yes completes.

One side asks the other by its yes; or the secretariat has proposed them to each other, and both are asked.

One lock for both: the rows of the two organisations, the lower id first. Without it two yes at once would each wait for
the other; with it the second one sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.cases import open_case
from services.matching.organisations.people import people_of, texts_of_summary
from services.matching.organisations.profiles import lock
from services.matching.organisations.sight import id_now
from services.matching.tables import Answer, Introduction, Organisation
from shared.contracts.matching import (
    IntroductionCompleted,
    IntroductionParty,
    IntroductionRequested,
    OrganisationContact,
    Proposal,
)
from shared.fields import Language, utc_now
from shared.messaging.outbox import tell
from shared.problems import Invalid

# One side waits for the other, told or not.
OPEN = ("requested", "declined")
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
        return self.introduction is not None and self.introduction.status in OPEN

    @property
    def is_proposal(self) -> bool:
        """Whether both wait for each other, because the secretariat has proposed it."""
        return self.introduction is not None and self.is_open and self.introduction.proposed_at is not None

    @property
    def asked_us(self) -> bool:
        """Whether the other side or the secretariat has asked, and we were told."""
        one = self.introduction
        by_others = self.is_proposal or (one is not None and self.is_open and one.asked_by == self.other.id)
        return one is not None and by_others and was_told(one, self.mine.id)

    @property
    def sides(self) -> list[tuple[Organisation, Answer | None]]:
        """Each with its answer, first who asked or was named first."""
        both = [(self.mine, self.my_answer), (self.other, self.other_answer)]
        asked_by = self.introduction.asked_by if self.introduction is not None else self.mine.id
        return sorted(both, key=lambda side: side[0].id != asked_by)


def was_told(introduction: Introduction, organisation_id: UUID) -> bool:
    """Whether a side that is asked has heard of it."""
    first = introduction.asked_by == organisation_id
    return (introduction.first_told_at if first else introduction.told_at) is not None


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


async def settle_proposal(session: AsyncSession, pair: Pair) -> Introduction:
    """How a proposal stands after an answer. Whoever has not answered is asked, once.

    A side that has said no is not asked, and nobody learns of it: neither the other side nor the secretariat.
    """
    introduction = pair.introduction
    assert introduction is not None
    said = [answer.answer if answer is not None else None for _, answer in pair.sides]
    if said == ["yes", "yes"]:
        return await complete(session, introduction, pair)
    set_status(session, introduction, "declined" if set(said) - {"yes", None} else "requested")
    willing = [one.id for one, answer in pair.sides if answer is None or answer.answer == "yes"]
    asked = {one.id for one, answer in pair.sides if answer is None and not was_told(introduction, one.id)}
    _mark_told(introduction, willing)
    if asked:
        parties = [party_of(one, await people_of(session, one) if one.id in asked else ()) for one, _ in pair.sides]
        tell(session, IntroductionRequested(**facts_of(introduction, *parties)))
    return introduction


def _mark_told(introduction: Introduction, sides: Sequence[UUID]) -> None:
    now = utc_now()
    for each in sides:
        if each == introduction.asked_by:
            introduction.first_told_at = introduction.first_told_at or now
        else:
            introduction.told_at = introduction.told_at or now


def new_introduction(pair: Pair, until: datetime) -> Introduction:
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


def set_status(session: AsyncSession, introduction: Introduction, status: str) -> None:
    introduction.status = status
    introduction.version += 1
    session.add(introduction)


async def request(
    session: AsyncSession, introduction: Introduction, asks: Organisation, asked: Organisation, answer: Answer
) -> None:
    """The asked side is told once, however often a yes is taken back and said again while it may still answer."""
    set_status(session, introduction, "requested")
    if introduction.told_at is not None:
        return
    people = await people_of(session, asked)
    introduction.told_at, introduction.nobody_to_ask = utc_now(), not people
    if not people:
        await open_case(session, "nobody_to_ask", asked.id)
        return
    asking, is_asked = party_of(asks, (), answer.message), party_of(asked, people)
    tell(session, IntroductionRequested(**facts_of(introduction, asking, is_asked)))


async def complete(session: AsyncSession, introduction: Introduction, pair: Pair) -> Introduction:
    introduction.completed_at, introduction.outcome_wanted_at = utc_now(), None
    introduction.nobody_to_ask = False
    set_status(session, introduction, "completed")
    parties = [
        party_of(organisation, await people_of(session, organisation), answer.message if answer else None)
        for organisation, answer in pair.sides
    ]
    tell(session, IntroductionCompleted(**facts_of(introduction, *parties)))
    return introduction


def kept_texts(texts: dict[Language, str] | None) -> dict[str, str] | None:
    return {str(code): text for code, text in (texts or {}).items()} or None


def facts_of(introduction: Introduction, asks: IntroductionParty, asked: IntroductionParty) -> dict[str, Any]:
    """What every message of an introduction tells."""
    proposed = introduction.proposed_at is not None
    return {
        "introduction_id": introduction.id,
        "version": introduction.version,
        "asked_by": introduction.asked_by,
        "parties": (asks, asked),
        "explanation": introduction.explanation,
        "proposal": Proposal(message=introduction.proposal_message) if proposed else None,
        "at": utc_now(),
    }


def party_of(
    organisation: Organisation, people: Sequence[OrganisationContact], message: str | None = None
) -> IntroductionParty:
    return IntroductionParty(
        organisation_id=organisation.id,
        name=organisation.name,
        summary=texts_of_summary(organisation),
        link_version=organisation.link_version,
        contacts=tuple(people),
        message=message,
    )
