"""Links that open exactly one thing, and ticket codes: made from secrets of their own each, never stored."""

import base64
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.problems import LinkExpired, NotFound
from shared.settings import ServiceName

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
    CONFIRMATION = 8
    SIGN_UP = 9  # answered to whoever signs up: it was mailed to nobody, and speaks for nobody's address
    SIGN_IN = 10


# What each service makes or reads; notify mails every link, so it holds what all are derived from.
SHARES: dict[ServiceName, tuple[str, ...]] = {
    "events": ("registration", "confirmation", "sign_up", "attendee", "calendar", "ticket", "form", "cursor"),
    "matching": ("profile", "introduction", "sign_in", "form", "cursor"),
}
NAMES = (*(purpose.name.lower() for purpose in Purpose), "ticket", "form", "cursor")
_SHARE = "share:"


def _derived(secret: str, name: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"videnbro link {name}".encode()).derive(secret.encode())


def share_of(secret: str, service: ServiceName) -> str:
    """The link secret as that service is told it: of notify whole, of the others what they need derived from it."""
    if service not in SHARES:
        return secret
    written = (f"{name}={base64.urlsafe_b64encode(_derived(secret, name)).decode()}" for name in SHARES[service])
    return _SHARE + ",".join(written)


def _secrets_in(told: str) -> dict[str, bytes]:
    if not told.startswith(_SHARE):
        return {name: _derived(told, name) for name in NAMES}
    parts = (each.partition("=") for each in told.removeprefix(_SHARE).split(","))
    return {name: base64.urlsafe_b64decode(written) for name, _, written in parts}


@dataclass(frozen=True, slots=True)
class Link:
    """A key read and found genuine. Whoever owns the thing compares `version`: an older one is revoked."""

    purpose: Purpose
    id: UUID
    version: int

    def check(self, version: int) -> None:
        if self.version != version:
            raise LinkExpired("This link was replaced by a newer one. Ask for it to be sent again.")


_WRITTEN_KEY = re.compile(rb"(?<=key=)[A-Za-z0-9_-]{52}(?![A-Za-z0-9_-])")
# Between characters that JSON never holds as they are: nobody can have written one into a text.
_UNPROVEN_KEY = re.compile(rb"\x01([A-Za-z0-9_-]{31})\x01")


class Links:
    """Keys and ticket codes, derived by HMAC-SHA-256 from the cluster's secret, or a share of it, and never stored."""

    _FORM = struct.Struct(">B16sHI")
    _MAC = 16

    def __init__(self, secret: str) -> None:
        self._secrets = _secrets_in(secret)

    def _mac(self, name: str, data: bytes) -> bytes:
        """Raises KeyError for what this process has no share of."""
        return hmac.digest(self._secrets[name], data, hashlib.sha256)

    def _link_mac(self, data: bytes) -> bytes:
        return self._mac(Purpose(data[0]).name.lower(), data)[: self._MAC]

    def key(self, purpose: Purpose, thing: UUID, version: int, expires_at: datetime | None = None) -> str:
        """52 characters of URL-safe base64."""
        expiry = int(expires_at.timestamp()) if expires_at else 0
        data = self._FORM.pack(purpose, thing.bytes, version & 0xFFFF, min(expiry, 0xFFFFFFFF))
        return self._signed(data)

    def _signed(self, data: bytes) -> str:
        return base64.urlsafe_b64encode(data + self._link_mac(data)).decode().rstrip("=")

    def _proven(self, key: str) -> bytes:
        """What the key says. Raises NotFound for one that we never made."""
        try:
            raw = _unwritten(key)
            data, mac = raw[: self._FORM.size], raw[self._FORM.size :]
            self._FORM.unpack(data)
            ours = self._link_mac(data)
        except (ValueError, KeyError, struct.error) as unreadable:
            raise NotFound("This link is not complete. Open it from the mail, or copy all of it.") from unreadable
        if not hmac.compare_digest(mac, ours):
            raise NotFound("This link is not complete. Open it from the mail, or copy all of it.")
        return data

    def read(self, key: str) -> Link:
        """Raises NotFound for what we never made, LinkExpired for what is over."""
        purpose, thing, version, expiry = self._FORM.unpack(self._proven(key))
        if expiry and expiry < datetime.now(UTC).timestamp():
            raise LinkExpired()
        return Link(Purpose(purpose), UUID(bytes=thing), version)

    def without_proofs(self, answer: bytes) -> bytes:
        """A JSON answer as it may be kept: of each key in it only what it says, not what makes it open anything."""
        return _WRITTEN_KEY.sub(self._unproven, answer)

    def _unproven(self, found: re.Match[bytes]) -> bytes:
        try:
            return b"\x01" + base64.urlsafe_b64encode(self._proven(found[0].decode())).rstrip(b"=") + b"\x01"
        except NotFound:
            return found[0]

    def with_proofs(self, kept: bytes) -> bytes:
        """The answer again, its keys derived anew."""
        return _UNPROVEN_KEY.sub(lambda found: self._signed(_bytes_of(found[1].decode())).encode(), kept)

    def ticket_code(self, attendee: UUID, version: int) -> str:
        """What lets one attendee in: 16 characters of base32, 80 bits. A hand-over raises the version."""
        mac = self._mac("ticket", attendee.bytes + struct.pack(">H", version & 0xFFFF))
        return base64.b32encode(mac[:10]).decode()

    def form_proof(self, key: str) -> str:
        """What a form of a page must send back: another site cannot know it (CSRF)."""
        return self._mac("form", key.encode()).hex()[:32]

    def cursor_proof(self, data: bytes) -> bytes:
        return self._mac("cursor", data)[:8]


def _unwritten(key: str) -> bytes:
    """Raises ValueError for other ways to write the same bytes: the decoder passes over what it does not know."""
    raw = _bytes_of(key)
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != key:
        raise ValueError("not written as our keys are")
    return raw


def _bytes_of(written: str) -> bytes:
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def ticket_hash(code: str) -> bytes:
    """What the database keeps of a code."""
    return hashlib.sha256(code.strip().upper().encode()).digest()
