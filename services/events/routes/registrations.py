"""Registrations over HTTP."""

from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.events import programme
from services.events.organisations import NamedOrganisation, UnknownOrganisation
from services.events.registrations.access import OwnRegistration, find_registration
from services.events.registrations.answering import AskedOnce, SignUps
from services.events.registrations.changes import (
    ChangesClosed,
    NewContact,
    cancel_attendees,
    change_contact,
    resend,
)
from services.events.registrations.deciding import (
    AlreadyRegistered,
    AskedAttendee,
    AskedSignUp,
    IfFull,
    NotPublished,
    RegistrationClosed,
    RegistrationNotOpen,
    SignedUp,
)
from services.events.registrations.facts import RegistrationSeen, see, shared_status
from services.events.registrations.listing import list_registrations
from services.events.registrations.seats import CapacityReached
from services.events.routes.events import EventReference, IfMatch, OrganisationKind, expected_version
from services.events.tables import Event
from shared.auth import AnyCaller, Caller, KnownCaller, Links, Purpose, TheLinks, link_expiry
from shared.contracts.events import AttendeeStatus, ContactPerson
from shared.database import Reading, Transaction, database_of
from shared.fields import Email, Input, Key, Language, Line, NotNull, Phone, Url, email_domain, same_address
from shared.idempotency import IdempotencyKey, KeyReused, OnceRoute, claim_of
from shared.lists import Cursor, Limit, Page, read_cursor, write_cursor
from shared.problems import (
    FieldError,
    Invalid,
    LinkExpired,
    NextStep,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StaleVersion,
    Unavailable,
    documented,
)
from shared.settings import ServiceSettings
from shared.telemetry import current_origin

router = APIRouter(tags=["registrations"])
once = APIRouter(tags=["registrations"], route_class=OnceRoute)

MOST_ATTENDEES = 100


class OrganisationInput(Input):
    """`id` of a known one, or `name` and what it is recognised by."""

    id: UUID | None = None
    name: Line | None = None
    kind: OrganisationKind | None = None
    cvr: Annotated[str, Field(pattern=r"^[0-9A-Za-z ]{4,20}$")] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "DK"
    website: Url | None = None


class ContactInput(Input):
    name: Line
    email: Email
    phone: Phone | None = None
    language: Language = "da"


class AttendeeInput(Input):
    """One person, or a seat to name later."""

    name: Line | None = None
    email: Email | None = None
    job_title: Line | None = None
    ticket_type: Key | None = None
    also_accepts: Annotated[list[Key], Field(max_length=20)] = []
    language: Language | None = None


class SignUpInput(Input):
    """`organisation` null for a private person. `if_full` says what to do when not all fit."""

    organisation: OrganisationInput | None = None
    contact: ContactInput
    attendees: Annotated[list[AttendeeInput], Field(min_length=1, max_length=MOST_ATTENDEES)]
    if_full: IfFull = "waitlist_rest"


class PlacedAttendee(BaseModel):
    """`position` in line, for who waits."""

    id: UUID
    status: AttendeeStatus
    name: str | None = None
    email: str | None = None
    ticket_type: str | None = None
    position: int | None = None


class OrganisationView(BaseModel):
    id: UUID
    name: str
    kind: str | None = None


class RegistrationLinks(BaseModel):
    """Addresses for the contact person; whoever has them may change the registration."""

    manage: str
    calendar: str


class ContactView(BaseModel):
    name: str
    email: str
    phone: str | None = None
    language: str


RegistrationStatus = Literal[
    "pending", "confirmed", "waitlisted", "offered", "cancelled", "rejected", "expired", "mixed"
]


class RegistrationView(BaseModel):
    """`status` is the one all attendees share, or `mixed`."""

    id: UUID
    event_id: UUID
    reference: str
    version: int
    status: RegistrationStatus
    status_counts: dict[str, int]
    organisation: OrganisationView | None = None
    contact: ContactView
    attendees: list[PlacedAttendee]
    next_steps: list[NextStep]
    links: RegistrationLinks | None = None
    created_at: datetime | None = None


def registration_links(
    settings: ServiceSettings, links: Links, registration_id: UUID, version: int, event: Event
) -> RegistrationLinks:
    key = links.key(Purpose.REGISTRATION, registration_id, version, link_expiry(event.ends_at))
    return RegistrationLinks(
        manage=settings.public_url("events", f"/p/events/registrations/{registration_id}?key={key}"),
        calendar=settings.public_url("events", f"/v1/registrations/{registration_id}/calendar.ics?key={key}"),
    )


def next_steps(attendees: list[PlacedAttendee], event: Event, manage: str | None) -> list[NextStep]:
    steps = []
    if any(
        each.name is None and each.status in ("confirmed", "waitlisted", "offered", "pending") for each in attendees
    ):
        closes = event.changes_close_at.isoformat() if hasattr(event, "changes_close_at") else None
        steps.append(NextStep(action="name_attendees", label="Say who is coming", href=manage, by=closes))
    if any(each.status == "waitlisted" for each in attendees):
        steps.append(
            NextStep(action="wait_for_seat", label="A mail tells when a seat is free; cancel if you cannot come")
        )
    return steps


def write_answer(settings: ServiceSettings, links: Links, signed_up: SignedUp) -> bytes:
    """The 201 body, made inside the batch so that it can be kept with it."""
    attendees = [
        PlacedAttendee.model_construct(
            id=each.id,
            status=each.status,
            name=each.name,
            email=each.email,
            ticket_type=each.ticket_type,
            position=each.position,
        )
        for each in signed_up.attendees
    ]
    own = registration_links(settings, links, signed_up.id, 1, signed_up.event)
    counts: dict[str, int] = {}
    for each in attendees:
        counts[each.status] = counts.get(each.status, 0) + 1
    organisation, contact = signed_up.organisation, signed_up.contact
    answer = RegistrationView.model_construct(
        id=signed_up.id,
        event_id=signed_up.event.id,
        reference=signed_up.reference,
        version=1,
        status=cast(RegistrationStatus, shared_status(counts)),
        status_counts=counts,
        organisation=OrganisationView.model_construct(
            id=organisation.id, name=organisation.name, kind=organisation.kind
        )
        if organisation
        else None,
        contact=ContactView.model_construct(**contact.model_dump()),
        attendees=attendees,
        next_steps=next_steps(attendees, signed_up.event, own.manage),
        links=own,
    )
    return answer.model_dump_json(exclude_none=True).encode()


def view(
    seen: RegistrationSeen, event: Event, settings: ServiceSettings, links: Links, *, with_links: bool
) -> RegistrationView:
    registration = seen.registration
    own = registration_links(settings, links, registration.id, registration.link_version, event) if with_links else None
    attendees = [
        PlacedAttendee.model_validate(
            each.model_dump(include={"id", "status", "name", "email", "ticket_type"})
            | {"position": seen.positions.get(each.id)}
        )
        for each in seen.attendees
    ]
    return RegistrationView.model_validate(
        {
            **registration.model_dump(include={"id", "event_id", "reference", "version", "created_at"}),
            "status": seen.status,
            "status_counts": seen.status_counts,
            "organisation": seen.organisation and seen.organisation.model_dump(include={"id", "name", "kind"}),
            "contact": {
                "name": registration.contact_name,
                "email": registration.contact_email,
                "phone": registration.contact_phone,
                "language": registration.contact_language,
            },
            "attendees": attendees,
            "next_steps": next_steps(attendees, event, own.manage if own else None),
            "links": own,
        }
    )


def _named(body: SignUpInput) -> NamedOrganisation | None:
    given = body.organisation
    if given is None:
        return None
    if given.id is None and given.name is None:
        raise Invalid.field("/organisation/name", "give the organisation's name, or its id if it has one")
    number = given.cvr.replace(" ", "").upper() if given.cvr else None
    return NamedOrganisation(
        id=given.id,
        name=given.name,
        kind=given.kind,
        cvr=_checked_cvr(number, given.country) if number else None,
        country=given.country,
        website=given.website,
        contact_domain=email_domain(body.contact.email),
    )


def _checked_cvr(number: str, country: str) -> str:
    from stdnum.dk import cvr

    if country == "DK" and not cvr.is_valid(number):
        raise Invalid.field("/organisation/cvr", "not a CVR number: eight digits of which the last checks the others")
    return number


def _distinct_addresses(body: SignUpInput) -> None:
    first: dict[str, int] = {}
    for index, attendee in enumerate(body.attendees):
        if attendee.email and first.setdefault(same_address(attendee.email), index) != index:
            other = first[same_address(attendee.email)]
            raise Invalid(
                FieldError(
                    pointer=f"/attendees/{index}/email",
                    detail=f"the same as /attendees/{other}/email; each person once",
                )
            )


def asked_of(event_id: UUID, body: SignUpInput, caller: Caller) -> AskedSignUp:
    """The sign-up as the rule takes it. Raises Invalid for what no single field shows."""
    _distinct_addresses(body)
    return AskedSignUp(
        event_id=event_id,
        organisation=_named(body),
        contact=ContactPerson.model_construct(**body.contact.model_dump()),
        attendees=tuple(
            AskedAttendee(
                each.name, each.email, each.job_title, each.ticket_type, tuple(each.also_accepts), each.language
            )
            for each in body.attendees
        ),
        if_full=body.if_full,
        caller=caller,
        origin=current_origin(),
    )


_SIGN_UP_PROBLEMS = documented(
    NotAuthenticated, NotFound, CapacityReached, RegistrationClosed, RegistrationNotOpen, NotPublished, AlreadyRegistered,
    UnknownOrganisation, KeyReused, Invalid, LinkExpired, Unavailable,
)  # fmt: skip


@router.post(
    "/v1/events/{event}/registrations", status_code=201, response_model=RegistrationView, responses=_SIGN_UP_PROBLEMS
)
async def sign_up(
    event: EventReference, body: SignUpInput, caller: AnyCaller, request: Request, key: IdempotencyKey = None
) -> Response:
    """Signs up one or several people, without an account. Answers who is in and who stands where in line."""
    asked = asked_of(await _event_id(request, event), body, caller)
    sign_ups: SignUps = request.app.state.sign_ups
    answered = await sign_ups(AskedOnce(asked, claim_of(request, await request.body())))
    headers = {"Idempotency-Replayed": "true"} if answered.again else {}
    return Response(answered.kept.body, 201, headers, media_type="application/json")


async def _event_id(request: Request, reference: str) -> UUID:
    try:
        return UUID(reference)
    except ValueError:
        async with database_of(request).reading() as session:
            return await programme.find_id(session, reference)


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
    key = read_cursor(links, cursor)
    found = await list_registrations(
        session,
        seen_event.event,
        caller,
        status=status,
        organisation=organisation,
        after=UUID(key[0]) if key else None,
        limit=limit + 1,
    )
    items = [
        view(seen, seen_event.event, request.app.state.settings, links, with_links=False) for seen in found[:limit]
    ]
    return Page(items=items, next_cursor=write_cursor(links, [str(items[-1].id)]) if len(found) > limit else None)


@router.get("/v1/registrations/{registration}", responses=_OWN)
async def get_registration(
    registration: UUID, caller: KnownCaller, session: Reading, request: Request, links: TheLinks, response: Response
) -> RegistrationView:
    own = await find_registration(session, registration, caller)
    return await _answer(session, own, request, links, response)


async def _answer(
    session: Reading, own: OwnRegistration, request: Request, links: Links, response: Response
) -> RegistrationView:
    response.headers["ETag"] = f'"{own.registration.version}"'
    seen = await see(session, own.registration)
    return view(seen, own.event, request.app.state.settings, links, with_links=not own.organises)


class ContactChange(Input):
    """The contact person's fields that change; a new e-mail ends the old link."""

    name: Annotated[Line | None, NotNull] = None
    email: Annotated[Email | None, NotNull] = None
    phone: Phone | None = None
    language: Annotated[Language | None, NotNull] = None


class RegistrationChange(Input):
    contact: Annotated[ContactChange | None, NotNull] = None


@router.patch("/v1/registrations/{registration}", responses={**_OWN, **documented(StaleVersion)})
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
    own = await find_registration(session, registration, caller)
    given = body.contact.model_dump(exclude_unset=True) if body.contact else {}
    if given:
        new = NewContact(frozenset(given), **given)
        await change_contact(session, own.registration, new, version=expected_version(if_match))
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
