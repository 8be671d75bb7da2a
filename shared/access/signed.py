"""The one door to PyJWT: what was signed, and by what it is checked."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import jwt

from shared.problems import NotAuthenticated

# Headers by which a token would say itself what it is to be checked with, or what must be understood to read it.
_ITS_OWN_WORD = frozenset(("jku", "jwk", "x5u", "x5c", "crit"))
_REQUIRED = ["exp", "iss", "aud", "sub"]
Claims = dict[str, Any]


class NotGenuine(NotAuthenticated):
    """Not signed as it should be, or not for us."""


def sign(claims: Mapping[str, Any], private_key: str, algorithm: str) -> str:
    return jwt.encode(dict(claims), private_key, algorithm=algorithm)


def header_of(token: str) -> dict[str, Any]:
    """What an unread token says of its signature. Raises NotGenuine for one that wants to be believed on its own."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as odd:
        raise NotGenuine("This token is not valid here.") from odd
    if _ITS_OWN_WORD & set(header):
        raise NotGenuine("This token names its own key, or needs more than is understood here.")
    return header


def claims_unread(token: str) -> Claims:
    """What a token says before it is checked: to learn who would have signed it. Empty for what is no token."""
    try:
        claims: Claims = jwt.decode(token, options={"verify_signature": False})
        return claims
    except jwt.InvalidTokenError:
        return {}


def read(
    token: str, key: Any, *, algorithms: Sequence[str], issuer: str, audience: str, leeway: timedelta = timedelta()
) -> Claims:
    """The claims of a genuine token. Raises NotGenuine for all others."""
    try:
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            issuer=issuer,
            audience=audience,
            leeway=leeway,
            options={"require": _REQUIRED},
        )
        return claims
    except jwt.ExpiredSignatureError as over:
        raise NotGenuine("This token is over. Get a new one.") from over
    except (jwt.InvalidTokenError, TypeError, ValueError) as odd:
        raise NotGenuine("This token is not valid here.") from odd


def public_keys(published: Any) -> list[tuple[str | None, str | None, Any]]:
    """The keys for signatures in a published set, each by its `kid` and algorithm; what is unreadable is left out."""
    found = []
    for each in published["keys"]:
        if each.get("kty") == "oct" or each.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK.from_dict(each)
        except jwt.PyJWTError:
            continue
        found.append((each.get("kid"), each.get("alg"), key))
    return found
