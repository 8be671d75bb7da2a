"""What two organisations that become one have answered others and been answered, and the introductions they have."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching import introductions
from services.matching.tables import Answer, Introduction

# The further an introduction has come, the more it counts.
_COMES_FIRST = {"completed": 0, "requested": 1}
_THE_REST = 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """What follows from the one merged, and what is dropped. `others` are those whom both were in touch with."""

    answers: Sequence[Answer]
    dropped_answers: Sequence[Answer]
    introductions: Sequence[Introduction]
    dropped_introductions: Sequence[Introduction]
    others: Set[UUID]


async def plan(session: AsyncSession, merged: UUID, into: UUID) -> Pairs:
    """Of two answers the survivor's own holds, of two introductions the one that came further; none with oneself."""
    answers, dropped_answers, answered = await _plan_answers(session, merged, into)
    found, dropped, introduced = await _plan_introductions(session, merged, into)
    return Pairs(answers, dropped_answers, found, dropped, answered | introduced)


async def _plan_answers(
    session: AsyncSession, merged: UUID, into: UUID
) -> tuple[list[Answer], list[Answer], set[UUID]]:
    either = (merged, into)
    involved = or_(col(Answer.organisation_id).in_(either), col(Answer.other_id).in_(either))
    found = list(await session.exec(select(Answer).where(involved)))
    there = {(each.organisation_id, each.other_id) for each in found}
    follow: list[Answer] = []
    dropped: list[Answer] = []
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
    """Locked, because `introductions.expire` takes no other lock."""
    party = or_(Introduction.low_id == organisation_id, Introduction.high_id == organisation_id)
    statement = select(Introduction).where(party).order_by(col(Introduction.id)).with_for_update()
    found = await session.exec(statement.execution_options(populate_existing=True))
    return {each.high_id if each.low_id == organisation_id else each.low_id: each for each in found}


async def carry_out(session: AsyncSession, pairs: Pairs, merged: UUID, into: UUID) -> None:
    """Re-points what follows; where both had to do with somebody, the introduction says what both sides answer now."""
    for each in (*pairs.dropped_answers, *pairs.dropped_introductions, *pairs.answers):
        await session.delete(each)
    # A place must be free before it is taken.
    await session.flush()
    for answer in pairs.answers:
        pair = {name: into for name in ("organisation_id", "other_id") if getattr(answer, name) == merged}
        session.add(Answer(**(answer.model_dump() | pair)))
    for introduction in pairs.introductions:
        other = introduction.high_id if introduction.low_id == merged else introduction.low_id
        introduction.low_id, introduction.high_id = sorted((into, other))
        introduction.asked_by = into if introduction.asked_by == merged else introduction.asked_by
        introduction.version += 1
        session.add(introduction)
    await session.flush()
    for other in sorted(pairs.others):
        await introductions.settle(session, into, other)
