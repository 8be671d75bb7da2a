"""Members over HTTP: a manager's and the secretariat's."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from services.matching.organisations import members
from services.matching.organisations.members import AlreadyMember
from services.matching.organisations.sight import find_seen, sight_of
from services.matching.routes.organisations import OWN, OrganisationId
from services.matching.tables import Member
from shared.access.caller import Caller
from shared.contracts.matching import MemberRole
from shared.fields import Email, Input, Language, Line
from shared.http.callers import KnownCaller
from shared.http.lists import Page
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.idempotency import KeyReused

router = APIRouter(prefix="/v1/organisations/{organisation}/members", tags=["members"], route_class=OnceRoute)


class MemberInput(Input):
    name: Line
    email: Email
    role: MemberRole = "member"
    language: Language = "da"


class MemberView(BaseModel):
    id: UUID
    name: str
    email: str
    role: MemberRole
    language: Language
    added_at: datetime


def _view(member: Member) -> MemberView:
    return MemberView.model_validate(member, from_attributes=True)


async def _find_managed(session: Reading, caller: Caller, organisation_id: UUID) -> UUID:
    """Whoever may see the organisation is told that managing its members is not theirs; others find nothing."""
    organisation = await find_seen(session, await sight_of(session, caller), organisation_id)
    caller.require(caller.manages(organisation.id), may_see=True)
    return organisation.id


@router.get("", responses=OWN)
async def list_members(organisation: OrganisationId, caller: KnownCaller, session: Reading) -> Page[MemberView]:
    """All of them, by name."""
    managed = await _find_managed(session, caller, organisation)
    return Page(items=[_view(member) for member in await members.list_members(session, managed)])


@router.post("", status_code=201, responses={**OWN, **documented(AlreadyMember, KeyReused)})
async def add_member(
    organisation: OrganisationId, body: MemberInput, caller: KnownCaller, session: Transaction, _: IdempotencyKey = None
) -> MemberView:
    """Lets a person act for the organisation."""
    managed = await _find_managed(session, caller, organisation)
    return _view(
        await members.add(session, managed, name=body.name, email=body.email, role=body.role, language=body.language)
    )


@router.delete("/{member}", status_code=204, responses=OWN)
async def remove_member(
    organisation: OrganisationId,
    member: Annotated[UUID, Path(description="The member's id")],
    caller: KnownCaller,
    session: Transaction,
) -> Response:
    """Forgets the person as a member."""
    await members.remove(session, await _find_managed(session, caller, organisation), member)
    return Response(status_code=204)
