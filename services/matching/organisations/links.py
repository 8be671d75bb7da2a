"""Replacing the links to a profile: all that were mailed end, and who still belongs there is mailed a new one."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.claims import mail_link
from services.matching.organisations.profiles import lock, tell_changed
from services.matching.tables import Claim, Organisation
from shared.fields import same_address


async def replace(session: AsyncSession, organisation_id: UUID) -> int:
    """Answers how many were mailed a new one. The links of what was merged into it end with its own."""
    organisation = await lock(session, organisation_id)
    merged = select(Organisation).where(Organisation.merged_into == organisation.id).with_for_update(key_share=True)
    for each in (organisation, *await session.exec(merged)):
        each.link_version += 1
        session.add(each)
    tell_changed(session, organisation)
    holders = select(Claim).where(Claim.organisation_id == organisation.id, col(Claim.mailed_at).is_not(None))
    claims = list(await session.exec(holders.order_by(col(Claim.id))))
    for claim in claims:
        mail_link(session, organisation, claim, "lost")
        session.add(claim)
    return len(claims)


async def take_back(session: AsyncSession, organisation_id: UUID, email: str) -> None:
    """Who leaves loses the link, if it had one: the others are mailed theirs anew."""
    mine = (Claim.organisation_id == organisation_id, Claim.email_key == same_address(email))
    claim = (await session.exec(select(Claim).where(*mine))).first()
    if claim is None or claim.mailed_at is None:
        return
    claim.status, claim.mailed_at = "rejected", None
    session.add(claim)
    await session.flush()
    await replace(session, organisation_id)
