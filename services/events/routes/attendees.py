"""Attendees over HTTP: listed, named, handed over, cancelled."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.events import programme
from services.events.registrations.access import OwnAttendee, find_attendee
from services.events.registrations.changes import ChangesClosed, NewName, cancel_attendees, rename
from services.events.registrations.deciding import AlreadyRegistered
from services.events.registrations.listing import AttendeeFilters, AttendeeRow, list_attendees
from services.events.routes.event_input import Time, aware
from services.events.routes.events import EventReference
from services.events.tables import Attendee
from shared.auth import KnownCaller, Links, Purpose, TheLinks, link_expiry
from shared.contracts.events import AttendeeStatus
from shared.database import Reading, Transaction
from shared.fields import Email, Input, Key, Language, Line, NotNull
from shared.idempotency import IdempotencyKey, KeyReused, OnceRoute
from shared.lists import Cursor, Limit, Page, read_cursor, write_cursor
from shared.problems import LinkExpired, NotAllowed, NotAuthenticated, NotFound, WrongStatus, documented
from shared.settings import ServiceSettings

router = APIRouter(tags=["attendees"])
once = APIRouter(tags=["attendees"], route_class=OnceRoute)


class TicketView(BaseModel):
    """`href` is what the QR code holds."""

    code: str
    href: str


class AttendeeLinks(BaseModel):
    page: str
    calendar: str


class AttendeeView(BaseModel):
    """An attendee; `ticket` and `links` for who may let it in: the registration and the attendee itself."""

    id: UUID
    registration_id: UUID
    event_id: UUID
    reference: str
    status: AttendeeStatus
    name: str | None
    email: str | None
    job_title: str | None
    language: str | None
    ticket_type: str | None
    organisation: str | None = None
    checked_in_at: datetime | None
    inside: bool
    updated_at: datetime
    ticket: TicketView | None = None
    links: AttendeeLinks | None = None


def _listed(row: AttendeeRow) -> AttendeeView:
    attendee, registration, organisation = row
    return AttendeeView(
        **_plain(attendee), reference=registration.reference, organisation=organisation.name if organisation else None
    )


def _plain(attendee: Attendee) -> dict[str, object]:
    return attendee.model_dump(include=set(AttendeeView.model_fields))


def _own_view(own: OwnAttendee, settings: ServiceSettings, links: Links, *, with_ticket: bool = True) -> AttendeeView:
    attendee = own.attendee
    plain = _plain(attendee) | {"email": attendee.email if own.sees_all else attendee.email_for_contact}
    if own.organises or not with_ticket:
        return AttendeeView.model_validate({**plain, "reference": own.registration.reference})
    code = links.ticket_code(attendee.id, attendee.code_version)
    key = links.key(Purpose.ATTENDEE, attendee.id, attendee.link_version, link_expiry(own.event.ends_at))
    return AttendeeView.model_validate(
        {
            **plain,
            "reference": own.registration.reference,
            "ticket": {"code": code, "href": settings.public_url("events", f"/t/{code}")}
            if attendee.status == "confirmed"
            else None,
            "links": {
                "page": settings.public_url("events", f"/p/events/attendees/{attendee.id}?key={key}"),
                "calendar": settings.public_url("events", f"/v1/attendees/{attendee.id}/calendar.ics?key={key}"),
            },
        }
    )


@router.get("/v1/events/{event}/attendees", responses=documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired))
async def list_event_attendees(
    event: EventReference,
    caller: KnownCaller,
    session: Reading,
    links: TheLinks,
    status: AttendeeStatus | None = None,
    ticket_type: Key | None = None,
    organisation: UUID | None = None,
    checked_in: bool | None = None,
    named: bool | None = None,
    q: Annotated[Line | None, Query(max_length=100)] = None,
    updated_since: Time | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[AttendeeView]:
    """Who is coming, for the organiser; those of its own organisation for a manager."""
    seen = await programme.find(session, event, caller)
    after = read_cursor(links, cursor, UUID)
    filters = AttendeeFilters(status, ticket_type, organisation, checked_in, named, q, aware(updated_since))
    found = await list_attendees(session, seen.event, caller, filters, after[0] if after else None, limit + 1)
    items = [_listed(row) for row in found[:limit]]
    return Page(items=items, next_cursor=write_cursor(links, [str(items[-1].id)]) if len(found) > limit else None)


_OWN = documented(NotAuthenticated, NotFound, LinkExpired)


@router.get("/v1/attendees/{attendee}", responses=_OWN)
async def get_attendee(
    attendee: UUID, caller: KnownCaller, session: Reading, request: Request, links: TheLinks
) -> AttendeeView:
    return _own_view(await find_attendee(session, attendee, caller), request.app.state.settings, links)


class AttendeeChange(Input):
    """What changes. A new e-mail where there was one hands the seat over: the old ticket ends."""

    name: Annotated[Line | None, NotNull] = None
    email: Annotated[Email | None, NotNull] = None
    job_title: Line | None = None
    language: Language | None = None


@router.patch(
    "/v1/attendees/{attendee}", responses={**_OWN, **documented(WrongStatus, ChangesClosed, AlreadyRegistered)}
)
async def change_attendee(
    attendee: UUID, body: AttendeeChange, caller: KnownCaller, session: Transaction, request: Request, links: TheLinks
) -> AttendeeView:
    """Names a seat, corrects a name or hands the seat over; who hands the own seat over does not see the new ticket."""
    own = await find_attendee(session, attendee, caller)
    before, given = own.attendee.link_version, body.model_dump(exclude_unset=True)
    if given:
        await rename(
            session, links, own.attendee, NewName(frozenset(given), **given, by_own_link=own.alone), late=own.organises
        )
    mine = not own.alone or own.attendee.link_version == before
    return _own_view(own, request.app.state.settings, links, with_ticket=mine)


@once.post("/v1/attendees/{attendee}/cancel", responses={**_OWN, **documented(ChangesClosed, KeyReused)})
async def cancel_attendee(
    attendee: UUID,
    caller: KnownCaller,
    session: Transaction,
    request: Request,
    links: TheLinks,
    key: IdempotencyKey = None,
) -> AttendeeView:
    """Cancels one attendee; the seat goes to the next in line in the same moment."""
    own = await find_attendee(session, attendee, caller)
    await cancel_attendees(session, own.event.id, [own.attendee.id], late=own.organises)
    return _own_view(own, request.app.state.settings, links)
