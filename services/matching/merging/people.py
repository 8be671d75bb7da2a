"""The members of two organisations that become one, and who asked for the link of either."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.members import facts_of
from services.matching.tables import Claim, Member
from shared.contracts.matching import MemberAdded, MemberRemoved
from shared.messaging.outbox import tell


@dataclass(frozen=True, slots=True)
class People:
    """Who follows from the one merged. A person who stands in both stays once: `raised` became a manager by it."""

    members: Sequence[Member]
    dropped_members: Sequence[Member]
    raised: Sequence[Member]
    claims: Sequence[Claim]
    dropped_claims: Sequence[Claim]


async def plan(session: AsyncSession, merged: UUID, into: UUID) -> People:
    """One member and one claim an address: a manager beats a member, a claim that was mailed one that was not."""
    its = await session.exec(select(Member).where(Member.organisation_id == merged).order_by(col(Member.id)))
    own = await session.exec(select(Member).where(Member.organisation_id == into))
    there = {each.email_key: each for each in own}
    follow: list[Member] = []
    dropped: list[Member] = []
    raised: list[Member] = []
    for each in its:
        same = there.get(each.email_key)
        (follow if same is None else dropped).append(each)
        if same is not None and each.role == "manager" and same.role != "manager":
            raised.append(same)
    return People(follow, dropped, raised, *await _plan_claims(session, merged, into))


async def _plan_claims(session: AsyncSession, merged: UUID, into: UUID) -> tuple[list[Claim], list[Claim]]:
    its = await session.exec(select(Claim).where(Claim.organisation_id == merged).order_by(col(Claim.id)))
    own = await session.exec(select(Claim).where(Claim.organisation_id == into))
    there = {each.email_key: each for each in own}
    follow: list[Claim] = []
    dropped: list[Claim] = []
    for each in its:
        same = there.get(each.email_key)
        if same is None:
            follow.append(each)
        elif same.mailed_at is None and each.mailed_at is not None:
            follow.append(each)
            dropped.append(same)
        else:
            dropped.append(each)
    return follow, dropped


async def carry_out(session: AsyncSession, people: People, into: UUID) -> None:
    """Re-points them, and tells the other services of the members."""
    for gone in people.dropped_members:
        gone.version += 1
        tell(session, MemberRemoved(**facts_of(gone)))
    for each in (*people.dropped_members, *people.dropped_claims):
        await session.delete(each)
    # An address must be free before it is taken.
    await session.flush()
    for claim in people.claims:
        claim.organisation_id = into
        session.add(claim)
    for member in people.raised:
        member.role = "manager"
    for member in (*people.members, *people.raised):
        member.organisation_id = into
        member.version += 1
        session.add(member)
        tell(session, MemberAdded(**facts_of(member)))
