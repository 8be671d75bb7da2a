"""What pages may show of people: views made for one reader. A template never gets the row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from services.events.registrations.access import OwnAttendee, OwnRegistration, is_contact_person
from services.events.tables import Attendee, Registration


@dataclass(frozen=True, slots=True)
class ShownAttendee:
    """`email` as far as the reader may see it; `has_email` says that there is one. `agrees` for who may say so here."""

    id: UUID
    name: str | None
    email: str | None
    has_email: bool
    status: str
    checked_in_at: datetime | None
    in_person: bool = False
    agrees: bool = False

    @classmethod
    def to_oneself(cls, own: OwnAttendee) -> Self:
        return cls._of(own.attendee, own.attendee.email, in_person=own.in_person)

    @classmethod
    def to_contact(cls, attendee: Attendee, own: OwnRegistration) -> Self:
        in_person = own.mailed and is_contact_person(attendee, own.registration)
        return cls._of(attendee, attendee.email_for_contact, in_person=in_person)

    @classmethod
    def on_ticket(cls, attendee: Attendee) -> Self:
        return cls._of(attendee, None, in_person=False)

    @classmethod
    def _of(cls, attendee: Attendee, email: str | None, *, in_person: bool) -> Self:
        return cls(
            id=attendee.id,
            name=attendee.name,
            email=email,
            has_email=attendee.email is not None,
            status=attendee.status,
            checked_in_at=attendee.checked_in_at,
            in_person=in_person,
            agrees=in_person and attendee.shown_to_participants,
        )


@dataclass(frozen=True, slots=True)
class ShownRegistration:
    """How to reach the contact person is for the contact person."""

    reference: str
    contact_name: str
    contact_email: str | None = None
    contact_phone: str | None = None

    @classmethod
    def to_contact(cls, registration: Registration) -> Self:
        return cls(
            registration.reference, registration.contact_name, registration.contact_email, registration.contact_phone
        )

    @classmethod
    def to_attendee(cls, registration: Registration) -> Self:
        return cls(registration.reference, registration.contact_name)
