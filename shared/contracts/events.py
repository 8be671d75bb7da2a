"""What the events service tells: events, registrations, check-ins. Only that service constructs these."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.message import Contract, ErasureReport, ExportPart, Language, Message, Personal, Texts

EventStatus = Literal["draft", "published", "cancelled", "completed"]
AttendeeStatus = Literal["pending", "confirmed", "waitlisted", "offered", "cancelled", "rejected", "expired"]


class Venue(Contract):
    name: str
    address: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class EventContact(Contract):
    """Whom to tell as the organiser."""

    name: Personal
    email: Personal
    language: Language = "da"


class EventFacts(Message):
    """An event as it stands after the change."""

    aggregate: ClassVar[str] = "event_id"

    event_id: UUID
    organisation_id: UUID
    slug: str
    status: EventStatus
    kind: str
    title: Texts
    summary: Texts | None = None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    venue: Venue | None = None
    online_url: str | None = None
    contact: EventContact | None = None


class EventPublished(EventFacts):
    type: ClassVar[str] = "events.event.published.v1"


class EventBefore(Contract):
    """What those who come were last told, of the fields that are others now."""

    title: Texts | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    timezone: str | None = None
    venue: Venue | None = None
    online_url: str | None = None


class EventUpdated(EventFacts):
    """`changed` names the fields; empty when told again. `notify` says whether attendees are to hear of it.

    `before`: what they were last told, of groups that are told together; absent in messages of old.
    """

    type: ClassVar[str] = "events.event.updated.v1"

    changed: tuple[str, ...] = ()
    notify: Literal["all", "none"] = "none"
    before: EventBefore | None = None


class EventCancelled(EventFacts):
    type: ClassVar[str] = "events.event.cancelled.v1"

    # In one language, for readers of old.
    reason: str | None = None
    reasons: Texts | None = None


class EventCompleted(EventFacts):
    type: ClassVar[str] = "events.event.completed.v1"


class StatedOrganisation(Contract):
    """What a sign-up says of its organisation and nobody has proven: shown as stated, counted for nobody."""

    name: str
    kind: str | None = None
    unit: str | None = None


class RegisteredOrganisation(Contract):
    """The organisation that the sign-up counts for; `new` when the sign-up gave it its id."""

    id: UUID
    name: str
    kind: str | None = None
    cvr: str | None = None
    country: str = "DK"
    website: str | None = None
    new: bool = False


class ContactPerson(Contract):
    name: Personal
    email: Personal
    phone: Personal | None = None
    language: Language = "da"


class Consents(Contract):
    """What an attendee has agreed to by the own link; nothing unless said."""

    shown_to_participants: bool = False


class RegisteredAttendee(Contract):
    """One attendee as it stands. Link and ticket code are derived from the id and these versions.

    The SEQUENCE of its calendar entry is the event's version plus `sequence`: both only rise.
    """

    id: UUID
    status: AttendeeStatus
    name: Personal | None = None
    email: Personal | None = None
    language: Language | None = None
    ticket_type: str | None = None
    position: int | None = None
    code_version: int = 1
    link_version: int = 1
    sequence: int = 0
    consents: Consents | None = None


class AttendeeChange(Contract):
    """`replaced` on a hand-over: `previous_email` had the ticket until now."""

    attendee: UUID
    from_status: AttendeeStatus | None = None
    to_status: AttendeeStatus
    replaced: bool = False
    named: bool = False
    previous_email: Personal | None = None
    previous_name: Personal | None = None


class RegistrationFacts(Message):
    """A registration as it stands after the change, and which attendees changed how.

    `contact_speaks` when the contact person itself said name and language: by a token, or the link it was mailed.
    """

    aggregate: ClassVar[str] = "registration_id"

    registration_id: UUID
    event_id: UUID
    reference: str
    link_version: int = 1
    organisation: RegisteredOrganisation | None = None
    stated: StatedOrganisation | None = None
    contact: ContactPerson
    contact_speaks: bool = False
    # Whether the contact person has used a link mailed to this address.
    contact_confirmed: bool | None = None
    attendees: tuple[RegisteredAttendee, ...]
    changed: tuple[AttendeeChange, ...] = ()


class RegistrationCreated(RegistrationFacts):
    type: ClassVar[str] = "events.registration.created.v1"


class RegistrationUpdated(RegistrationFacts):
    """`resend` when somebody asked for the mails again."""

    type: ClassVar[str] = "events.registration.updated.v1"

    resend: bool = False


class RegistrationCancelled(RegistrationFacts):
    """Its last attendee was cancelled."""

    type: ClassVar[str] = "events.registration.cancelled.v1"


class CheckInFacts(Message):
    """One attendee at a door. `version` counts the attendee's check-ins and check-outs."""

    aggregate: ClassVar[str] = "attendee_id"

    attendee_id: UUID
    registration_id: UUID
    event_id: UUID
    at: datetime
    door: str | None = None


class AttendeeCheckedIn(CheckInFacts):
    type: ClassVar[str] = "events.attendee.checked_in.v1"


class AttendeeCheckedOut(CheckInFacts):
    """Left, or a check-in was undone."""

    type: ClassVar[str] = "events.attendee.checked_out.v1"


class RegistrationReminded(Message):
    """Somebody signed up an e-mail already registered: its owner is reminded by mail, the caller learns nothing."""

    type: ClassVar[str] = "events.registration.reminded.v1"
    aggregate: ClassVar[str] = "registration_id"

    registration_id: UUID
    event_id: UUID
    attendee_id: UUID


class EventsErasedOrganisation(ErasureReport):
    type: ClassVar[str] = "events.organisation.erased.v1"


class ExportedAttendee(Contract):
    """An attendee as a manager of the organisation may see it."""

    id: UUID
    status: AttendeeStatus
    name: Personal | None = None
    email: Personal | None = None
    job_title: Personal | None = None
    language: Language | None = None
    ticket_type: str | None = None
    checked_in_at: datetime | None = None
    shown_to_participants: bool = False


class ExportedRegistration(Contract):
    """A registration made for the organisation, with all its attendees."""

    id: UUID
    reference: str
    event_id: UUID
    event_title: Texts
    starts_at: datetime
    created_at: datetime
    contact: ContactPerson
    attendees: tuple[ExportedAttendee, ...]


class EventsExportedOrganisation(ExportPart):
    type: ClassVar[str] = "events.organisation.exported.v1"

    registrations: tuple[ExportedRegistration, ...] = ()
