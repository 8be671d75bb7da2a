"""Members: the people who may act for an organisation."""

from typing import Any, get_args
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations import links
from services.matching.organisations.profiles import lock
from services.matching.tables import Member
from shared.contracts.matching import MemberAdded, MemberRemoved, MemberRole
from shared.fields import Language, same_address
from shared.messaging.outbox import tell
from shared.problems import NotFound, Problem


class AlreadyMember(Problem):
    status, slug, title = 409, "already-member", "This address is a member already"


async def list_members(session: AsyncSession, organisation_id: UUID) -> list[Member]:
    """By name."""
    mine = select(Member).where(Member.organisation_id == organisation_id)
    return list(await session.exec(mine.order_by(col(Member.name), col(Member.id))))


async def add(
    session: AsyncSession, organisation_id: UUID, *, name: str, email: str, role: MemberRole, language: Language
) -> Member:
    """A new member, told to the other services."""
    organisation = await lock(session, organisation_id)
    same = select(Member).where(Member.organisation_id == organisation.id, Member.email_key == same_address(email))
    if (await session.exec(same)).first() is not None:
        raise AlreadyMember("Remove the member first to give it another role.")
    member = Member(
        organisation_id=organisation.id,
        name=name,
        email=email,
        email_key=same_address(email),
        role=role,
        language=language,
    )
    session.add(member)
    tell(session, MemberAdded(**facts_of(member)))
    return member


async def remove(session: AsyncSession, organisation_id: UUID, member_id: UUID) -> None:
    """Forgets the member and has the other services forget it."""
    organisation = await lock(session, organisation_id)
    member = await session.get(Member, member_id)
    if member is None or member.organisation_id != organisation.id:
        raise NotFound("There is no such member.")
    member.version += 1
    tell(session, MemberRemoved(**facts_of(member)))
    await session.delete(member)
    await links.take_back(session, organisation.id, member.email)


def facts_of(member: Member) -> dict[str, Any]:
    assert member.role in get_args(MemberRole)
    return {
        "member_id": member.id,
        "organisation_id": member.organisation_id,
        "version": member.version,
        "name": member.name,
        "email": member.email,
        "role": member.role,
        "language": member.language,
    }
