"""What became of introductions: each party says so for itself, and the other side is never told."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions import partnerships
from services.matching.introductions.pairs import facts_of, lock_pair, party_of
from services.matching.organisations.people import people_of
from services.matching.organisations.sight import Sight
from services.matching.tables import Introduction, Organisation, Outcome
from shared.contracts.matching import IntroductionOutcomeWanted
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.problems import Invalid, WrongStatus

OutcomeKind = Literal["met", "working_together", "no_fit"]


def side_of(sight: Sight, introduction: Introduction, organisation_id: UUID | None) -> tuple[UUID, UUID]:
    """The side the caller acts for, and the other one. `organisation_id` says which, if it could be either."""
    sides = (introduction.low_id, introduction.high_id)
    own = [each for each in sides if each in sight.own and organisation_id in (None, each)]
    if not own and organisation_id is not None:
        raise Invalid.field("/organisation", "not a side of this introduction that you act for")
    sight.caller.require(bool(own), may_see=True)
    if len(own) > 1:
        raise Invalid.field("/organisation", "you act for both sides; say for which one")
    return (own[0], sides[1] if own[0] == sides[0] else sides[0])


async def record(session: AsyncSession, organisation_id: UUID, other_id: UUID, outcome: OutcomeKind) -> None:
    """What one side says became of it. A later one takes the place of the one before."""
    pair = await lock_pair(session, organisation_id, other_id)
    if pair.introduction is None or pair.introduction.status != "completed":
        raise WrongStatus("What became of it can be said once both sides have said yes.")
    said = await session.get(Outcome, (pair.mine.id, pair.other.id))
    before = said.outcome if said is not None else None
    said = said or Outcome(organisation_id=pair.mine.id, other_id=pair.other.id, outcome=outcome)
    said.outcome, said.recorded_at = outcome, utc_now()
    session.add(said)
    if "working_together" in (before, outcome):
        await partnerships.keep_counts(session, pair.mine, pair.other)


def _due(days: int) -> tuple[Any, ...]:
    long_ago = utc_now() - timedelta(days=days)
    return col(Introduction.outcome_wanted_at).is_(None), col(Introduction.completed_at) <= long_ago


async def any_due(session: AsyncSession, days: int) -> bool:
    return (await session.exec(select(Introduction.id).where(*_due(days)).limit(1))).first() is not None


async def ask(session: AsyncSession, days: int, most: int = 50) -> bool:
    """Asks the parties what became of introductions completed so many days ago; True when there may be more."""
    due = select(Introduction).where(*_due(days)).limit(most)
    # Takes the introduction's row alone, as `record` does after its pair's: whoever says it first is not asked.
    found = (await session.exec(due.with_for_update(skip_locked=True))).all()
    for introduction in found:
        await _ask(session, introduction)
    return len(found) == most


async def _ask(session: AsyncSession, introduction: Introduction) -> None:
    """Each party that has not said it, once; a message names whom to write to there."""
    introduction.outcome_wanted_at = utc_now()
    introduction.version += 1
    session.add(introduction)
    first = introduction.asked_by
    second = introduction.high_id if first == introduction.low_id else introduction.low_id
    parties = []
    for mine, other in ((first, second), (second, first)):
        organisation = await session.get_one(Organisation, mine)
        asked = await session.get(Outcome, (mine, other)) is None
        parties.append(party_of(organisation, await people_of(session, organisation) if asked else ()))
    if any(party.contacts for party in parties):
        tell(session, IntroductionOutcomeWanted(**facts_of(introduction, *parties)))
