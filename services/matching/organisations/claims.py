"""Asking for a profile link: mailed at once to who evidently belongs there, else the secretariat decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations import cases
from services.matching.organisations.domains import writes_from
from services.matching.organisations.profiles import lock
from services.matching.tables import Claim, Organisation
from shared.contracts.matching import OrganisationContact, ProfileLinkRequested
from shared.fields import Language, same_address, utc_now
from shared.messaging.outbox import tell
from shared.problems import NotFound, WrongStatus

Reason = Literal["created", "claimed", "registered", "lost"]
ClaimStatus = Literal["mailed", "waiting", "approved", "rejected"]

# Asking again is for who lost the mail, not for filling somebody's letter box.
MAILED_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks."""

    name: str
    email: str
    language: Language = "da"
    phone: str | None = None


async def ask(session: AsyncSession, organisation_id: UUID, person: Person, reason: Reason) -> Claim:
    """The claim of this person, with the link on its way if the address is entitled to it.

    Who made an organisation is mailed its link at once, whatever the address, unless it is called as one that is known.
    Of one that is known it is mailed only while nobody has claimed it, to an address at its proven domain.
    """
    organisation = await lock(session, organisation_id)
    claim = await _claim_of(session, organisation.id, person.email)
    if claim is None:
        claim = _new_claim(organisation.id, person, reason)
        if not organisation.claimed and await _is_entitled(session, organisation, person, reason):
            claim.status = "mailed"
            mail_link(session, organisation, claim, reason)
    elif claim.mailed_at is not None and utc_now() - claim.mailed_at > MAILED_AGAIN_AFTER:
        mail_link(session, organisation, claim, "lost")
    session.add(claim)
    return claim


async def _is_entitled(session: AsyncSession, organisation: Organisation, person: Person, reason: Reason) -> bool:
    if reason not in ("created", "registered"):
        entitled = await writes_from(session, organisation, person.email)
        if not entitled:
            await cases.open_case(session, "claim", organisation.id)
        return entitled
    namesake = await cases.namesake_of(session, organisation)
    if namesake is not None:
        await cases.open_case(session, "twin", organisation.id, namesake)
    return namesake is None


async def _claim_of(session: AsyncSession, organisation_id: UUID, email: str) -> Claim | None:
    mine = (Claim.organisation_id == organisation_id, Claim.email_key == same_address(email))
    return (await session.exec(select(Claim).where(*mine))).first()


def _new_claim(organisation_id: UUID, person: Person, reason: Reason) -> Claim:
    return Claim(
        organisation_id=organisation_id,
        name=person.name,
        email=person.email,
        email_key=same_address(person.email),
        phone=person.phone,
        language=person.language,
        reason=reason,
        status="waiting",
    )


def mail_link(session: AsyncSession, organisation: Organisation, claim: Claim, reason: Reason) -> None:
    claim.mailed_at = utc_now()
    message = ProfileLinkRequested(
        organisation_id=organisation.id,
        version=organisation.version,
        name=organisation.name,
        link_version=organisation.link_version,
        recipient=contact_of(claim),
        reason=reason,
    )
    tell(session, message)


def contact_of(claim: Claim) -> OrganisationContact:
    language: Language = "en" if claim.language == "en" else "da"
    return OrganisationContact(name=claim.name, email=claim.email, phone=claim.phone, language=language)


async def decide(
    session: AsyncSession, organisation_id: UUID, claim_id: UUID, *, approved: bool, by: str
) -> tuple[Claim, str]:
    """Decides a claim that waits, and names its organisation; the same word again changes nothing."""
    organisation = await lock(session, organisation_id)
    claim = await session.get(Claim, claim_id, populate_existing=True)
    if claim is None or claim.organisation_id != organisation.id:
        raise NotFound("There is no such claim.")
    wanted: ClaimStatus = "approved" if approved else "rejected"
    if claim.status == wanted:
        return claim, organisation.name
    if claim.status != "waiting":
        raise WrongStatus(f"The claim is `{claim.status}`; only one that is `waiting` can be decided.")
    claim.status, claim.decided_by = wanted, by
    if approved:
        mail_link(session, organisation, claim, "claimed")
    session.add(claim)
    return claim, organisation.name


async def list_claims(
    session: AsyncSession, status: ClaimStatus | None, after: UUID | None, most: int
) -> Sequence[tuple[Claim, str]]:
    """Claims with the names of their organisations, the oldest first."""
    statement = select(Claim, Organisation.name).join(Organisation, col(Organisation.id) == col(Claim.organisation_id))
    if status is not None:
        statement = statement.where(Claim.status == status)
    if after is not None:
        statement = statement.where(col(Claim.id) > after)
    return (await session.exec(statement.order_by(col(Claim.id)).limit(most))).all()


async def link_holders(session: AsyncSession, organisation_id: UUID) -> list[OrganisationContact]:
    """Who was mailed the link."""
    mine = (Claim.organisation_id == organisation_id, col(Claim.mailed_at).is_not(None))
    return [contact_of(claim) for claim in await session.exec(select(Claim).where(*mine).order_by(col(Claim.id)))]


async def approve_makers(session: AsyncSession, organisation_id: UUID, by: str) -> None:
    """The secretariat has said that it is no twin: whoever made it is mailed its link."""
    organisation = await lock(session, organisation_id)
    waiting = (Claim.organisation_id == organisation.id, Claim.status == "waiting")
    made = select(Claim).where(*waiting, col(Claim.reason).in_(("created", "registered")))
    for claim in await session.exec(made):
        claim.status, claim.decided_by = "approved", by
        mail_link(session, organisation, claim, "claimed")
        session.add(claim)
