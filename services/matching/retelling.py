"""Tells every organisation, merge, member, erasure and API key again: `python -m services.matching.retelling`.

Not introductions: they are told once, when they happen, and nobody keeps a copy.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.leaving import erasures
from services.matching.organisations import members
from services.matching.organisations.profiles import facts_of
from services.matching.organisations.sight import find_now
from services.matching.tables import Base, ErasedOrganisation, IssuedKey, Member, Organisation
from services.matching.ways_in import keys
from shared.contracts.matching import MemberAdded, OrganisationMerged, OrganisationUpdated
from shared.contracts.message import Message
from shared.messaging.retelling import main

FIRST = UUID(int=0)


async def organisations_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    statement = select(Organisation).where(Organisation.id > (after or FIRST))
    found = await session.exec(statement.order_by(col(Organisation.id)).limit(limit))
    return [(organisation.id, OrganisationUpdated(**facts_of(organisation))) for organisation in found]


async def merges_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    merged = select(Organisation.id, Organisation.merged_into).where(col(Organisation.merged_into).is_not(None))
    merged = merged.where(Organisation.id > (after or FIRST)).order_by(col(Organisation.id)).limit(limit)
    found = (await session.exec(merged)).all()
    now = await find_now(session, [each for each, _ in found])
    return [(each, OrganisationMerged(**facts_of(now[each]), merged_id=each)) for each, _ in found]


async def members_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    statement = select(Member).where(Member.id > (after or FIRST))
    found = await session.exec(statement.order_by(col(Member.id)).limit(limit))
    return [(member.id, MemberAdded(**members.facts_of(member))) for member in found]


async def erasures_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    statement = select(ErasedOrganisation).where(ErasedOrganisation.organisation_id > (after or FIRST))
    found = await session.exec(statement.order_by(col(ErasedOrganisation.organisation_id)).limit(limit))
    return [(each.organisation_id, erasures.told_of(each)) for each in found]


async def api_keys_again(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Message]]:
    """Those that were revoked too: a copy restored from before must not let them in."""
    found = await session.exec(
        select(IssuedKey).where(IssuedKey.id > (after or FIRST)).order_by(col(IssuedKey.id)).limit(limit)
    )
    return [(key.id, keys.told_of(key)) for key in found]


STEPS = (organisations_again, merges_again, members_again, erasures_again, api_keys_again)

VERSIONS = tuple(
    Base.metadata.tables[name].c.version
    for name in ("organisations", "members", "introductions", "erased_organisations")
)

if __name__ == "__main__":
    main("matching", STEPS, VERSIONS)
