"""Erasing an organisation over HTTP, and the report of what every service erased."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.matching.leaving import erasures
from services.matching.leaving.erasures import AskedBy, OrganisesEvents, Report
from services.matching.organisations.sight import find_managed
from services.matching.routes.organisations import OWN, OrganisationId
from shared.access.caller import Caller
from shared.http.callers import KnownCaller
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import NextStep, WrongStatus
from shared.settings import ServiceName

router = APIRouter(prefix="/v1/organisations/{organisation}", tags=["organisations"])


class ErasureAnswer(BaseModel):
    """`erased` is what goes here, by what it is; the report tells what the other services erase."""

    organisation: UUID
    dry_run: bool
    erased: dict[str, int]
    next_steps: list[NextStep]


class KeptView(BaseModel):
    what: str
    count: int
    why: str | None


class ErasedByView(BaseModel):
    """What one service erased, by what it is, what it kept and why, and when."""

    service: ServiceName
    erased: dict[str, int]
    kept: list[KeptView]
    at: datetime


class ErasureReportView(BaseModel):
    """`complete` when every service has answered; `missing` are those that have not.

    `organisations` are the one and those that were merged into it before."""

    id: UUID
    organisations: list[UUID]
    status: Literal["collecting", "complete"]
    missing: list[ServiceName]
    parts: list[ErasedByView]
    asked_by: AskedBy
    asked_at: datetime


def _answer(organisation: UUID, erased: dict[str, int], *, dry_run: bool = False) -> ErasureAnswer:
    href = f"/v1/organisations/{organisation}"
    step = (
        NextStep(action="erase", label="Erase it; this cannot be undone", href=href)
        if dry_run
        else NextStep(action="read_report", label="See what every service erased", href=f"{href}/erasure")
    )
    return ErasureAnswer(organisation=organisation, dry_run=dry_run, erased=erased, next_steps=[step])


def _asked_by(caller: Caller) -> AskedBy:
    if caller.link is not None:
        return "link"
    return "secretariat" if caller.is_admin else "manager"


@router.delete(
    "",
    status_code=202,
    responses={
        **OWN,
        **documented(OrganisesEvents, WrongStatus),
        200: {"model": ErasureAnswer, "description": "A dry run, or it was erased before"},
    },
)
async def erase_organisation(
    organisation: OrganisationId,
    caller: KnownCaller,
    session: Transaction,
    response: Response,
    dry_run: Annotated[bool, Query(description="Only say what would be erased here")] = False,
) -> ErasureAnswer:
    """Erases an organisation everywhere, for good; for its manager, its profile link and the secretariat.

    Sign-ups stay: they are people's own, and only no longer the organisation's."""
    if await erasures.is_erased(session, organisation):
        response.status_code = 200
        report = await erasures.report_for(session, caller, organisation)
        return _answer(organisation, report.erased_here)
    found = await find_managed(session, caller, organisation)
    if dry_run:
        response.status_code = 200
        return _answer(found.id, await erasures.preview(session, found.id), dry_run=True)
    return _answer(found.id, await erasures.erase(session, found.id, asked_by=_asked_by(caller)))


@router.get("/erasure", responses=OWN)
async def get_erasure(organisation: OrganisationId, caller: KnownCaller, session: Reading) -> ErasureReportView:
    """What every service erased of an organisation, and what it kept and why; also for who could ask for it."""
    return _view(await erasures.report_for(session, caller, organisation))


def _view(report: Report) -> ErasureReportView:
    return ErasureReportView.model_validate(
        {
            **report.erasure.model_dump(include={"id", "asked_by", "asked_at"}),
            "organisations": sorted(each.organisation_id for each in report.organisations),
            "status": "collecting" if report.missing else "complete",
            "missing": report.missing,
            "parts": [asdict(part) for part in report.parts],
        }
    )
