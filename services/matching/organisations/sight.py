"""Who sees what of organisations, and for which ones a caller acts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import Introduction, Organisation
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.problems import NotFound


class NoOrganisation(NotFound):
    """Also while the profile of an organisation that has just signed up is being made: asking again soon helps."""

    def __init__(self) -> None:
        super().__init__("There is no such organisation that you may see.", headers={"Retry-After": "1"})


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller sees: of the published ones the public parts, and more where it belongs."""

    caller: Caller
    own: dict[UUID, Organisation] = field(default_factory=dict)

    @property
    def members_parts(self) -> bool:
        """Whether what is shown to members only is shown: to people of organisations that are published themselves."""
        return self.caller.is_admin or any(each.published for each in self.own.values())

    def owns(self, organisation_id: UUID) -> bool:
        """Whether the caller acts for it."""
        return self.caller.is_admin or organisation_id in self.own


async def sight_of(session: AsyncSession, caller: Caller) -> Sight:
    """Loads the organisations the caller acts for; an outdated profile link raises LinkExpired."""
    ids: frozenset[UUID] = frozenset()
    if caller.link is not None and caller.link.purpose is Purpose.PROFILE:
        ids = frozenset((caller.link.id,))
    else:
        ids = caller.acts_as("member", "manager")
    if not ids:
        return Sight(caller)
    named = await _load(session, ids)
    if caller.link is not None:
        for each in named:
            caller.link.check(each.link_version)
    return Sight(caller, {each.id: each for each in (await _now(session, named)).values()})


async def _load(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Organisation]:
    return (await session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))).all()


async def _now(session: AsyncSession, named: Iterable[Organisation]) -> dict[UUID, Organisation]:
    """What each goes on as, by the id it was named by: itself, or what it was merged into."""
    known = {each.id: each for each in named}
    elsewhere = {each.merged_into for each in known.values() if each.merged_into} - set(known)
    if elsewhere:
        known |= {each.id: each for each in await _load(session, elsewhere)}
    return {each.id: known[each.merged_into or each.id] for each in named}


async def find_now(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Organisation]:
    """The organisations of these ids, as they go on; unknown ids are left out."""
    return await _now(session, await _load(session, ids))


async def id_now(session: AsyncSession, organisation_id: UUID) -> UUID:
    """The id it goes on by: its own, also if nobody has it, or that of what it was merged into."""
    merged_into = select(Organisation.merged_into).where(Organisation.id == organisation_id)
    return (await session.exec(merged_into)).first() or organisation_id


async def ids_now(session: AsyncSession, ids: frozenset[UUID]) -> frozenset[UUID]:
    """For which organisations a token that names these acts."""
    merged = select(Organisation.id, Organisation.merged_into).where(
        col(Organisation.id).in_(ids), col(Organisation.merged_into).is_not(None)
    )
    into = dict((await session.exec(merged)).all())
    return frozenset(into.get(each) or each for each in ids)


async def find(session: AsyncSession, organisation_id: UUID) -> Organisation | None:
    """The organisation of this id, or what it was merged into."""
    organisation = await session.get(Organisation, organisation_id)
    if organisation is None or organisation.merged_into is None:
        return organisation
    return await session.get_one(Organisation, organisation.merged_into)


async def find_seen(session: AsyncSession, sight: Sight, organisation_id: UUID) -> Organisation:
    """The organisation, if the caller may see it: published, its own, or one it is being introduced to."""
    organisation = sight.own.get(organisation_id) or await find(session, organisation_id)
    if organisation is None:
        raise NoOrganisation()
    seen = organisation.published or sight.owns(organisation.id)
    # A declined one shows as much as one that waits: else what is shown would tell of the no.
    there = ("requested", "declined", "completed")
    if not seen and not await introduced(session, list(sight.own), organisation.id, there):
        raise NoOrganisation()
    return organisation


async def find_own(session: AsyncSession, caller: Caller, organisation_id: UUID) -> Organisation:
    """The organisation, if the caller acts for it. Whoever may only see it is told so."""
    sight = await sight_of(session, caller)
    organisation = sight.own.get(organisation_id) or await find(session, organisation_id)
    if organisation is None:
        caller.require(False)
        raise NoOrganisation()
    if not sight.owns(organisation.id):
        if caller.known and not organisation.published:
            raise NoOrganisation()
        caller.require(False, may_see=True)
    return organisation


async def find_managed(session: AsyncSession, caller: Caller, organisation_id: UUID) -> Organisation:
    """The organisation, for who may decide over the whole of it: its manager, its profile link, the secretariat."""
    sight = await sight_of(session, caller)
    organisation = await find_seen(session, sight, organisation_id)
    by_link = caller.link is not None and sight.owns(organisation.id)
    caller.require(by_link or caller.manages(organisation.id), may_see=True)
    return organisation


async def introduced(
    session: AsyncSession, own: Sequence[UUID], other: UUID, statuses: Sequence[str]
) -> Introduction | None:
    """The introduction of one of our own with the other that stands so and that our side has been told of."""
    if not own:
        return None
    pair = or_(
        and_(col(Introduction.low_id).in_(own), col(Introduction.high_id) == other),
        and_(col(Introduction.high_id).in_(own), col(Introduction.low_id) == other),
    )
    found = await session.exec(
        select(Introduction).where(pair, told_of(own), col(Introduction.status).in_(statuses)).limit(1)
    )
    return found.first()


def told_of(own: Sequence[UUID]) -> ColumnElement[bool]:
    """Introductions that one of our own made or was told of."""
    asked_by_own = col(Introduction.asked_by).in_(own)
    made = or_(col(Introduction.proposed_at).is_(None), col(Introduction.first_told_at).is_not(None))
    return or_(and_(asked_by_own, made), and_(~asked_by_own, col(Introduction.told_at).is_not(None)))
