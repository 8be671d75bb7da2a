"""Where organisations' web and mail are: stated by whoever speaks for them, proven by a used link, an import or us.

Only what is proven says who somebody is. One organisation holds a proven domain; its units share it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import Domain, Organisation
from shared.contracts.matching import DomainUse
from shared.domains import own_domain
from shared.fields import utc_now
from shared.problems import Problem

By = Literal["people", "link", "import", "secretariat"]
USES: tuple[DomainUse, ...] = ("web", "mail")
PORTION = 500
# Theirs are given to many people who speak for a part of them only.
_HOUSES = frozenset(("research", "public"))


class DomainTaken(Problem):
    """Who holds it is not told: the secretariat settles it."""

    status, slug, title = 409, "domain-taken", "Another organisation holds this domain"


async def list_of(session: AsyncSession, organisation_id: UUID) -> list[Domain]:
    """By name, the web's after the mail's."""
    mine = select(Domain).where(Domain.organisation_id == organisation_id)
    return list(await session.exec(mine.order_by(col(Domain.domain), col(Domain.use))))


async def state(session: AsyncSession, organisation: Organisation, domain: str, use: DomainUse, by: By) -> Domain:
    """Writes down what somebody says; what stands already stays."""
    row = await _row(session, organisation.id, domain, use)
    if row is None:
        row = Domain(organisation_id=organisation.id, domain=domain, use=use, by=by)
        session.add(row)
    return row


async def prove(
    session: AsyncSession, organisation: Organisation, domain: str, uses: Iterable[DomainUse], by: By
) -> bool:
    """Makes the organisation, whose row is locked, the domain's holder; True when that is news. Raises DomainTaken."""
    if await holder_of(session, domain) not in (None, organisation.id):
        raise DomainTaken("The secretariat looks at it; until then it says nothing of either.")
    news = False
    for use in uses:
        row = await state(session, organisation, domain, use, by)
        if row.status != "proven":
            row.status, row.by, row.at, news = "proven", by, utc_now(), True
            session.add(row)
    if news:
        await _write_proven(session, organisation)
    return news


async def withdraw(session: AsyncSession, organisation: Organisation, domain: str) -> bool:
    """Forgets a domain of the organisation, whose row is locked; True when it was there."""
    rows = [each for each in await list_of(session, organisation.id) if each.domain == domain]
    for row in rows:
        await session.delete(row)
    if rows:
        await _write_proven(session, organisation)
    return bool(rows)


async def prove_by_address(session: AsyncSession, organisation: Organisation, email: str) -> bool:
    """A mailed link was used by who has this address: it proves the domain it is exactly at, where nothing speaks
    against it. True when that is news."""
    domain = own_domain(email)
    if domain is None or organisation.imported or organisation.kind in _HOUSES:
        return False
    agrees = organisation.web_domain == domain or any(each["domain"] == domain for each in organisation.proven_domains)
    if not agrees or await _claimed_by_another(session, organisation, domain):
        return False
    return await prove(session, organisation, domain, USES, "link")


async def holder_of(session: AsyncSession, domain: str) -> UUID | None:
    """Whose proven domain it is."""
    proven = select(Domain.organisation_id).where(Domain.domain == domain, Domain.status == "proven").limit(1)
    return (await session.exec(proven)).first()


async def writes_from(session: AsyncSession, organisation: Organisation, email: str) -> bool:
    """Whether the address is exactly at a proven mail domain of the organisation, or of what it is a unit of."""
    domain = own_domain(email)
    if domain is None:
        return False
    proven = (Domain.domain == domain, Domain.use == "mail", Domain.status == "proven")
    holder = (await session.exec(select(Domain.organisation_id).where(*proven).limit(1))).first()
    return holder is not None and holder in (organisation.id, organisation.parent)


async def write_imported(session: AsyncSession, proven: Sequence[tuple[UUID, str, DomainUse]]) -> None:
    """Those of new organisations, in one statement; `proven_domains` was written with them."""
    if proven:
        rows = [
            Domain(organisation_id=each, domain=domain, use=use, status="proven", by="import").model_dump()
            for each, domain, use in proven
        ]
        await (await session.connection()).execute(insert(Domain), rows)


async def hand_over(session: AsyncSession, merged: UUID, into: Organisation) -> None:
    """What is known of the one merged is the other's: what both had stays once."""
    own = {(each.domain, each.use): each for each in await list_of(session, into.id)}
    for row in await list_of(session, merged):
        there = own.get((row.domain, row.use))
        if there is None:
            row.organisation_id = into.id
        else:
            proven = "proven" in (row.status, there.status)
            await session.delete(row)
            await session.flush()
            there.status = "proven" if proven else "stated"
            session.add(there)
    await _write_proven(session, into)


async def _row(session: AsyncSession, organisation_id: UUID, domain: str, use: str) -> Domain | None:
    mine = (Domain.organisation_id == organisation_id, Domain.domain == domain, Domain.use == use)
    return (await session.exec(select(Domain).where(*mine))).first()


async def _claimed_by_another(session: AsyncSession, organisation: Organisation, domain: str) -> bool:
    """Whether another says that it is its own, proven or not."""
    by_row = select(Domain.organisation_id).where(Domain.domain == domain)
    others = (
        select(Organisation.id)
        .where(Organisation.id != organisation.id, col(Organisation.merged_into).is_(None))
        .where(or_(Organisation.web_domain == domain, col(Organisation.id).in_(by_row)))
    )
    return (await session.exec(others.limit(1))).first() is not None


async def _write_proven(session: AsyncSession, organisation: Organisation) -> None:
    await session.flush()
    rows = [each for each in await list_of(session, organisation.id) if each.status == "proven"]
    organisation.proven_domains = [{"domain": each.domain, "use": each.use} for each in rows]
    session.add(organisation)


async def holders(session: AsyncSession, domains: Sequence[str]) -> dict[str, UUID]:
    """Who holds which of these."""
    held: dict[str, UUID] = {}
    for at in range(0, len(domains), PORTION):
        some = (col(Domain.domain).in_(domains[at : at + PORTION]), Domain.status == "proven")
        held |= dict((await session.exec(select(Domain.domain, Domain.organisation_id).where(*some))).all())
    return held
