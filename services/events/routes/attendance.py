"""Attendance figures and the recount over HTTP."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from services.events.door.attendance import Attendance, Recount, Share, attendance, recount
from services.events.programme import programme
from services.events.routes.events import EventReference
from shared.http.callers import KnownCaller
from shared.http.rendering import documented
from shared.http.sessions import Reading
from shared.problems import LinkExpired, NotAllowed, NotAuthenticated, NotFound

router = APIRouter(prefix="/v1/events/{event}", tags=["attendance"])

_OWN = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired)


class ShareView(BaseModel):
    """Of one ticket type, or of one organisation; `key` null for who has none."""

    key: str | None
    name: str | None
    expected: int
    checked_in: int


class QuarterView(BaseModel):
    """First check-ins in the quarter of an hour from `starts_at`."""

    starts_at: datetime
    checked_in: int


class AttendanceView(BaseModel):
    """`expected` and `checked_in` count who is confirmed, `inside` who has not gone out again."""

    expected: int
    checked_in: int
    inside: int
    waitlisted: int
    by_ticket_type: list[ShareView]
    by_organisation: list[ShareView]
    per_quarter: list[QuarterView]


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
    at_door = caller.keeps_door(seen.event.id, seen.event.organisation_id)
    caller.require(at_door or caller.reads(seen.event.organisation_id), may_see=True)
    return _view(await attendance(session, seen.event))


def _view(found: Attendance) -> AttendanceView:
    return AttendanceView(
        **{name: getattr(found, name) for name in ("expected", "checked_in", "inside", "waitlisted")},
        by_ticket_type=[_share(each) for each in found.by_ticket_type],
        by_organisation=[_share(each) for each in found.by_organisation],
        per_quarter=[QuarterView(starts_at=each.starts_at, checked_in=each.checked_in) for each in found.per_quarter],
    )


def _share(share: Share) -> ShareView:
    key = None if share.key is None else str(share.key)
    return ShareView(key=key, name=share.name, expected=share.expected, checked_in=share.checked_in)


@router.get("/capacity", responses=_OWN)
async def get_capacity(event: EventReference, caller: KnownCaller, session: Reading) -> CapacityView:
    seen = await programme.find(session, event, caller)
    caller.require(caller.reads(seen.event.organisation_id), may_see=True)
    found: Recount = await recount(session, seen.event)
    return CapacityView(
        quotas=[QuotaView.model_validate(quota, from_attributes=True) for quota in found.quotas],
        violations=list(found.violations),
    )
