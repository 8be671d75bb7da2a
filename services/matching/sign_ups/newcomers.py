"""An organisation that signed up and was not known: it gets a profile, unpublished."""

from dataclasses import asdict

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.leaving import erasures
from services.matching.organisations import claims, domains, members
from services.matching.organisations.claims import Person
from services.matching.organisations.profiles import create, tell_changed
from services.matching.tables import Organisation
from shared.contracts.events import RegisteredOrganisation, RegistrationFacts
from shared.normal_forms import checked_number
from shared.problems import Invalid
from shared.vocabulary import keys


async def meet(session: AsyncSession, registration: RegistrationFacts) -> None:
    """Gives an organisation that nobody knew a profile, and its maker the link: whoever used the mailed link of the
    sign-up. Until then nobody has said that it is so, and there is none."""
    named = registration.organisation
    if named is None or not registration.contact_confirmed:
        return
    if await session.get(Organisation, named.id) is not None or await erasures.tell_again(session, named.id):
        return
    contact = registration.contact
    person = Person(contact.name, contact.email, contact.language, contact.phone)
    organisation = await create(session, _fields_of(named), organisation_id=named.id)
    organisation.contacts = [{**asdict(person), "title": None}]
    await session.flush()
    claim = await claims.ask(session, organisation.id, person, "registered")
    if claim.status == "mailed":
        await members.add(
            session, organisation.id, name=person.name, email=person.email, role="manager", language=person.language
        )
    if await domains.prove_by_address(session, organisation, person.email):
        tell_changed(session, organisation)


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
        return checked_number(named.cvr, named.country, "/cvr")
    except Invalid:
        return None
