"""Registrations over HTTP: read, changed, cancelled."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.events.capacity.seats import CapacityReached
from services.events.programme import programme
from services.events.registrations.access import OwnRegistration, find_registration
from services.events.registrations.adding import add_attendees
from services.events.registrations.changes import (
    ChangesClosed,
    NewContact,
    NotByMail,
    cancel_attendees,
    change_contact,
    replace_links,
    resend,
)
from services.events.registrations.deciding import (
    MOST_ATTENDEES,
    AlreadyRegistered,
    IfFull,
    NotPublished,
    RegistrationClosed,
    RegistrationNotOpen,
)
from services.events.registrations.facts import see
from services.events.registrations.listing import list_registrations
from services.events.routes.events import EventReference
from services.events.routes.registration_view import RegistrationView, view
from services.events.routes.sign_up import AttendeeInput, asked_attendees
from services.events.service import events_of
from shared.access.links import Links
from shared.contracts.events import AttendeeStatus
from shared.fields import Email, Input, Language, Line, NotNull, Phone
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.http.versions import IfMatch, versions_in
from shared.idempotency import KeyReused
from shared.problems import (
    Invalid,
    LinkExpired,
    NextStep,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StaleVersion,
    TooManyRequests,
    WrongStatus,
)

router = APIRouter(tags=["registrations"])
once = APIRouter(tags=["registrations"], route_class=OnceRoute)


_OWN = documented(NotAuthenticated, NotFound, LinkExpired)
_CHANGES = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired, ChangesClosed, KeyReused)


@router.get(
    "/v1/events/{event}/registrations", responses=documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired)
)
async def list_event_registrations(
    event: EventReference,
    caller: KnownCaller,
    session: Reading,
    request: Request,
    links: TheLinks,
    status: Annotated[AttendeeStatus | None, Query(description="of at least one attendee")] = None,
    organisation: UUID | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[RegistrationView]:
    """All sign-ups of an event for its organiser; of its own organisation for a manager."""
    seen_event = await programme.find(session, event, caller)
    found = await list_registrations(
        session,
        seen_event.event,
        caller,
        status=status,
        organisation=organisation,
        after=id_after(links, cursor),
        limit=limit + 1,
    )
    settings = events_of(request).settings
    return Page.of(
        links,
        found,
        limit,
        lambda seen: view(seen, seen_event.event, settings, links, with_links=False, sees_all=True),
        lambda seen: id_of(seen.registration),
    )


@router.get("/v1/registrations/{registration}", responses=_OWN)
async def get_registration(
    registration: UUID, caller: KnownCaller, session: Reading, request: Request, links: TheLinks, response: Response
) -> RegistrationView:
    own = await find_registration(session, registration, caller)
    return await _answer(session, own, request, links, response)


async def _answer(
    session: Reading,
    own: OwnRegistration,
    request: Request,
    links: Links,
    response: Response,
    *,
    with_links: bool = True,
) -> RegistrationView:
    response.headers["ETag"] = f'"{own.registration.version}"'
    seen = await see(session, own.registration)
    return view(
        seen,
        own.event,
        events_of(request).settings,
        links,
        with_links=with_links and not own.organises,
        sees_all=own.sees_all,
    )


class ContactChange(Input):
    """The contact person's fields that change; a new e-mail ends the old link."""

    name: Annotated[Line | None, NotNull] = None
    email: Annotated[Email | None, NotNull] = None
    phone: Phone | None = None
    language: Annotated[Language | None, NotNull] = None


class RegistrationChange(Input):
    contact: Annotated[ContactChange | None, NotNull] = None


@router.patch("/v1/registrations/{registration}", responses={**_OWN, **documented(NotByMail, StaleVersion)})
async def change_registration(
    registration: UUID,
    body: RegistrationChange,
    caller: KnownCaller,
    session: Transaction,
    request: Request,
    links: TheLinks,
    response: Response,
    if_match: IfMatch = None,
) -> RegistrationView:
    """Changes whom to write to, by the mailed link; the one of a new contact person is mailed to that person."""
    own = await find_registration(session, registration, caller)
    if own.answered:
        raise _not_by_mail()
    before = own.registration.link_version
    given = body.contact.model_dump(exclude_unset=True) if body.contact else {}
    if given:
        new = NewContact(frozenset(given), **given)
        await change_contact(session, own.registration, new, speaks=own.contact_speaks, versions=versions_in(if_match))
    return await _answer(session, own, request, links, response, with_links=own.registration.link_version == before)


def _not_by_mail() -> NotByMail:
    step = NextStep(action="request_link", label="Ask for the link to be mailed again", href="/v1/links")
    return NotByMail("Open the page from the mail that was sent to the contact person.", next_steps=[step])


class MoreAttendees(Input):
    attendees: Annotated[list[AttendeeInput], Field(min_length=1, max_length=MOST_ATTENDEES)]
    if_full: IfFull = "waitlist_rest"


_ADDING = documented(
    WrongStatus, NotPublished, RegistrationClosed, RegistrationNotOpen, CapacityReached, AlreadyRegistered,
    Invalid, KeyReused, TooManyRequests,
)  # fmt: skip


@once.post("/v1/registrations/{registration}/attendees", status_code=201, responses={**_OWN, **_ADDING})
async def add_to_registration(
    registration: UUID,
    body: MoreAttendees,
    caller: KnownCaller,
    session: Transaction,
    request: Request,
    links: TheLinks,
    response: Response,
    key: IdempotencyKey = None,
) -> RegistrationView:
    """Adds people to a registration, as far as there are seats and `if_full` says."""
    own = await find_registration(session, registration, caller)
    await add_attendees(session, links, own.registration, asked_attendees(body.attendees), body.if_full, caller)
    return await _answer(session, own, request, links, response)


class Cancellation(Input):
    """`attendees` to cancel; all of the registration when left out."""

    attendees: Annotated[list[UUID], Field(max_length=MOST_ATTENDEES)] | None = None


@once.post("/v1/registrations/{registration}/cancel", responses=_CHANGES)
async def cancel_registration(
    registration: UUID,
    body: Cancellation,
    caller: KnownCaller,
    session: Transaction,
    request: Request,
    links: TheLinks,
    response: Response,
    key: IdempotencyKey = None,
) -> RegistrationView:
    """Cancels attendees; their seats go to the next in line in the same moment."""
    own = await find_registration(session, registration, caller)
    there = {each.id for each in (await see(session, own.registration)).attendees}
    wanted = there if body.attendees is None else set(body.attendees)
    if wanted - there:
        raise Invalid.field("/attendees", "each must be an attendee of this registration")
    await cancel_attendees(session, own.event.id, wanted, late=own.organises)
    return await _answer(session, own, request, links, response)


@once.post("/v1/registrations/{registration}/resend", status_code=202, responses=_CHANGES)
async def resend_registration(
    registration: UUID, caller: KnownCaller, session: Transaction, key: IdempotencyKey = None
) -> dict[str, str]:
    """Has the mails of the registration written again, to the contact person and each attendee."""
    own = await find_registration(session, registration, caller)
    await resend(session, own.registration)
    return {"status": "queued"}


@once.post("/v1/registrations/{registration}/links", status_code=202, responses={**_CHANGES, **documented(NotByMail)})
async def replace_registration_links(
    registration: UUID, caller: KnownCaller, session: Transaction, key: IdempotencyKey = None
) -> dict[str, str]:
    """Ends every link of the registration, and mails a new one to the contact person; by the mailed link or a token."""
    await replace_links(session, await find_registration(session, registration, caller))
    return {"status": "queued"}
