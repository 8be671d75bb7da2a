"""An organisation that signed up and was not known: it gets a profile, unpublished."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.leaving import erasures
from services.matching.organisations import claims
from services.matching.organisations.claims import Person, writes_from_there
from services.matching.organisations.profiles import checked_number, create
from services.matching.tables import Organisation
from shared.contracts.events import RegisteredOrganisation, RegistrationFacts
from shared.domains import own_domain, website_domain
from shared.problems import Invalid
from shared.vocabulary import keys


async def meet(session: AsyncSession, registration: RegistrationFacts) -> None:
    """Gives an organisation that nobody knew an unclaimed, unpublished profile, and its contact person the link.

    Who comes from its website's domain is mailed the link. Without a website the domain of the first contact person
    becomes the organisation's, unless anybody can have an address there; then the secretariat decides.
    """
    named = registration.organisation
    if named is None or await session.get(Organisation, named.id) is not None:
        return
    if await erasures.tell_again(session, named.id):
        return
    contact = registration.contact
    person = Person(contact.name, contact.email, contact.language, contact.phone)
    organisation = await create(session, _fields_of(named), organisation_id=named.id)
    if website_domain(organisation.website) is None:
        organisation.mail_domain = own_domain(person.email)
    if writes_from_there(organisation, person.email):
        organisation.contacts = [
            {
                "name": person.name,
                "email": person.email,
                "title": None,
                "phone": person.phone,
                "language": person.language,
            }
        ]
    await session.flush()
    await claims.ask(session, organisation.id, person, "registered")


def _fields_of(named: RegisteredOrganisation) -> dict[str, str | None]:
    """What the sign-up said, as far as it can stand in a profile."""
    return {
        "name": named.name,
        "kind": named.kind if named.kind in keys("kinds") else None,
        "country": named.country,
        "cvr": _number_of(named),
        "website": named.website,
    }


def _number_of(named: RegisteredOrganisation) -> str | None:
    try:
        return checked_number(named.cvr, named.country)
    except Invalid:
        return None
