"""API keys: how a service knows one again, by its own copy of what matching told of it."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, LargeBinary, MetaData, String, Table, UniqueConstraint, Uuid, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from shared.access.caller import ROLES, SCOPES, Caller
from shared.contracts.matching import ApiKeyFacts, ApiKeyRevoked, KeyRole
from shared.database import insert_for, new_metadata
from shared.problems import NotAuthenticated

# Whoever finds one knows what it is, and so do the programs that look for keys in published code.
PREFIX = "videnbro_"
_BYTES = 32

_own = new_metadata()
# The same in every service, matching too. A revoked key stays as a row, so that nothing told late revives it.
_api_keys = Table(
    "api_keys",
    _own,
    Column("id", Uuid, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("role", String(20), nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("events", JSON, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("revoked_at", UTCDateTime),
    UniqueConstraint("sha256"),
)


def add_to(metadata: MetaData) -> None:
    """Lets a service's migrations see the table as its own."""
    _api_keys.to_metadata(metadata)


def new_key(role: KeyRole) -> str:
    """32 random bytes, after what they are for."""
    return f"{PREFIX}{role}_{secrets.token_urlsafe(_BYTES)}"


def fingerprint(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def is_api_key(credentials: str) -> bool:
    return credentials.startswith(PREFIX)


async def keep(session: AsyncSession, told: ApiKeyFacts) -> None:
    """Keeps what was told of a key, in whatever order and however often: once it is revoked, it stays so."""
    revoked_at = datetime.now(UTC) if isinstance(told, ApiKeyRevoked) else None
    row = told.model_dump(include={"role", "organisation_id", "scopes", "expires_at"}) | {
        "id": told.api_key_id,
        "sha256": bytes.fromhex(told.sha256),
        "events": [str(event) for event in told.events],
        "revoked_at": revoked_at,
    }
    connection = await session.connection()
    statement = insert_for(connection)(_api_keys).values(row)
    merely_told = func.coalesce(_api_keys.c.revoked_at, statement.excluded.revoked_at)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"revoked_at": merely_told}))


async def read(session: AsyncSession, key: str) -> Caller:
    """Whose key it is. Raises NotAuthenticated for one that is not known here, revoked or over."""
    statement = select(_api_keys).where(_api_keys.c.sha256 == fingerprint(key))
    row = (await (await session.connection()).execute(statement)).first()
    if row is None or row.revoked_at is not None:
        raise NotAuthenticated("This API key is not valid here.")
    if row.expires_at <= datetime.now(UTC):
        raise NotAuthenticated("This API key is over. Ask for a new one.")
    return _caller(row)


def _caller(row: Any) -> Caller:
    return Caller(
        roles=frozenset(role for role in ROLES if role == row.role),
        organisations=frozenset((row.organisation_id,)),
        events=frozenset(map(UUID, row.events)),
        scopes=frozenset(scope for scope in SCOPES if scope in row.scopes),
    )
