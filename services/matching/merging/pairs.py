"""What two organisations that become one have answered others and been answered, and the introductions they have."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions.pairs import OPEN, Pair, complete, request, set_status, settle_proposal
from services.matching.tables import Answer, Introduction, Organisation, Outcome

Said = Answer | Outcome
Words = TypeVar("Words", Answer, Outcome)

# The further an introduction has come, the more it counts.
_COMES_FIRST = {"completed": 0, "requested": 1}
_THE_REST = 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """What follows from the one merged, and what is dropped. `others` are those whom both were in touch with."""

    answers: Sequence[Answer]
    outcomes: Sequence[Outcome]
    dropped: Sequence[Said]
    introductions: Sequence[Introduction]
    dropped_introductions: Sequence[Introduction]
    others: Set[UUID]


async def plan(session: AsyncSession, merged: UUID, into: UUID) -> Pairs:
    """Of two answers or outcomes the survivor's own holds, of two introductions the one that came further; none with
    oneself."""
    answers, dropped_answers, answered = await _plan_said(session, Answer, merged, into)
    outcomes, dropped_outcomes, _ = await _plan_said(session, Outcome, merged, into)
    found, dropped, introduced = await _plan_introductions(session, merged, into)
    return Pairs(answers, outcomes, [*dropped_answers, *dropped_outcomes], found, dropped, answered | introduced)


async def _plan_said(
    session: AsyncSession, kind: type[Words], merged: UUID, into: UUID
) -> tuple[list[Words], list[Words], set[UUID]]:
    either = (merged, into)
    involved = or_(col(kind.organisation_id).in_(either), col(kind.other_id).in_(either))
    found = list(await session.exec(select(kind).where(involved)))
    there = {(each.organisation_id, each.other_id) for each in found}
    follow: list[Words] = []
    dropped: list[Words] = []
    both = set[UUID]()
    for each in found:
        pair = (each.organisation_id, each.other_id)
        if merged not in pair:
            continue
        new = tuple(into if side == merged else side for side in pair)
        other = next((side for side in new if side != into), None)
        if other is not None and {(into, other), (other, into)} & there:
            both.add(other)
        (dropped if other is None or new in there else follow).append(each)
    return follow, dropped, both


async def _plan_introductions(
    session: AsyncSession, merged: UUID, into: UUID
) -> tuple[list[Introduction], list[Introduction], set[UUID]]:
    own, its = await _by_other(session, into), await _by_other(session, merged)
    follow: list[Introduction] = []
    dropped: list[Introduction] = []
    both = set[UUID]()
    for other, each in its.items():
        if other == into:
            dropped.append(each)
        elif other not in own:
            follow.append(each)
        else:
            both.add(other)
            further = _rank(each) < _rank(own[other])
            follow += [each] if further else []
            dropped.append(own[other] if further else each)
    return follow, dropped, both


def _rank(introduction: Introduction) -> int:
    return _COMES_FIRST.get(introduction.status, _THE_REST)


async def _by_other(session: AsyncSession, organisation_id: UUID) -> dict[UUID, Introduction]:
    """Locked, because `expiry.expire` takes no other lock."""
    party = or_(Introduction.low_id == organisation_id, Introduction.high_id == organisation_id)
    statement = select(Introduction).where(party).order_by(col(Introduction.id)).with_for_update()
    found = await session.exec(statement.execution_options(populate_existing=True))
    return {each.high_id if each.low_id == organisation_id else each.low_id: each for each in found}


async def carry_out(session: AsyncSession, pairs: Pairs, merged: UUID, into: UUID) -> None:
    """Re-points what follows; where both had to do with somebody, the introduction says what both sides answer now."""
    for each in (*pairs.dropped, *pairs.dropped_introductions, *pairs.answers, *pairs.outcomes):
        await session.delete(each)
    # A place must be free before it is taken.
    await session.flush()
    for said in (*pairs.answers, *pairs.outcomes):
        pair = {name: into for name in ("organisation_id", "other_id") if getattr(said, name) == merged}
        session.add(type(said)(**(said.model_dump() | pair)))
    for introduction in pairs.introductions:
        other = introduction.high_id if introduction.low_id == merged else introduction.low_id
        introduction.low_id, introduction.high_id = sorted((into, other))
        introduction.asked_by = into if introduction.asked_by == merged else introduction.asked_by
        introduction.version += 1
        session.add(introduction)
    await session.flush()
    for other in sorted(pairs.others):
        await _settle(session, into, other)


async def _settle(session: AsyncSession, organisation_id: UUID, other_id: UUID) -> None:
    """Has an open introduction say what both sides answer, after answers to two came together.

    The merge holds the organisation's row, without which nobody answers here.
    """
    low, high = sorted((organisation_id, other_id))
    found = await session.exec(select(Introduction).where(Introduction.low_id == low, Introduction.high_id == high))
    introduction = found.first()
    if introduction is None or introduction.status not in OPEN:
        return
    sides = {each: await session.get_one(Organisation, each) for each in (low, high)}
    said = {low: await session.get(Answer, (low, high)), high: await session.get(Answer, (high, low))}
    if introduction.proposed_at is not None:
        await settle_proposal(session, Pair(sides[low], sides[high], said[low], said[high], introduction))
    else:
        await _settle_asked(session, introduction, sides, said)


async def _settle_asked(
    session: AsyncSession,
    introduction: Introduction,
    sides: Mapping[UUID, Organisation],
    said: Mapping[UUID, Answer | None],
) -> None:
    yes = {side: answer for side, answer in said.items() if answer is not None and answer.answer == "yes"}
    if not yes:
        set_status(session, introduction, "withdrawn")
        return
    asks = introduction.asked_by if introduction.asked_by in yes else next(iter(yes))
    (asked,) = set(sides) - {asks}
    introduction.asked_by = asks
    if len(yes) == 2:
        await complete(session, introduction, Pair(sides[asked], sides[asks], yes[asked], yes[asks], introduction))
    elif said[asked] is not None:
        set_status(session, introduction, "declined")
    else:
        await request(session, introduction, sides[asks], sides[asked], yes[asks])
