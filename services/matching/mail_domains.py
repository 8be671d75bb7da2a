"""Whose people write from where: who may be mailed an organisation's profile link without anybody's approval."""

from pathlib import Path
from urllib.parse import urlsplit

from services.matching.tables import Organisation
from shared.fields import email_domain

# Where anybody can have an address: it says nothing of whom one works for.
FREE_MAIL = frozenset(Path(__file__).with_name("free_mail.txt").read_text(encoding="utf-8").split())


def is_free_mail(domain: str) -> bool:
    return any(domain == free or domain.endswith(f".{free}") for free in FREE_MAIL)


def website_domain(website: str | None) -> str | None:
    """The host of a website, without `www.`."""
    host = urlsplit(website).hostname if website else None
    return host.removeprefix("www.") if host else None


def own_domain(email: str) -> str | None:
    """The domain of an address, unless anybody can have one there."""
    domain = email_domain(email)
    return None if is_free_mail(domain) else domain


def writes_from_there(organisation: Organisation, email: str) -> bool:
    """Whether the address is at the organisation's own domain: its website's, or the one it was first named from.

    `food.dtu.dk` and `dtu.dk` are one house, in either direction.
    """
    domain, home = own_domain(email), website_domain(organisation.website) or organisation.mail_domain
    if domain is None or home is None or is_free_mail(home):
        return False
    return domain == home or domain.endswith(f".{home}") or (home.endswith(f".{domain}") and "." in domain)
