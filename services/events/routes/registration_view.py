"""A registration as it goes over the wire."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.events.registrations.facts import RegistrationSeen
from services.events.tables import ACTIVE, Event
from shared.access.links import Links, Purpose, link_expiry
from shared.contracts.events import AttendeeStatus
from shared.problems import NextStep
from shared.settings import ServiceSettings


class PlacedAttendee(BaseModel):
    """`position` in line, for who waits."""

    id: UUID
    status: AttendeeStatus
    name: str | None = None
    email: str | None = None
    ticket_type: str | None = None
    position: int | None = None


class OrganisationView(BaseModel):
    """`stated`: as the sign-up says, and counted for nobody; its `id` is the one it gets if it is new."""

    id: UUID
    name: str
    kind: str | None = None
    unit: str | None = None
    recognised: Literal["stated", "proven"]


def organisation_view(seen: RegistrationSeen) -> OrganisationView | None:
    said = seen.registration.stated or {}
    if seen.organisation is not None:
        known = seen.organisation
        return OrganisationView(
            id=known.id, name=known.name, kind=known.kind, unit=said.get("unit"), recognised="proven"
        )
    if seen.registration.stated_id is None or not said:
        return None
    own = {name: said.get(name) for name in ("name", "kind", "unit")}
    return OrganisationView.model_validate({**own, "id": seen.registration.stated_id, "recognised": "stated"})


class RegistrationLinks(BaseModel):
    """Addresses for who signed up: whoever has them names, adds and cancels. What speaks for the contact person, or for
    an attendee, goes by mail only."""

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
    key = links.key(Purpose.SIGN_UP, registration_id, version, link_expiry(event.ends_at))
    return RegistrationLinks(
        manage=settings.public_url("events", f"/p/events/registrations/{registration_id}?key={key}"),
        calendar=settings.public_url("events", f"/v1/registrations/{registration_id}/calendar.ics?key={key}"),
    )


def next_steps(attendees: list[PlacedAttendee], event: Event, manage: str | None) -> list[NextStep]:
    steps = []
    if any(each.name is None and each.status in ACTIVE for each in attendees):
        by = event.changes_close_at.isoformat()
        steps.append(NextStep(action="name_attendees", label="Say who is coming", href=manage, by=by))
    if any(each.status == "waitlisted" for each in attendees):
        steps.append(
            NextStep(action="wait_for_seat", label="A mail tells when a seat is free; cancel if you cannot come")
        )
    return steps


def view(
    seen: RegistrationSeen,
    event: Event,
    settings: ServiceSettings,
    links: Links,
    *,
    with_links: bool,
    sees_all: bool = False,
) -> RegistrationView:
    """`sees_all`: also the addresses that attendees gave by their own links."""
    registration = seen.registration
    own = registration_links(settings, links, registration.id, registration.link_version, event) if with_links else None
    attendees = [
        PlacedAttendee.model_validate(
            each.model_dump(include={"id", "status", "name", "ticket_type"})
            | {"email": each.email if sees_all else each.email_for_contact, "position": seen.positions.get(each.id)}
        )
        for each in seen.attendees
    ]
    return RegistrationView.model_validate(
        {
            **registration.model_dump(include={"id", "event_id", "reference", "version", "created_at"}),
            "status": seen.status,
            "status_counts": seen.status_counts,
            "organisation": organisation_view(seen),
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
