"""Whom to write to at an organisation, and what is told of it in a message."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations import claims
from services.matching.tables import Member, Organisation
from shared.contracts.matching import OrganisationContact
from shared.fields import Language


def texts_of_summary(organisation: Organisation) -> dict[Language, str] | None:
    texts: dict[Language, str] = {}
    for code, text in (organisation.summary or {}).items():
        texts["en" if code == "en" else "da"] = text
    return texts or None


async def people_of(session: AsyncSession, organisation: Organisation) -> list[OrganisationContact]:
    """Whom to write to: the contacts it names, else its members, else who was mailed its link."""
    if organisation.contacts:
        return [OrganisationContact.model_validate(each) for each in organisation.contacts]
    mine = select(Member).where(Member.organisation_id == organisation.id).order_by(col(Member.id))
    members = [_contact_of(member) for member in await session.exec(mine)]
    return members or await claims.link_holders(session, organisation.id)


def _contact_of(member: Member) -> OrganisationContact:
    return OrganisationContact(name=member.name, email=member.email, language="en" if member.language == "en" else "da")
