"""Attendance figures and the recount over HTTP."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from services.events import programme
from services.events.attendance import Attendance, Recount, attendance, recount
from services.events.routes.events import EventReference
from shared.auth import Caller, KnownCaller
from shared.database import Reading
from shared.problems import LinkExpired, NotAllowed, NotAuthenticated, NotFound, documented

router = APIRouter(prefix="/v1/events/{event}", tags=["attendance"])

_OWN = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired)


class AttendanceView(BaseModel):
    """`per_quarter` counts first check-ins by the quarter of an hour, in UTC."""

    expected: int
    checked_in: int
    inside: int
    waitlisted: int
    by_ticket_type: list[dict[str, Any]]
    by_organisation: list[dict[str, Any]]
    per_quarter: list[dict[str, Any]]


class QuotaView(BaseModel):
    kind: str
    key: str
    capacity: int | None
    taken: int
    held: int
    offered: int
    free: int | None


class CapacityView(BaseModel):
    """Every quota recounted from rows; `violations` must be empty."""

    quotas: list[QuotaView]
    violations: list[str]


@router.get("/attendance", responses=_OWN)
async def get_attendance(event: EventReference, caller: KnownCaller, session: Reading) -> AttendanceView:
    seen = await programme.find(session, event, caller)
    _require_door(caller, seen.event.organisation_id)
    found: Attendance = await attendance(session, seen.event)
    return AttendanceView.model_validate(found, from_attributes=True)


def _require_door(caller: Caller, organisation: Any) -> None:
    caller.require(caller.organises(organisation), may_see=True)


@router.get("/capacity", responses=_OWN)
async def get_capacity(event: EventReference, caller: KnownCaller, session: Reading) -> CapacityView:
    seen = await programme.find(session, event, caller)
    caller.require(caller.organises(seen.event.organisation_id), may_see=True)
    found: Recount = await recount(session, seen.event)
    return CapacityView(
        quotas=[QuotaView.model_validate(quota, from_attributes=True) for quota in found.quotas],
        violations=list(found.violations),
    )
