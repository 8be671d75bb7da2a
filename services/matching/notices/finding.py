"""Finding those for whom a new profile is a strong partner: a few profiles at a time, scored in a worker thread."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.index.current import CurrentIndex
from services.matching.index.documents import profile_of
from services.matching.organisations import new_profiles
from services.matching.similarity import Index, Profile, Wanted
from services.matching.suggestions.suggestions import STRONG
from services.matching.tables import Answer, FoundSuggestion, Introduction, Organisation
from shared.database import Database, insert_for
from shared.fields import utc_now

AT_A_TIME = 20
# The organisations that fit best from the new one's side; who comes after these does not fit strongly from its own.
MOST_ASKED = 50


@dataclass(frozen=True, slots=True)
class Found:
    """An organisation, and the new one that is a strong partner for it."""

    organisation_id: UUID
    other_id: UUID
    score: float


async def find_some(database: Database, current: CurrentIndex, after: timedelta) -> bool:
    """Looks for partners of the profiles that are new for longer than `after`; True when there are more.

    Nothing is written before the last transaction: whoever dies has done nothing, and two at once find the same.
    """
    async with database.reading() as session:
        queued = [(each.organisation_id, each.queued_at) for each in await new_profiles.due(session, after, AT_A_TIME)]
        profiles = await _profiles(session, [organisation_id for organisation_id, _ in queued])
        tellable = await _tellable(session) if profiles else frozenset()
        apart = {each.id: await apart_from(session, each.id) for each in profiles}
    if not queued:
        return False
    found: list[Found] = []
    if tellable:
        found = await asyncio.to_thread(_find, await current.now(), profiles, tellable, apart)
    async with database.transaction() as session:
        await _write(session, found)
        await new_profiles.looked_at(session, queued)
    return len(queued) == AT_A_TIME


async def _profiles(session: AsyncSession, ids: Sequence[UUID]) -> list[Profile]:
    """Those that are published still."""
    chosen = select(Organisation).where(col(Organisation.id).in_(ids), col(Organisation.published))
    return [profile_of(each) for each in await session.exec(chosen)]


async def _tellable(session: AsyncSession) -> frozenset[UUID]:
    """Who may be told at all: others see them, and their own people have taken them over."""
    chosen = select(Organisation.id).where(col(Organisation.published), col(Organisation.claimed))
    return frozenset(await session.exec(chosen))


async def apart_from(session: AsyncSession, organisation_id: UUID) -> frozenset[UUID]:
    """Who has answered it or been answered by it, or was introduced to it: neither is told of the other."""
    pairs: list[tuple[UUID, UUID]] = []
    for one, other in (
        (col(Answer.organisation_id), col(Answer.other_id)),
        (col(Introduction.low_id), col(Introduction.high_id)),
    ):
        either = or_(one == organisation_id, other == organisation_id)
        pairs += (await session.exec(select(one, other).where(either))).all()
    return frozenset(side for pair in pairs for side in pair) - {organisation_id}


def _find(
    index: Index, new: Sequence[Profile], tellable: frozenset[UUID], apart: Mapping[UUID, frozenset[UUID]]
) -> list[Found]:
    """Asked from the new one's side who may be concerned, and from theirs whether it is a strong partner."""
    concerned: dict[UUID, set[UUID]] = defaultdict(set)
    for profile in new:
        evidence = index.evidence(profile)
        asked = (tellable & evidence.keys()) - apart[profile.id]
        for each in nlargest(MOST_ASKED, asked, key=evidence.__getitem__):
            concerned[each].add(profile.id)
    return [
        Found(organisation_id, each.profile_id, each.score)
        for organisation_id, others in concerned.items()
        for each in index.suggest(organisation_id, Wanted(limit=len(others), among=frozenset(others)))
        if each.score >= STRONG
    ]


async def _write(session: AsyncSession, found: Sequence[Found]) -> None:
    """A pair found before stays as it is, told or not."""
    there = await _held(session, {side for each in found for side in (each.organisation_id, each.other_id)})
    now = utc_now()
    rows = [
        {"organisation_id": each.organisation_id, "other_id": each.other_id, "score": each.score, "found_at": now}
        for each in sorted(found, key=lambda each: (each.organisation_id, each.other_id))
        if {each.organisation_id, each.other_id} <= there
    ]
    if not rows:
        return
    connection = await session.connection()
    await connection.execute(insert_for(connection)(FoundSuggestion).on_conflict_do_nothing(), rows)


async def _held(session: AsyncSession, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those that have not been erased since they were read, and are not before this transaction ends."""
    held = select(Organisation.id).where(col(Organisation.id).in_(ids)).order_by(col(Organisation.id))
    return frozenset(await session.exec(held.with_for_update(read=True, key_share=True)))
