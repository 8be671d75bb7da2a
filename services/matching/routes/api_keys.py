"""API keys over HTTP: for who organises events, and for the secretariat.

Their answers are not remembered for an `Idempotency-Key`: a key is shown once, and its text is kept nowhere.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.matching.organisations.sight import id_now
from services.matching.tables import IssuedKey
from services.matching.ways_in import keys
from services.matching.ways_in.keys import Wanted
from shared.access.caller import Caller, Scope
from shared.contracts.matching import KeyRole
from shared.fields import Input, Line
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import Invalid, LinkExpired, NotAllowed, NotAuthenticated, NotFound

router = APIRouter(prefix="/v1/api-keys", tags=["api keys"])

_OWN = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired)


class ApiKeyInput(Input):
    """A `door` names its `events`, an `integration` its `scopes`. `organisation` is the caller's own if it has one."""

    name: Line
    role: KeyRole
    organisation: UUID | None = None
    events: Annotated[list[UUID], Field(max_length=50)] = []
    scopes: Annotated[list[Scope], Field(max_length=10)] = []
    expires_at: AwareDatetime


class ApiKeyView(BaseModel):
    id: UUID
    name: str
    role: KeyRole
    organisation_id: UUID
    events: list[UUID]
    scopes: list[str]
    expires_at: datetime
    revoked_at: datetime | None
    issued_by: str
    issued_at: datetime

    @classmethod
    def of(cls, key: IssuedKey) -> "ApiKeyView":
        return cls.model_validate(key, from_attributes=True)


class NewApiKey(ApiKeyView):
    """`key` is shown this once: it is kept nowhere."""

    key: str


@router.post("", status_code=201, responses=_OWN)
async def create_api_key(body: ApiKeyInput, caller: KnownCaller, session: Transaction, response: Response) -> NewApiKey:
    """A key for another system, or for the doors of named events: sent as `Authorization: Bearer <key>`."""
    organisation = await _organised(session, caller, body.organisation)
    wanted = Wanted(**body.model_dump(exclude={"organisation"}), organisation_id=organisation)
    key, text = await keys.issue(session, wanted, caller.email or caller.name or "no address")
    response.headers["Cache-Control"] = "no-store"
    return NewApiKey(**ApiKeyView.of(key).model_dump(), key=text)


async def _organised(session: Transaction, caller: Caller, named: UUID | None) -> UUID:
    """Whose key it will be: the organisation named, or the only one the caller organises for."""
    own = caller.acts_as("organiser")
    caller.require(bool(own) or caller.is_admin, may_see=True)
    if named is None and len(own) != 1:
        raise Invalid.field("/organisation", "say whose events or data the key is for")
    organisation = await id_now(session, named) if named else next(iter(own))
    caller.require(caller.organises(organisation), may_see=True)
    return organisation


@router.get("", responses=_OWN)
async def list_api_keys(
    caller: KnownCaller, session: Reading, links: TheLinks, limit: Limit = 20, cursor: Cursor = None
) -> Page[ApiKeyView]:
    """The oldest first, those that are over too; without their texts."""
    caller.require(bool(caller.acts_as("organiser")) or caller.is_admin, may_see=True)
    found = await keys.list_keys(session, caller, id_after(links, cursor), limit + 1)
    return Page.of(links, found, limit, ApiKeyView.of, id_of)


@router.delete("/{api_key}", status_code=204, responses=_OWN)
async def revoke_api_key(
    api_key: Annotated[UUID, Path(description="The key's id")], caller: KnownCaller, session: Transaction
) -> Response:
    """Ends a key in every service, within seconds while the bus is up."""
    await keys.revoke(session, caller, api_key)
    return Response(status_code=204)
