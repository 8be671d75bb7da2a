"""API keys: made, shown and revoked here, and told to the other services without their text."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import IssuedKey
from shared.access import api_keys
from shared.access.caller import Caller, Scope
from shared.contracts.matching import ApiKeyFacts, ApiKeyIssued, ApiKeyRevoked, KeyRole
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.problems import Invalid, NotFound
from shared.telemetry import get_logger

log = get_logger()

LASTS_AT_MOST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key as somebody asks for it."""

    name: str
    role: KeyRole
    organisation_id: UUID
    expires_at: datetime
    events: Sequence[UUID] = ()
    scopes: Sequence[Scope] = ()

    def check(self) -> None:
        """Raises Invalid for what no key can be."""
        if not utc_now() < self.expires_at <= utc_now() + LASTS_AT_MOST:
            raise Invalid.field("/expires_at", f"must be within the next {LASTS_AT_MOST.days} days")
        if (self.role == "door") != bool(self.events):
            raise Invalid.field("/events", "a `door` names the events whose doors it keeps, an `integration` none")
        if (self.role == "integration") != bool(self.scopes):
            raise Invalid.field("/scopes", "an `integration` names what it reads, a `door` nothing")


async def issue(session: AsyncSession, wanted: Wanted, by: str) -> tuple[IssuedKey, str]:
    """A new key and its text, which is nowhere but in this answer."""
    wanted.check()
    text = api_keys.new_key(wanted.role)
    told = asdict(wanted) | {"events": [str(event) for event in wanted.events], "scopes": list(wanted.scopes)}
    key = IssuedKey(**told, sha256=api_keys.fingerprint(text), issued_by=by)
    session.add(key)
    await _tell(session, key)
    log.info("API key issued", api_key=str(key.id), role=key.role, by=by)
    return key, text


async def revoke(session: AsyncSession, caller: Caller, key_id: UUID) -> None:
    """Ends a key everywhere, for good; ending it again changes nothing."""
    key = await session.get(IssuedKey, key_id, with_for_update=True)
    if key is None or not caller.organises(key.organisation_id):
        raise NotFound("There is no such API key.")
    if key.revoked_at is None:
        await _end(session, key)
        log.info("API key revoked", api_key=str(key_id), by=caller.email)


async def leave(session: AsyncSession, organisations: Collection[UUID]) -> None:
    """Ends the keys of organisations that are erased; what stays names nobody."""
    theirs = select(IssuedKey).where(col(IssuedKey.organisation_id).in_(organisations)).with_for_update()
    for key in await session.exec(theirs):
        key.name = key.issued_by = ""
        if key.revoked_at is None:
            await _end(session, key)


async def _end(session: AsyncSession, key: IssuedKey) -> None:
    key.revoked_at = utc_now()
    key.version += 1
    session.add(key)
    await _tell(session, key)


async def _tell(session: AsyncSession, key: IssuedKey) -> None:
    told = told_of(key)
    await api_keys.keep(session, told)
    tell(session, told)


def told_of(key: IssuedKey) -> ApiKeyFacts:
    """A key as it stands."""
    kind = ApiKeyIssued if key.revoked_at is None else ApiKeyRevoked
    facts = key.model_dump(include={"version", "role", "organisation_id", "scopes", "events", "expires_at"})
    return kind(**facts, api_key_id=key.id, sha256=key.sha256.hex())


async def list_keys(session: AsyncSession, caller: Caller, after: UUID | None, limit: int) -> Sequence[IssuedKey]:
    """Those of the organisations the caller organises for, the oldest first; the secretariat sees all."""
    statement = select(IssuedKey).order_by(col(IssuedKey.id)).limit(limit)
    if not caller.is_admin:
        statement = statement.where(col(IssuedKey.organisation_id).in_(caller.acts_as("organiser")))
    if after is not None:
        statement = statement.where(col(IssuedKey.id) > after)
    return (await session.exec(statement)).all()


async def keys_of(session: AsyncSession, organisation_id: UUID) -> Sequence[IssuedKey]:
    statement = select(IssuedKey).where(IssuedKey.organisation_id == organisation_id)
    return (await session.exec(statement.order_by(col(IssuedKey.id)))).all()
