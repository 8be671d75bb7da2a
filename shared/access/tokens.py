"""JWTs of the local issuer: signed with Ed25519, read by every service."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from shared.access.caller import ROLES, Caller, Role
from shared.problems import NotAuthenticated
from shared.settings import ServiceSettings

ISSUER = AUDIENCE = "videnbro"
_ALGORITHM = "EdDSA"
# The clocks of two machines differ.
LEEWAY = timedelta(minutes=1)


class Tokens:
    """JWTs signed with Ed25519. matching alone has the private key; the others check with the public one."""

    def __init__(self, public_key: str | None, private_key: str | None = None) -> None:
        self._public, self._private = public_key, private_key

    def sign(
        self,
        *,
        email: str,
        roles: Iterable[Role],
        organisations: Iterable[UUID] = (),
        name: str | None = None,
        lasts: timedelta = timedelta(hours=8),
    ) -> str:
        if self._private is None:
            raise LookupError("this process holds no private key")
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": email,
            "email": email,
            "roles": sorted(roles),
            "orgs": [str(organisation) for organisation in organisations],
            "iat": now,
            "exp": now + lasts,
        }
        if name:
            claims["name"] = name
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM)

    def read(self, token: str) -> Caller:
        """Raises NotAuthenticated for any token that is not ours, is over, or says something odd."""
        if self._public is None:
            raise NotAuthenticated("This service has no key to check tokens with.")
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
            return Caller(
                roles=frozenset(role for role in claims.get("roles", ()) if role in ROLES),
                organisations=frozenset(UUID(organisation) for organisation in claims.get("orgs", ())),
                email=_text(claims.get("email")),
                name=_text(claims.get("name")),
            )
        except jwt.ExpiredSignatureError as over:
            raise NotAuthenticated("This token is over. Get a new one.") from over
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as odd:
            raise NotAuthenticated("This token is not valid here.") from odd


def _text(claim: Any) -> str | None:
    if claim is None or isinstance(claim, str):
        return claim
    raise TypeError("a claim that should be text is not")


def tokens_of(settings: ServiceSettings) -> Tokens:
    private = settings.jwt_private_key
    return Tokens(settings.jwt_public_key, private.get_secret_value() if private else None)
