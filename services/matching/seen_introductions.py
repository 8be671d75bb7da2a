"""Introductions as their parties and the secretariat see them."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions import people_of
from services.matching.sight import Sight
from services.matching.tables import Answer, Introduction, Organisation
from shared.contracts.matching import OrganisationContact
from shared.problems import NotFound

Status = Literal["requested", "completed", "declined", "expired"]


@dataclass(frozen=True, slots=True)
class Side:
    """One party as a reader may see it; `contacts` only once both have said yes."""

    organisation: Organisation
    message: str | None
    contacts: tuple[OrganisationContact, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """An introduction as a reader may see it."""

    introduction: Introduction
    status: Status
    sides: tuple[Side, Side]


async def list_seen(
    session: AsyncSession, sight: Sight, status: Status | None, after: UUID | None, limit: int
) -> tuple[list[Seen], UUID | None]:
    """The introductions a caller may see, the newest first, and the id to go on from."""
    statement = select(Introduction).where(*_visible_to(sight))
    if status is not None:
        statement = statement.where(_stands(sight, status))
    if after is not None:
        statement = statement.where(col(Introduction.id) < after)
    found = list(await session.exec(statement.order_by(col(Introduction.id).desc()).limit(limit + 1)))
    seen = [await _see(session, sight, each) for each in found[:limit]]
    return seen, found[limit - 1].id if len(found) > limit else None


async def find_seen(session: AsyncSession, sight: Sight, introduction_id: UUID) -> Seen:
    found = await session.exec(select(Introduction).where(Introduction.id == introduction_id, *_visible_to(sight)))
    introduction = found.first()
    if introduction is None:
        raise NotFound("There is no such introduction.")
    return await _see(session, sight, introduction)


def _visible_to(sight: Sight) -> list[Any]:
    """Not withdrawn ones, and to the asked side only what it was told of."""
    there = [col(Introduction.status) != "withdrawn"]
    if sight.caller.is_admin:
        return there
    own = list(sight.own)
    party = or_(col(Introduction.low_id).in_(own), col(Introduction.high_id).in_(own))
    told = or_(col(Introduction.told_at).is_not(None), col(Introduction.asked_by).in_(own))
    return [*there, party, told]


def _stands(sight: Sight, status: Status) -> Any:
    """How it looks to the reader: who asked does not see that it was declined."""
    mine = col(Introduction.asked_by).in_(list(sight.own))
    looks = col(Introduction.status) == status
    if sight.caller.is_admin:
        return looks
    if status == "declined":
        return looks & ~mine
    if status == "requested":
        return looks | ((col(Introduction.status) == "declined") & mine)
    return looks


async def _see(session: AsyncSession, sight: Sight, introduction: Introduction) -> Seen:
    asked_id = introduction.high_id if introduction.asked_by == introduction.low_id else introduction.low_id
    sides = [await _side(session, introduction, each) for each in (introduction.asked_by, asked_id)]
    status: Any = introduction.status
    if status == "declined" and introduction.asked_by in sight.own and not sight.caller.is_admin:
        status = "requested"
    return Seen(introduction, status, (sides[0], sides[1]))


async def _side(session: AsyncSession, introduction: Introduction, organisation_id: UUID) -> Side:
    organisation = await session.get_one(Organisation, organisation_id)
    other = introduction.high_id if organisation_id == introduction.low_id else introduction.low_id
    said = await session.get(Answer, (organisation_id, other))
    people = await people_of(session, organisation) if introduction.status == "completed" else []
    return Side(organisation, said.message if said and said.answer == "yes" else None, tuple(people))
