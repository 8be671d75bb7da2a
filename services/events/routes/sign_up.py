"""Signing up over HTTP: open to everybody."""

from typing import Annotated, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.events.capacity.seats import CapacityReached
from services.events.organisations.recognising import NamedOrganisation, UnknownOrganisation
from services.events.programme import programme
from services.events.registrations.answering import AskedOnce
from services.events.registrations.deciding import (
    MOST_ATTENDEES,
    AlreadyRegistered,
    AskedAttendee,
    AskedSignUp,
    IfFull,
    NotPublished,
    RegistrationClosed,
    RegistrationNotOpen,
    SignedUp,
)
from services.events.registrations.facts import shared_status
from services.events.routes.events import EventReference
from services.events.routes.registration_view import (
    ContactView,
    OrganisationView,
    PlacedAttendee,
    RegistrationStatus,
    RegistrationView,
    next_steps,
    registration_links,
)
from services.events.service import events_of
from shared.access.caller import Caller
from shared.access.links import Links
from shared.contracts.events import ContactPerson
from shared.fields import CompanyNumber, Email, Input, Key, Language, Line, Phone, Url, same_address
from shared.http.callers import AnyCaller
from shared.http.once import IdempotencyKey, repeatable_of
from shared.http.rendering import documented
from shared.http.sessions import database_of
from shared.idempotency import KeyReused
from shared.normal_forms import checked_number
from shared.problems import (
    FieldError,
    Invalid,
    LinkExpired,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from shared.settings import ServiceSettings
from shared.telemetry import current_origin
from shared.vocabulary import Kind

router = APIRouter(tags=["registrations"])


class OrganisationInput(Input):
    """`id` of a known one, or `name` and what is known of it. It counts as that one once the contact's address has
    been confirmed and belongs there; until then it is shown as stated. `unit` is the department, as people call it."""

    id: UUID | None = None
    name: Line | None = None
    kind: Kind | None = None
    cvr: CompanyNumber | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "DK"
    website: Url | None = None
    unit: Line | None = None


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
            id=organisation.id,
            name=organisation.name,
            kind=organisation.kind,
            unit=organisation.stated.unit,
            recognised="proven" if organisation.counts else "stated",
        )
        if organisation
        else None,
        contact=ContactView.model_construct(**contact.model_dump()),
        attendees=attendees,
        next_steps=next_steps(attendees, signed_up.event, own.manage),
        links=own,
    )
    return answer.model_dump_json(exclude_none=True).encode()


def _named(body: SignUpInput) -> NamedOrganisation | None:
    given = body.organisation
    if given is None:
        return None
    if given.id is None and given.name is None:
        raise Invalid.field("/organisation/name", "give the organisation's name, or its id if it has one")
    return NamedOrganisation(
        id=given.id,
        name=given.name,
        kind=given.kind,
        cvr=checked_number(given.cvr, given.country, "/organisation/cvr"),
        country=given.country,
        website=given.website,
        unit=given.unit,
    )


def _require_distinct_addresses(attendees: list[AttendeeInput]) -> None:
    first: dict[str, int] = {}
    for index, attendee in enumerate(attendees):
        if attendee.email and first.setdefault(same_address(attendee.email), index) != index:
            other = first[same_address(attendee.email)]
            raise Invalid(
                FieldError(
                    pointer=f"/attendees/{index}/email",
                    detail=f"the same as /attendees/{other}/email; each person once",
                )
            )


def asked_attendees(attendees: list[AttendeeInput]) -> tuple[AskedAttendee, ...]:
    """Raises Invalid when two have one address."""
    _require_distinct_addresses(attendees)
    return tuple(
        AskedAttendee(each.name, each.email, each.job_title, each.ticket_type, tuple(each.also_accepts), each.language)
        for each in attendees
    )


def asked_of(event_id: UUID, body: SignUpInput, caller: Caller) -> AskedSignUp:
    """The sign-up as the rule takes it. Raises Invalid for what no single field shows."""
    return AskedSignUp(
        event_id=event_id,
        organisation=_named(body),
        contact=ContactPerson.model_construct(**body.contact.model_dump()),
        attendees=asked_attendees(body.attendees),
        if_full=body.if_full,
        caller=caller,
        origin=current_origin(),
    )


_SIGN_UP_PROBLEMS = documented(
    NotAuthenticated, NotFound, LinkExpired, NotPublished, RegistrationClosed, RegistrationNotOpen, CapacityReached,
    AlreadyRegistered, UnknownOrganisation, Invalid, KeyReused, TooManyRequests, Unavailable,
)  # fmt: skip


@router.post(
    "/v1/events/{event}/registrations", status_code=201, response_model=RegistrationView, responses=_SIGN_UP_PROBLEMS
)
async def sign_up(
    event: EventReference, body: SignUpInput, caller: AnyCaller, request: Request, key: IdempotencyKey = None
) -> Response:
    """Signs up one or several people, without an account. Answers who is in and who stands where in line."""
    asked = asked_of(await _event_id(request, event), body, caller)
    answered = await events_of(request).sign_ups(AskedOnce(asked, repeatable_of(request, await request.body())))
    registration_id = orjson.loads(answered.kept.body)["id"]
    headers = {"Location": f"/v1/registrations/{registration_id}", "ETag": '"1"'}
    if answered.again:
        headers["Idempotency-Replayed"] = "true"
    return Response(answered.kept.body, 201, headers, media_type="application/json")


async def _event_id(request: Request, reference: str) -> UUID:
    try:
        return UUID(reference)
    except ValueError:
        async with database_of(request).reading() as session:
            return await programme.find_id(session, reference)
