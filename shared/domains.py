"""Mail and web domains that say for which organisation somebody writes."""

from pathlib import Path
from urllib.parse import urlsplit

from shared.fields import email_domain

# Where anybody can have an address: it says nothing of whom one works for.
FREE_MAIL = frozenset(Path(__file__).with_name("free_mail.txt").read_text(encoding="utf-8").split())


def is_free_mail(domain: str) -> bool:
    return any(domain == free or domain.endswith(f".{free}") for free in FREE_MAIL)


def website_domain(website: str | None) -> str | None:
    """The host of a website, without `www.`; none where anybody can have a page."""
    host = urlsplit(website).hostname if website else None
    domain = host.removeprefix("www.") if host else None
    return None if domain is None or is_free_mail(domain) else domain


def own_domain(email: str) -> str | None:
    """The domain of an address, unless anybody can have one there."""
    domain = email_domain(email)
    return None if is_free_mail(domain) else domain
