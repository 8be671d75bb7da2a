"""Who calls: JWTs of the local issuer, and links that open exactly one thing."""

import base64
import hashlib
import hmac
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import Depends, Request
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import database_of
from shared.problems import LinkExpired, NotAllowed, NotAuthenticated, NotFound
from shared.settings import ServiceSettings

Role = Literal["member", "manager", "organiser", "door", "integration", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
ISSUER = AUDIENCE = "videnbro"
_ALGORITHM = "EdDSA"


LINKS_LAST = timedelta(days=90)


def link_expiry(event_ends_at: datetime) -> datetime:
    """When the links of a registration, its attendees and their calendars are over: as long as data is kept."""
    return event_ends_at + LINKS_LAST


class Purpose(IntEnum):
    """What a link opens. The number is part of the key: never reuse one."""

    REGISTRATION = 1
    ATTENDEE = 2
    PROFILE = 3
    CONTACT = 4
    INTRODUCTION = 5
    CALENDAR = 6
    UNSUBSCRIBE = 7


@dataclass(frozen=True, slots=True)
class Link:
    """A key read and found genuine. Whoever owns the thing compares `version`: an older one is revoked."""

    purpose: Purpose
    id: UUID
    version: int

    def check(self, version: int) -> None:
        if self.version != version:
            raise LinkExpired("This link was replaced by a newer one. Ask for it to be sent again.")


class Links:
    """Keys and ticket codes, derived by HMAC-SHA-256 from one secret of the cluster and never stored."""

    _FORM = struct.Struct(">B16sHI")
    _MAC = 16

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def _mac(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._secret, purpose + b"\0" + data, hashlib.sha256)

    def key(self, purpose: Purpose, thing: UUID, version: int, expires_at: datetime | None = None) -> str:
        """52 characters of URL-safe base64."""
        expiry = int(expires_at.timestamp()) if expires_at else 0
        data = self._FORM.pack(purpose, thing.bytes, version & 0xFFFF, min(expiry, 0xFFFFFFFF))
        return base64.urlsafe_b64encode(data + self._mac(b"link", data)[: self._MAC]).decode().rstrip("=")

    def read(self, key: str) -> Link:
        """Raises NotFound for what we never made, LinkExpired for what is over."""
        try:
            raw = _unwritten(key)
            data, mac = raw[: self._FORM.size], raw[self._FORM.size :]
            purpose, thing, version, expiry = self._FORM.unpack(data)
            known = Purpose(purpose)
        except (ValueError, struct.error) as unreadable:
            raise NotFound("This link is not complete. Open it from the mail, or copy all of it.") from unreadable
        if not hmac.compare_digest(mac, self._mac(b"link", data)[: self._MAC]):
            raise NotFound("This link is not complete. Open it from the mail, or copy all of it.")
        if expiry and expiry < datetime.now(UTC).timestamp():
            raise LinkExpired()
        return Link(known, UUID(bytes=thing), version)

    def ticket_code(self, attendee: UUID, version: int) -> str:
        """What lets one attendee in: 16 characters of base32, 80 bits. A hand-over raises the version."""
        mac = self._mac(b"ticket", attendee.bytes + struct.pack(">H", version & 0xFFFF))
        return base64.b32encode(mac[:10]).decode()

    def form_proof(self, key: str) -> str:
        """What a form of a page must send back: another site cannot know it (CSRF)."""
        return self._mac(b"form", key.encode()).hex()[:32]

    def cursor_proof(self, data: bytes) -> bytes:
        return self._mac(b"cursor", data)[:8]


def _unwritten(key: str) -> bytes:
    """Raises ValueError for other ways to write the same bytes: the decoder passes over what it does not know."""
    raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != key:
        raise ValueError("not written as our keys are")
    return raw


def ticket_hash(code: str) -> bytes:
    """What the database keeps of a code."""
    return hashlib.sha256(code.strip().upper().encode()).digest()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Nobody in particular unless a JWT or a link says otherwise."""

    roles: frozenset[Role] = frozenset()
    organisations: frozenset[UUID] = frozenset()
    email: str | None = None
    name: str | None = None
    link: Link | None = field(default=None)

    @property
    def known(self) -> bool:
        return bool(self.roles) or self.link is not None

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    def has(self, role: Role, organisation: UUID | None) -> bool:
        return self.is_admin or (role in self.roles and organisation in self.organisations)

    def organises(self, organisation: UUID | None) -> bool:
        return self.has("organiser", organisation)

    def manages(self, organisation: UUID | None) -> bool:
        return self.has("manager", organisation)

    def belongs_to(self, organisation: UUID | None) -> bool:
        return self.has("member", organisation) or self.has("manager", organisation)

    def holds(self, purpose: Purpose, thing: UUID, version: int) -> bool:
        """Whether the caller's link opens this; an outdated link for it raises LinkExpired."""
        if self.link is None or self.link.purpose is not purpose or self.link.id != thing:
            return False
        self.link.check(version)
        return True

    def require(self, allowed: bool, *, may_see: bool = False) -> None:
        """Raises what fits: 401 for nobody, 403 for who may see but not do, 404 for who may not see."""
        if allowed:
            return
        if not self.known:
            raise NotAuthenticated()
        raise NotAllowed() if may_see else NotFound()


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


def new_key_pair() -> tuple[str, str]:
    """A private and a public Ed25519 key, PEM."""
    private = Ed25519PrivateKey.generate()
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


def tokens_of(settings: ServiceSettings) -> Tokens:
    private = settings.jwt_private_key
    return Tokens(settings.jwt_public_key, private.get_secret_value() if private else None)


ANYBODY = "anybody"

_bearer = HTTPBearer(scheme_name="bearer", auto_error=False, description="A JWT of a trusted issuer")
_link = APIKeyQuery(name="key", scheme_name="link", auto_error=False, description="The key of a mailed link")
# Marks the operations that need no credentials: `documents` turns it into the empty requirement.
_optional = HTTPBearer(scheme_name=ANYBODY, auto_error=False)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
Key = Annotated[str | None, Depends(_link)]


# The organisations that a token's go on as, each service by its own copy: one may have been merged since it was signed.
ActsFor = Callable[[AsyncSession, frozenset[UUID]], Awaitable[frozenset[UUID]]]


async def _read_caller(request: Request, bearer: HTTPAuthorizationCredentials | None, key: str | None) -> Caller:
    if bearer is not None:
        tokens: Tokens = request.app.state.tokens
        return await _as_now(request, tokens.read(bearer.credentials))
    if request.headers.get("Authorization"):
        raise NotAuthenticated("Only `Authorization: Bearer <token>` is understood.")
    if not key:
        return Caller()
    links: Links = request.app.state.links
    try:
        return Caller(link=links.read(key))
    except NotFound as unreadable:
        raise NotAuthenticated(unreadable.detail) from unreadable


async def _as_now(request: Request, caller: Caller) -> Caller:
    acts_for: ActsFor | None = request.app.state.acts_for
    if acts_for is None or not caller.organisations:
        return caller
    async with database_of(request).reading() as session:
        return replace(caller, organisations=await acts_for(session, caller.organisations))


async def _any_caller(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_optional)], key: Key
) -> Caller:
    return await _read_caller(request, bearer, key)


async def _known_caller(request: Request, bearer: Bearer, key: Key) -> Caller:
    caller = await _read_caller(request, bearer, key)
    if not caller.known:
        raise NotAuthenticated()
    return caller


AnyCaller = Annotated[Caller, Depends(_any_caller)]
KnownCaller = Annotated[Caller, Depends(_known_caller)]


def links_of(request: Request) -> Links:
    links: Links = request.app.state.links
    return links


TheLinks = Annotated[Links, Depends(links_of)]
