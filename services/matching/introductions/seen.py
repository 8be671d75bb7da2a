"""Introductions as their parties and the secretariat see them.

Nobody sees what another side answered, or what it says became of it; but the secretariat sees the outcomes.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import and_, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions.outcomes import OutcomeKind
from services.matching.introductions.pairs import AnswerKind
from services.matching.organisations.people import people_of
from services.matching.organisations.sight import Sight, told_of
from services.matching.tables import Answer, Introduction, Organisation, Outcome
from shared.contracts.matching import OrganisationContact
from shared.problems import NotFound

Status = Literal["requested", "completed", "declined", "expired"]
ANSWERS: dict[str, AnswerKind] = {each: each for each in get_args(AnswerKind)}
OUTCOMES: dict[str, OutcomeKind] = {each: each for each in get_args(OutcomeKind)}


@dataclass(frozen=True, slots=True)
class Side:
    """One party as a reader may see it; `contacts` only once both have said yes, `answer` only one's own."""

    organisation: Organisation
    own: bool
    answer: AnswerKind | None
    message: str | None
    contacts: tuple[OrganisationContact, ...]
    outcome: OutcomeKind | None


@dataclass(frozen=True, slots=True)
class Seen:
    """An introduction as a reader may see it."""

    introduction: Introduction
    status: Status
    sides: tuple[Side, Side]


async def list_seen(
    session: AsyncSession,
    sight: Sight,
    *,
    status: Status | None = None,
    outcome: OutcomeKind | None = None,
    nobody_to_ask: bool | None = None,
    after: UUID | None = None,
    most: int,
) -> list[Seen]:
    """The introductions a caller may see, the newest first."""
    statement = select(Introduction).where(*_visible_to(sight))
    if status is not None:
        statement = statement.where(_stands(sight, status))
    if outcome is not None:
        statement = statement.where(_became(sight, outcome))
    if nobody_to_ask is not None:
        waits = col(Introduction.nobody_to_ask) & (col(Introduction.status) == "requested")
        statement = statement.where(waits if nobody_to_ask else ~waits)
    if after is not None:
        statement = statement.where(col(Introduction.id) < after)
    found = list(await session.exec(statement.order_by(col(Introduction.id).desc()).limit(most)))
    return [await _see(session, sight, each) for each in found]


async def find_seen(session: AsyncSession, sight: Sight, introduction_id: UUID) -> Seen:
    found = await session.exec(select(Introduction).where(Introduction.id == introduction_id, *_visible_to(sight)))
    introduction = found.first()
    if introduction is None:
        raise NotFound("There is no such introduction.")
    return await _see(session, sight, introduction)


def _visible_to(sight: Sight) -> list[Any]:
    """Not withdrawn ones, and to a side only what it made or was told of."""
    there = [col(Introduction.status) != "withdrawn"]
    if sight.caller.is_admin:
        return there
    own = list(sight.own)
    party = or_(col(Introduction.low_id).in_(own), col(Introduction.high_id).in_(own))
    return [*there, party, told_of(own)]


def _stands(sight: Sight, status: Status) -> Any:
    """How it looks to the reader: only who declined sees that it was declined."""
    looks = col(Introduction.status) == status
    declined_by_own = _said(Answer, sight) & (col(Answer.answer) != "yes")
    if status == "declined":
        return looks & exists().where(declined_by_own)
    if status == "requested":
        return looks | ((col(Introduction.status) == "declined") & ~exists().where(declined_by_own))
    return looks


def _became(sight: Sight, outcome: OutcomeKind) -> Any:
    """What one of our own says; the secretariat looks for what either says."""
    return exists().where(_said(Outcome, sight), col(Outcome.outcome) == outcome)


def _said(kind: type[Answer] | type[Outcome], sight: Sight) -> Any:
    """What a side of the introduction has said: one of our own, or for the secretariat's outcomes either."""
    mine, other = col(kind.organisation_id), col(kind.other_id)
    low, high = col(Introduction.low_id), col(Introduction.high_id)
    sides = or_(and_(mine == low, other == high), and_(mine == high, other == low))
    either = kind is Outcome and sight.caller.is_admin
    return sides if either else sides & mine.in_(list(sight.own))


async def _see(session: AsyncSession, sight: Sight, introduction: Introduction) -> Seen:
    asked_id = introduction.high_id if introduction.asked_by == introduction.low_id else introduction.low_id
    first, second = [await _side(session, sight, introduction, each) for each in (introduction.asked_by, asked_id)]
    declined_by_own = any(side.answer not in (None, "yes") for side in (first, second))
    status: Any = introduction.status
    if status == "declined" and not declined_by_own:
        status = "requested"
    return Seen(introduction, status, (first, second))


async def _side(session: AsyncSession, sight: Sight, introduction: Introduction, organisation_id: UUID) -> Side:
    organisation = await session.get_one(Organisation, organisation_id)
    other = introduction.high_id if organisation_id == introduction.low_id else introduction.low_id
    own, completed = organisation_id in sight.own, introduction.status == "completed"
    said = await session.get(Answer, (organisation_id, other))
    became = await session.get(Outcome, (organisation_id, other)) if own or sight.caller.is_admin else None
    # Of a proposal a message would tell that its side has answered.
    shown = said is not None and said.answer == "yes" and (own or completed or introduction.proposed_at is None)
    return Side(
        organisation=organisation,
        own=own,
        answer=ANSWERS[said.answer] if own and said is not None else None,
        message=said.message if said is not None and shown else None,
        contacts=tuple(await people_of(session, organisation)) if completed else (),
        outcome=OUTCOMES[became.outcome] if became is not None else None,
    )
