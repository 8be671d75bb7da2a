"""Attendees over HTTP: listed, named, handed over, cancelled."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.events.programme import programme
from services.events.registrations import consents
from services.events.registrations.access import OwnAttendee, find_attendee
from services.events.registrations.changes import (
    ChangesClosed,
    NewName,
    cancel_attendees,
    rename,
    replace_own_links,
)
from services.events.registrations.consents import NotInPerson
from services.events.registrations.deciding import AlreadyRegistered
from services.events.registrations.listing import (
    AttendeeFilters,
    AttendeeRow,
    attendee_at_door,
    keeps_door_only,
    list_attendees,
)
from services.events.routes.event_input import Time, aware
from services.events.routes.events import EventReference
from services.events.service import events_of
from services.events.tables import Attendee
from shared.access.links import Links, Purpose, link_expiry
from shared.contracts.events import AttendeeStatus
from shared.fields import Email, Input, Key, Language, Line, NotNull
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.idempotency import KeyReused
from shared.problems import (
    Invalid,
    LinkExpired,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
    WrongStatus,
)
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


class ConsentsView(BaseModel):
    """`shown_to_participants`: others who come may be told of it, and be proposed to talk with its organisation."""

    shown_to_participants: bool


class AttendeeView(BaseModel):
    """An attendee; `ticket` for who may let it in: the registration and the attendee itself. `links` for the attendee
    alone, by its own link. `consents` for the attendee and the organiser.
    """

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
    recognised: Literal["stated", "proven"] | None = None
    checked_in_at: datetime | None
    inside: bool
    updated_at: datetime
    consents: ConsentsView | None = None
    ticket: TicketView | None = None
    links: AttendeeLinks | None = None


def _listed(row: AttendeeRow, *, organises: bool) -> AttendeeView:
    attendee, registration, organisation = row
    return AttendeeView.model_validate(
        _plain(attendee)
        | {
            "reference": registration.reference,
            "organisation": organisation.name if organisation else registration.stated_name,
            "recognised": "proven" if organisation else "stated" if registration.stated_name else None,
            "consents": _consents(attendee) if organises else None,
        }
    )


def _at_door(row: AttendeeRow) -> AttendeeView:
    """What a volunteer needs to find somebody: no address, no answers."""
    return _listed(row, organises=False).model_copy(update={"email": None, "job_title": None, "language": None})


def _consents(attendee: Attendee) -> dict[str, bool]:
    return attendee.model_dump(include=set(ConsentsView.model_fields))


def _plain(attendee: Attendee) -> dict[str, object]:
    return attendee.model_dump(include=set(AttendeeView.model_fields))


def _own_view(own: OwnAttendee, settings: ServiceSettings, links: Links, *, with_ticket: bool = True) -> AttendeeView:
    attendee = own.attendee
    plain = _plain(attendee) | {
        "email": attendee.email if own.sees_all else attendee.email_for_contact,
        "reference": own.registration.reference,
    }
    if (own.in_person and with_ticket) or own.organises:
        plain["consents"] = _consents(attendee)
    if own.organises or not with_ticket:
        return AttendeeView.model_validate(plain)
    code = links.ticket_code(attendee.id, attendee.code_version)
    key = links.key(Purpose.ATTENDEE, attendee.id, attendee.link_version, link_expiry(own.event.ends_at))
    return AttendeeView.model_validate(
        {
            **plain,
            "ticket": {"code": code, "href": settings.public_url("events", f"/t/{code}")}
            if attendee.status == "confirmed"
            else None,
            # Who has them speaks for the attendee.
            "links": {
                "page": settings.public_url("events", f"/p/events/attendees/{attendee.id}?key={key}"),
                "calendar": settings.public_url("events", f"/v1/attendees/{attendee.id}/calendar.ics?key={key}"),
            }
            if own.alone
            else None,
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
    """Who is coming: for the organiser, and without what it need not know for a door; for a manager its own."""
    seen = await programme.find(session, event, caller)
    filters = AttendeeFilters(status, ticket_type, organisation, checked_in, named, q, aware(updated_since))
    found = await list_attendees(session, seen.event, caller, filters, id_after(links, cursor), limit + 1)
    organises, at_door = caller.organises(seen.event.organisation_id), keeps_door_only(seen.event, caller)
    view = _at_door if at_door else partial(_listed, organises=organises)
    return Page.of(links, found, limit, view, lambda row: id_of(row[0]))


_OWN = documented(NotAuthenticated, NotFound, LinkExpired)


@router.get("/v1/attendees/{attendee}", responses=_OWN)
async def get_attendee(
    attendee: UUID, caller: KnownCaller, session: Reading, request: Request, links: TheLinks
) -> AttendeeView:
    if (row := await attendee_at_door(session, attendee, caller)) is not None:
        return _at_door(row)
    return _own_view(await find_attendee(session, attendee, caller), events_of(request).settings, links)


class ConsentsInput(Input):
    shown_to_participants: bool


class AttendeeChange(Input):
    """What changes. A new e-mail where there was one hands the seat over: the old ticket ends. `consents` are sent
    alone, by the attendee's own link; they are false until given, and may be taken back at any time."""

    name: Annotated[Line | None, NotNull] = None
    email: Annotated[Email | None, NotNull] = None
    job_title: Line | None = None
    language: Language | None = None
    consents: Annotated[ConsentsInput | None, NotNull] = None


@router.patch(
    "/v1/attendees/{attendee}",
    responses={**_OWN, **documented(NotInPerson, WrongStatus, ChangesClosed, AlreadyRegistered, TooManyRequests)},
)
async def change_attendee(
    attendee: UUID, body: AttendeeChange, caller: KnownCaller, session: Transaction, request: Request, links: TheLinks
) -> AttendeeView:
    """Names a seat, corrects a name or hands the seat over; who hands the own seat over does not see the new ticket.
    Or says what the attendee agrees to."""
    own = await find_attendee(session, attendee, caller)
    before, given = own.attendee.link_version, body.model_dump(exclude_unset=True)
    if body.consents is not None:
        if len(given) > 1:
            raise Invalid.field("/consents", "sent alone: whoever gets the seat decides for itself")
        await consents.give(session, own, **body.consents.model_dump())
    elif given:
        new = NewName(frozenset(given), **given, by_own_link=own.alone)
        await rename(session, links, own.attendee, new, caller, late=own.organises)
    mine = not own.alone or own.attendee.link_version == before
    return _own_view(own, events_of(request).settings, links, with_ticket=mine)


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
    return _own_view(own, events_of(request).settings, links)


@once.post("/v1/attendees/{attendee}/links", status_code=202, responses={**_OWN, **documented(NotInPerson, KeyReused)})
async def replace_attendee_links(
    attendee: UUID, caller: KnownCaller, session: Transaction, key: IdempotencyKey = None
) -> dict[str, str]:
    """Ends every link of the attendee, and mails new ones; by the own link, or the organiser. The ticket stays."""
    await replace_own_links(session, await find_attendee(session, attendee, caller))
    return {"status": "queued"}
