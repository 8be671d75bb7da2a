"""Calendar files and tickets' QR codes over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.events.door import tickets
from services.events.programme import calendar_files, programme
from services.events.programme.programme import Filters
from services.events.registrations.access import find_attendee, find_registration
from services.events.registrations.facts import see
from services.events.routes.event_input import EventKind
from services.events.routes.events import EventReference
from services.events.service import events_of
from services.events.tables import Event
from shared.access.caller import Caller
from shared.calendar import MEDIA_TYPE
from shared.http.callers import AnyCaller, KnownCaller
from shared.http.public_reads import PRIVATE, UNCHANGED, public_answer
from shared.http.rendering import documented
from shared.http.sessions import Reading
from shared.pages import page_language
from shared.problems import LinkExpired, NotAuthenticated, NotFound
from shared.vocabulary import FocusArea, Hub

router = APIRouter(tags=["calendars"])

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/calendar": {"schema": {"type": "string"}}}, "description": "An iCalendar file"}
}
_OWN = {**_FILE, **documented(NotAuthenticated, NotFound, LinkExpired)}
MOST_LISTED = 200
BY_LANGUAGE = "Accept-Language, Authorization"


def calendar_answer(file: bytes, name: str) -> Response:
    """For the one it is made for."""
    headers = {**_named(name), "Cache-Control": PRIVATE}
    return Response(file, headers=headers, media_type=MEDIA_TYPE)


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.ics"'}


def page_address(request: Request, event: Event) -> str:
    return event.page_url or str(events_of(request).settings.public_url("events", f"/p/events/{event.slug}"))


@router.get("/v1/events/{event}/calendar.ics", response_class=Response, responses={**_OWN, **UNCHANGED})
async def get_event_calendar(event: EventReference, caller: AnyCaller, session: Reading, request: Request) -> Response:
    found = (await programme.find(session, event, caller)).event
    file = calendar_files.event_file(found, page_address(request, found), page_language(request))
    if caller.known:
        return calendar_answer(file, found.slug)
    return public_answer(request, file, MEDIA_TYPE, **_named(found.slug), Vary=BY_LANGUAGE)


@router.get("/v1/calendar.ics", response_class=Response, responses={**_FILE, **UNCHANGED})
async def get_public_calendar(
    session: Reading,
    request: Request,
    kind: EventKind | None = None,
    focus_area: FocusArea | None = None,
    hub: Hub | None = None,
    organiser: Annotated[UUID | None, Query()] = None,
) -> Response:
    """All events to come, as a calendar to subscribe to."""
    filters = Filters(kind=kind, focus_area=focus_area, hub=hub, organiser=organiser)
    found = await programme.list_events(session, filters, Caller(), None, MOST_LISTED)
    listed = [(seen.event, page_address(request, seen.event)) for seen in found]
    file = calendar_files.listed_file(listed, page_language(request), "Videnbro")
    return public_answer(request, file, MEDIA_TYPE, **_named("videnbro"), Vary=BY_LANGUAGE)


@router.get("/v1/registrations/{registration}/calendar.ics", response_class=Response, responses=_OWN)
async def get_registration_calendar(
    registration: UUID, caller: KnownCaller, session: Reading, request: Request
) -> Response:
    own = await find_registration(session, registration, caller)
    seen = await see(session, own.registration)
    file = calendar_files.registration_file(own.event, seen, page_address(request, own.event), page_language(request))
    return calendar_answer(file, own.event.slug)


@router.get("/v1/attendees/{attendee}/calendar.ics", response_class=Response, responses=_OWN)
async def get_attendee_calendar(attendee: UUID, caller: KnownCaller, session: Reading, request: Request) -> Response:
    own = await find_attendee(session, attendee, caller)
    page = page_address(request, own.event)
    file = calendar_files.attendee_file(own.event, own.attendee, page, page_language(request))
    return calendar_answer(file, own.event.slug)


TicketCode = Annotated[str, Path(min_length=1, max_length=40)]
_NO_TICKET = documented(NotFound, LinkExpired)


@router.get(
    "/v1/tickets/{code}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}, **_NO_TICKET},
)
async def get_ticket_svg(code: TicketCode, session: Reading, request: Request) -> Response:
    """The QR code of a ticket; it holds the ticket's own address."""
    await tickets.find(session, code)
    return Response(tickets.qr_svg(_ticket_address(request, code)), media_type="image/svg+xml")


@router.get(
    "/v1/tickets/{code}/qr.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}, **_NO_TICKET},
)
async def get_ticket_png(code: TicketCode, session: Reading, request: Request) -> Response:
    await tickets.find(session, code)
    return Response(tickets.qr_png(_ticket_address(request, code)), media_type="image/png")


def _ticket_address(request: Request, code: str) -> str:
    return str(events_of(request).settings.public_url("events", f"/t/{code}"))
