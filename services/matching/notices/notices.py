"""Notices: an organisation is told of new strong partners, gathered, best first, and of each of them once ever."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, delete, func, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.matching.index.current import CurrentIndex
from services.matching.notices.finding import apart_from
from services.matching.organisations import new_profiles
from services.matching.organisations.people import people_of, texts_of_summary
from services.matching.organisations.profiles import lock
from services.matching.similarity import Suggestion, Wanted
from services.matching.suggestions import suggestions
from services.matching.suggestions.suggestions import LANGUAGES, STRONG, Asking
from services.matching.tables import FoundSuggestion, Notice, Organisation
from shared.contracts.matching import FoundPartner, SuggestionsFound
from shared.database import Database
from shared.fields import utc_now
from shared.messaging.outbox import tell

AT_A_TIME = 10
# Of more that were found for one organisation, the best are looked at again; the others count as told with them.
MOST_GATHERED = 100


@dataclass(frozen=True, slots=True)
class Rhythm:
    """At most one notice in so long, with at most so many partners, whose profiles are new for longer than `after`."""

    every: timedelta
    most: int
    after: timedelta


@dataclass(frozen=True, slots=True)
class Selection:
    """For one organisation: the partners to name, how many more there are, and all that this is the answer to."""

    organisation_id: UUID
    partners: tuple[FoundPartner, ...]
    more: int
    considered: frozenset[UUID]


async def tell_some(database: Database, current: CurrentIndex, rhythm: Rhythm) -> bool:
    """Tells a few organisations of what was found for them; True when there may be more to tell.

    While new profiles are still to be looked at, one waits for a better one, but not for longer than those waited.
    """
    async with database.reading() as session:
        settled = rhythm.after if await new_profiles.any_due(session, rhythm.after) else timedelta()
        due = (await session.exec(_due(rhythm.every, settled).limit(AT_A_TIME))).all()
    for organisation_id in due:
        selection = await _select(database, current, organisation_id, rhythm.most)
        async with database.transaction() as session:
            await _tell(session, selection, rhythm.every)
    return len(due) == AT_A_TIME


def _due(every: timedelta, settled: timedelta) -> SelectOfScalar[UUID]:
    """Organisations for which something was found, and that were not told anything lately."""
    now = utc_now()
    return (
        select(FoundSuggestion.organisation_id)
        .join(Organisation, col(Organisation.id) == FoundSuggestion.organisation_id)
        .outerjoin(Notice, col(Notice.organisation_id) == FoundSuggestion.organisation_id)
        .where(
            col(FoundSuggestion.told_at).is_(None),
            col(Organisation.published),
            col(Organisation.claimed),
            or_(col(Notice.told_at).is_(None), col(Notice.told_at) <= now - every),
        )
        .group_by(col(FoundSuggestion.organisation_id))
        .having(func.min(FoundSuggestion.found_at) <= now - settled)
        .order_by(func.min(FoundSuggestion.found_at))
    )


async def _select(database: Database, current: CurrentIndex, organisation_id: UUID, most: int) -> Selection:
    """Scored anew: since they were found, profiles have changed and answers were given."""
    async with database.reading() as session:
        organisation = await session.get_one(Organisation, organisation_id)
        apart = await apart_from(session, organisation_id)
        considered = await _considered(session, organisation_id)
    index = await current.now()
    found = await asyncio.to_thread(
        index.suggest, organisation_id, Wanted(limit=MOST_GATHERED, among=considered, without=apart)
    )
    strong = [each for each in found if each.score >= STRONG]
    async with database.reading() as session:
        partners = await _worded(session, organisation, strong[:most])
    return Selection(organisation_id, partners, max(len(strong) - len(partners), 0), considered)


async def _considered(session: AsyncSession, organisation_id: UUID) -> frozenset[UUID]:
    untold = select(FoundSuggestion.other_id).where(
        FoundSuggestion.organisation_id == organisation_id, col(FoundSuggestion.told_at).is_(None)
    )
    return frozenset(await session.exec(untold))


async def _worded(
    session: AsyncSession, organisation: Organisation, found: Sequence[Suggestion]
) -> tuple[FoundPartner, ...]:
    """The partners as the organisation's own people see them, with the reason in both languages."""
    asking = Asking(organisation, members_parts=True, own_parts=True, among=None, without=frozenset(), answers={})
    words = {code: await suggestions.partners(session, asking, found, code) for code in LANGUAGES}
    explained = {code: {each.organisation.id: each.explanation for each in words[code]} for code in LANGUAGES}
    return tuple(
        FoundPartner(
            organisation_id=each.organisation.id,
            name=each.organisation.name,
            summary=texts_of_summary(each.organisation),
            explanation={code: explained[code][each.organisation.id] for code in LANGUAGES},
        )
        for each in words["da"]
    )


async def _still_partners(
    session: AsyncSession, organisation_id: UUID, partners: Sequence[FoundPartner]
) -> list[FoundPartner]:
    """Without those answered, introduced or gone since they were read."""
    apart = await apart_from(session, organisation_id)
    seen = await suggestions.published(session, [each.organisation_id for each in partners])
    return [each for each in partners if each.organisation_id in seen.keys() - apart]


async def _tell(session: AsyncSession, selection: Selection, every: timedelta) -> None:
    """Under the organisation's lock: of two replicas that gathered for it the second finds it told."""
    organisation = await lock(session, selection.organisation_id)
    notice = await session.get(Notice, organisation.id, populate_existing=True)
    merged = organisation.id != selection.organisation_id
    if merged or (notice is not None and notice.told_at > utc_now() - every):
        return
    partners = await _still_partners(session, organisation.id, selection.partners)
    people = await people_of(session, organisation)
    mine = col(FoundSuggestion.organisation_id) == organisation.id
    answered = mine & col(FoundSuggestion.other_id).in_(selection.considered)
    if not (partners and people and organisation.published and organisation.claimed):
        # Nobody was told, so the pair may be found again.
        await session.exec(delete(FoundSuggestion).where(answered))
        return
    now = utc_now()
    await session.merge(Notice(organisation_id=organisation.id, told_at=now))
    await session.exec(update(FoundSuggestion).where(answered).values(told_at=now))
    message = SuggestionsFound(
        organisation_id=organisation.id,
        version=organisation.version,
        name=organisation.name,
        link_version=organisation.link_version,
        contacts=tuple(people),
        partners=tuple(partners),
        more=selection.more,
        at=now,
    )
    tell(session, message)
