"""Whose people write from where: who may be mailed an organisation's profile link without anybody's approval."""

from services.matching.tables import Organisation
from shared.domains import is_free_mail, own_domain, website_domain


def writes_from_there(organisation: Organisation, email: str) -> bool:
    """Whether the address is at the organisation's own domain: its website's, or the one it was first named from.

    `food.dtu.dk` and `dtu.dk` are one house, in either direction.
    """
    domain, home = own_domain(email), website_domain(organisation.website) or organisation.mail_domain
    if domain is None or home is None or is_free_mail(home):
        return False
    return domain == home or domain.endswith(f".{home}") or (home.endswith(f".{domain}") and "." in domain)
