"""The door over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, model_validator

from services.events.door import check_ins
from services.events.door.check_ins import Result, Scan
from services.events.programme import programme
from services.events.routes.event_input import Time, aware
from services.events.routes.events import EventReference
from services.events.tables import CheckIn, Event
from shared.access.caller import Caller
from shared.fields import Input, Line, utc_now
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.pages import page_language
from shared.problems import LinkExpired, NotAllowed, NotAuthenticated, NotFound, WrongStatus

router = APIRouter(prefix="/v1/events/{event}/check-ins", tags=["check-ins"])

_OWN = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired)

ShortLine = Annotated[Line, Field(max_length=80)]


# Whatever stands in a QR code: what is no ticket is answered, not refused.
Scanned = Annotated[str, Field(max_length=4_000)]


class ScanInput(Input):
    """`code` as the scanner read it (the ticket's whole address) or as it is printed, or `attendee`.

    `nonce` is the device's own id of the scan: the same, the same answer.
    """

    code: Scanned | None = None
    attendee: UUID | None = None
    nonce: ShortLine
    device: ShortLine
    at: Time | None = None
    door: ShortLine | None = None
    direction: Literal["in", "out"] = "in"
    name: Line | None = None

    @model_validator(mode="after")
    def _code_or_attendee(self) -> Self:
        if (self.code is None) == (self.attendee is None):
            raise ValueError("give either code or attendee")
        return self


class AttendeeAtTheDoor(BaseModel):
    id: UUID
    name: str | None
    organisation: str | None
    recognised: Literal["stated", "proven"] | None = None
    ticket_type: str | None
    note: str | None


class FirstCheckIn(BaseModel):
    at: datetime
    door: str | None


class Counts(BaseModel):
    """Of the event: who is confirmed, who of them came, who is inside now."""

    expected: int
    checked_in: int
    inside: int


class ScanAnswer(BaseModel):
    """Always 200: a refused scan is an answer too. `first_check_in` of the attendee, also when it was long ago."""

    result: Result
    message: str
    attendee: AttendeeAtTheDoor | None
    first_check_in: FirstCheckIn | None
    counts: Counts


class CheckInView(BaseModel):
    id: UUID
    attendee: UUID | None
    result: str
    at: datetime
    recorded_at: datetime
    device: str
    door: str | None
    direction: str
    undone_at: datetime | None


def _view(record: CheckIn) -> CheckInView:
    return CheckInView(
        **record.model_dump(include={"id", "result", "at", "recorded_at", "device", "door", "direction", "undone_at"}),
        attendee=record.attendee_id,
    )


async def _event_at_the_door(session: Any, reference: str, caller: Caller) -> Event:
    seen = await programme.find(session, reference, caller)
    caller.require(caller.keeps_door(seen.event.id, seen.event.organisation_id), may_see=True)
    return seen.event


@router.post("", responses=_OWN)
async def check_in(
    event: EventReference, body: ScanInput, caller: KnownCaller, session: Transaction, request: Request
) -> ScanAnswer:
    """Checks one attendee in or out, and says to the volunteer what happened."""
    at_door = await _event_at_the_door(session, event, caller)
    at = aware(body.at, ZoneInfo(at_door.timezone)) or utc_now()
    scan = Scan(
        nonce=body.nonce,
        device=body.device,
        code=body.code,
        attendee=body.attendee,
        time=at.astimezone(UTC),
        door=body.door,
        direction=body.direction,
        name=body.name,
        language=page_language(request),
    )
    return ScanAnswer.model_validate(await check_ins.check_in(session, at_door, scan))


@router.get("", responses=_OWN)
async def list_check_ins(
    event: EventReference,
    caller: KnownCaller,
    session: Reading,
    links: TheLinks,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CheckInView]:
    """Everything that came to the doors, the newest first, refused scans too."""
    at_door = await _event_at_the_door(session, event, caller)
    found = await check_ins.list_check_ins(session, at_door, id_after(links, cursor), limit + 1)
    return Page.of(links, found, limit, _view, id_of)


@router.delete("/{check_in}", responses={**_OWN, **documented(WrongStatus)})
async def undo_check_in(
    event: EventReference, check_in: UUID, caller: KnownCaller, session: Transaction
) -> CheckInView:
    """Takes a check-in back; its record stays, marked."""
    at_door = await _event_at_the_door(session, event, caller)
    return _view(await check_ins.undo(session, at_door, check_in))
