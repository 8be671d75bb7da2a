"""Tokens of other issuers: identity providers that are trusted by setting (OpenID Connect). The one door to httpx."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode
from uuid import UUID

from shared.access import signed
from shared.access.caller import ROLES, Caller, Role
from shared.access.signed import Claims, NotGenuine
from shared.fields import email_domain
from shared.problems import NotAuthenticated, Unavailable
from shared.settings import TrustedIssuer
from shared.telemetry import get_logger

if TYPE_CHECKING:
    import httpx

log = get_logger()

LEEWAY = timedelta(minutes=1)
ASKED_AGAIN_AFTER = 30.0
READ_ANEW_AFTER = 3_600.0
ANSWERS_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str | None
    algorithm: str | None
    key: Any

    def fits(self, header: Mapping[str, Any]) -> bool:
        same = header.get("kid") in (None, self.kid)
        return same and self.algorithm in (None, header.get("alg"))


class Issuer:
    """One identity provider: what it publishes of itself, its keys, and what its tokens count for here."""

    def __init__(self, trusted: TrustedIssuer) -> None:
        self.trusted = trusted
        self._keys: list[_Key] = []
        self._about: dict[str, Any] = {}
        self._asked_at = self._read_at = float("-inf")
        self._turn = asyncio.Lock()

    async def read(self, token: str) -> Caller:
        """Raises NotAuthenticated for what it did not sign for us, Unavailable when its keys cannot be learnt."""
        return caller_of(self.trusted, await self._claims(token, self.trusted.audience))

    async def _claims(self, token: str, audience: str) -> Claims:
        header = signed.header_of(token)
        if header.get("alg") not in self.trusted.algorithms:
            raise NotGenuine("This token is signed in a way that is not taken here.")
        key = await self._key_for(header)
        return signed.read(
            token,
            key.key,
            algorithms=self.trusted.algorithms,
            issuer=self.trusted.issuer,
            audience=audience,
            leeway=LEEWAY,
        )

    async def _key_for(self, header: Mapping[str, Any]) -> _Key:
        """The key it names. One that is not known, or all when they are old, are asked for, now and then."""
        if not self._fitting(header) or monotonic() - self._read_at > READ_ANEW_AFTER:
            await self._learn()
        fitting = self._fitting(header)
        if not self._keys:
            raise Unavailable("The identity provider does not answer; try again shortly.")
        if len(fitting) != 1:
            raise NotGenuine("This token is signed by a key that is not known here.")
        return fitting[0]

    def _fitting(self, header: Mapping[str, Any]) -> list[_Key]:
        return [each for each in self._keys if each.fits(header)]

    async def _learn(self) -> None:
        """Keeps the keys there were while it does not answer."""
        async with self._turn:
            if monotonic() - self._asked_at < ASKED_AGAIN_AFTER:
                return
            self._asked_at = monotonic()
            try:
                about = await self._about_itself()
                published = await _get(about["jwks_uri"])
                self._keys = [_Key(*each) for each in signed.public_keys(published)]
                self._read_at = monotonic()
            except _failures() as failed:
                log.warning("identity provider away", issuer=self.trusted.issuer, error=type(failed).__name__)

    async def _about_itself(self) -> dict[str, Any]:
        if not self._about:
            about = await _get(f"{self.trusted.issuer.rstrip('/')}/.well-known/openid-configuration")
            if about["issuer"] != self.trusted.issuer:
                raise ValueError("it is another issuer than its address says")
            by_browser = ("authorization_endpoint", "token_endpoint") if self.trusted.client_id else ()
            for name in ("jwks_uri", *by_browser):
                self.trusted.require_safe(about[name])
            self._about = about
        return self._about

    async def asking(self, *, redirect: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser goes to sign in there."""
        about = await self._reachable()
        query = {
            "response_type": "code",
            "client_id": self.trusted.client_id,
            "redirect_uri": redirect,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        glue = "&" if "?" in about["authorization_endpoint"] else "?"
        return f"{about['authorization_endpoint']}{glue}{urlencode(query)}"

    async def answered(self, *, code: str, redirect: str, nonce: str, verifier: str, secret: str | None) -> Caller:
        """Who signed in there, for the code a browser brought back. Raises NotAuthenticated, Unavailable."""
        about = await self._reachable()
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "client_id": self.trusted.client_id,
            "code_verifier": verifier,
        }
        # Written as in a form before they are joined (RFC 6749, 2.3.1).
        known_as = (quote_plus(self.trusted.client_id), quote_plus(secret)) if secret else None
        try:
            given = await _post(about["token_endpoint"], sent, known_as)
        except _failures() as failed:
            raise Unavailable("The identity provider does not answer; try again shortly.") from failed
        if not isinstance(given, dict) or not isinstance(given.get("id_token"), str):
            raise NotAuthenticated("The identity provider did not confirm who you are. Try again.")
        claims = await self._claims(given["id_token"], self.trusted.client_id)
        if claims.get("nonce") != nonce:
            raise NotGenuine("This answer belongs to another sign-in.")
        return caller_of(self.trusted, claims)

    async def _reachable(self) -> dict[str, Any]:
        try:
            return await self._about_itself()
        except _failures() as failed:
            raise Unavailable("The identity provider does not answer; try again shortly.") from failed


class Issuers:
    """The trusted ones, by the name in their tokens."""

    def __init__(self, trusted: Iterable[TrustedIssuer]) -> None:
        self._by_name = {each.issuer: Issuer(each) for each in trusted}

    def of(self, token: str) -> Issuer | None:
        """Whose token it says it is; None for nobody's, and for ours."""
        return self._by_name.get(str(signed.claims_unread(token).get("iss"))) if self._by_name else None

    def by_key(self, key: str) -> Issuer | None:
        """One by which people sign in on pages."""
        return next((each for each in self.for_pages if each.trusted.key == key), None)

    @property
    def for_pages(self) -> list[Issuer]:
        return [each for each in self._by_name.values() if each.trusted.client_id]


def caller_of(trusted: TrustedIssuer, claims: Claims) -> Caller:
    """What an issuer's word counts for: roles in the organisations it may speak for, addresses of the own domains."""
    named = {_uuid(each) for each in _texts(claims.get(trusted.organisations_claim))} - {None}
    spoken_for = named if trusted.speaks_for == "all" else named & set(trusted.speaks_for)
    words = _texts(claims.get(trusted.roles_claim))
    roles = {trusted.roles.get(each) for each in words} if trusted.roles else set(words)
    if trusted.speaks_for != "all":
        roles.discard("admin")
    kept: frozenset[Role] = frozenset(role for role in ROLES if role in roles)
    organisations = frozenset(each for each in spoken_for if each is not None)
    if not organisations:
        kept &= {"admin"}
    return Caller(
        roles=kept, organisations=organisations, email=_email(trusted, claims), name=_text(claims.get("name"))
    )


def _email(trusted: TrustedIssuer, claims: Claims) -> str | None:
    """Its address, where the issuer has confirmed it and may speak for its domain: an address opens what is its."""
    email = _text(claims.get("email"))
    if email is None or "@" not in email or claims.get("email_verified") is not True:
        return None
    counts = trusted.email_domains == "all" or email_domain(email) in trusted.email_domains
    return email if counts else None


def _texts(claim: Any) -> list[str]:
    found = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return [each for each in found if isinstance(each, str)]


def _text(claim: Any) -> str | None:
    return claim if isinstance(claim, str) and len(claim) <= 254 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _failures() -> tuple[type[Exception], ...]:
    """What may go wrong in asking it: it is away, or answers what it should not."""
    import httpx

    return (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError)


async def _get(address: str) -> Any:
    async with _client() as client:
        return (await client.get(address)).raise_for_status().json()


async def _post(address: str, form: Mapping[str, Any], known_as: tuple[str, str] | None) -> Any:
    """What it answers, be it a refusal."""
    async with _client(known_as) as client:
        answer = await client.post(address, data=form)
        if answer.status_code >= 500:
            answer.raise_for_status()
        return answer.json()


def _client(known_as: tuple[str, str] | None = None) -> "httpx.AsyncClient":
    # Imported late: without an identity provider nobody needs it. No redirects: its addresses are what it says.
    import httpx

    return httpx.AsyncClient(auth=known_as, timeout=ANSWERS_WITHIN, follow_redirects=False)
