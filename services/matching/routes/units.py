"""Units over HTTP: what says that it belongs to an organisation, and that one's word on it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from services.matching.organisations import units
from services.matching.organisations.sight import find_managed
from services.matching.routes.organisations import OWN, OrganisationId
from services.matching.tables import Organisation
from shared.http.callers import KnownCaller
from shared.http.lists import Page
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import WrongStatus

router = APIRouter(prefix="/v1/organisations/{organisation}/units", tags=["organisations"])

UnitId = Annotated[UUID, Path(description="The unit's id")]


class UnitView(BaseModel):
    """`stated`: it says so itself, and it neither lists nor counts as one before it is accepted."""

    id: UUID
    name: str
    kind: str | None
    status: Literal["stated", "accepted"]


def _view(unit: Organisation) -> UnitView:
    status: Literal["stated", "accepted"] = "stated" if unit.parent is None else "accepted"
    return UnitView(id=unit.id, name=unit.name, kind=unit.kind, status=status)


@router.get("", responses=OWN)
async def list_units(organisation: OrganisationId, caller: KnownCaller, session: Reading) -> Page[UnitView]:
    """All of them, by name; for the manager, the profile link and the secretariat."""
    found = await find_managed(session, caller, organisation)
    return Page(items=[_view(unit) for unit in await units.list_of(session, found.id)], next_cursor=None)


@router.post("/{unit}/accept", responses={**OWN, **documented(WrongStatus)})
async def accept_unit(
    organisation: OrganisationId, unit: UnitId, caller: KnownCaller, session: Transaction
) -> UnitView:
    """Says that it is one: from now on it is listed and counted as such."""
    found = await find_managed(session, caller, organisation)
    return _view(await units.accept(session, found.id, unit))


@router.post("/{unit}/refuse", status_code=204, responses=OWN)
async def refuse_unit(
    organisation: OrganisationId, unit: UnitId, caller: KnownCaller, session: Transaction
) -> Response:
    """Says that it is none. It stands alone; nobody is told."""
    found = await find_managed(session, caller, organisation)
    await units.part(session, found.id, unit)
    return Response(status_code=204)


@router.delete("/{unit}", status_code=204, responses=OWN)
async def remove_unit(
    organisation: OrganisationId, unit: UnitId, caller: KnownCaller, session: Transaction
) -> Response:
    """Ends that it is one. It stays, and stands alone."""
    found = await find_managed(session, caller, organisation)
    await units.part(session, found.id, unit)
    return Response(status_code=204)
