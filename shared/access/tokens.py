"""JWTs of the local issuer: signed with Ed25519, read by every service."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.access import signed
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
        roles_in: Mapping[UUID, Iterable[Role]] | None = None,
        sign_in: UUID | None = None,
    ) -> str:
        """`roles_in` says for which organisations each role counts, where not each counts for all."""
        if self._private is None:
            raise LookupError("this process holds no private key")
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
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
        if roles_in is not None:
            claims["roles_in"] = {str(organisation): sorted(its) for organisation, its in roles_in.items()}
        if sign_in is not None:
            claims["sid"] = str(sign_in)
        return signed.sign(claims, self._private, _ALGORITHM)

    def is_half_over(self, token: str) -> bool:
        """Whether a genuine token has lasted half its time, so that whoever uses it should get the next."""
        claims = signed.claims_unread(token)
        return bool(datetime.now(UTC).timestamp() > (claims["iat"] + claims["exp"]) / 2)

    def read(self, token: str) -> Caller:
        """Raises NotAuthenticated for any token that is not ours, is over, or says something odd."""
        if self._public is None:
            raise NotAuthenticated("This service has no key to check tokens with.")
        claims = signed.read(
            token, self._public, algorithms=[_ALGORITHM], issuer=ISSUER, audience=AUDIENCE, leeway=LEEWAY
        )
        try:
            return _caller(claims)
        except (ValueError, TypeError, AttributeError) as odd:
            raise NotAuthenticated("This token is not valid here.") from odd


def _caller(claims: dict[str, Any]) -> Caller:
    roles_in, events, sign_in = (claims.get(name) for name in ("roles_in", "events", "sid"))
    return Caller(
        roles=_roles(claims.get("roles", ())),
        organisations=_ids(claims.get("orgs", ())),
        roles_in=None if roles_in is None else {UUID(each): _roles(its) for each, its in roles_in.items()},
        events=None if events is None else _ids(events),
        email=_text(claims.get("email")),
        name=_text(claims.get("name")),
        sign_in=None if sign_in is None else UUID(sign_in),
    )


def _roles(claim: Iterable[str]) -> frozenset[Role]:
    return frozenset(role for role in ROLES if role in set(claim))


def _ids(claim: Iterable[str]) -> frozenset[UUID]:
    return frozenset(UUID(each) for each in claim)


def _text(claim: Any) -> str | None:
    if claim is None or isinstance(claim, str):
        return claim
    raise TypeError("a claim that should be text is not")


def tokens_of(settings: ServiceSettings) -> Tokens:
    private = settings.jwt_private_key
    return Tokens(settings.jwt_public_key, private.get_secret_value() if private else None)
