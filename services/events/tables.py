"""The rows of the events service. A table class never goes over the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.access import api_keys
from shared.database import new_metadata, uuid7
from shared.fields import utc_now
from shared.messaging.tables import add_to

ACTIVE = ("pending", "confirmed", "waitlisted", "offered")
HOLDING = ("confirmed", "offered")

_Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# Written out, in statements as in the index: by parameters PostgreSQL cannot see that the partial index answers them.
IS_ACTIVE = text("status IN ('pending', 'confirmed', 'waitlisted', 'offered')")


class Base(SQLModel):
    metadata = new_metadata()


class Organisation(Base, table=True):
    """Our copy of an organisation; matching owns it. A newcomer's sign-up, confirmed, gives it its id."""

    __tablename__ = "organisations"
    __table_args__ = (Index("ix_organisations_cvr", "country", "cvr"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str = Field(max_length=200)
    # What it has in common with names that people take for the same.
    name_form: str = Field(default="", max_length=600, sa_column_kwargs={"server_default": ""})
    kind: str | None = Field(default=None, max_length=20)
    cvr: str | None = Field(default=None, max_length=20)
    cvr_proven: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    country: str = Field(default="DK", max_length=2)
    website: str | None = Field(default=None, max_length=500)
    parent: UUID | None = Field(default=None, index=True)
    published: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    merged_into: UUID | None = None
    # Whose confirmed sign-up made it: one of its people before matching says so.
    maker_key: str | None = Field(default=None, max_length=254, index=True)


class MailDomain(Base, table=True):
    """Where an organisation's people write from, proven. Its units share it."""

    __tablename__ = "mail_domains"

    domain: str = Field(max_length=253, primary_key=True)
    organisation_id: UUID = Field(index=True)


class Member(Base, table=True):
    """Our copy of who belongs to an organisation."""

    __tablename__ = "members"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(index=True)
    email_key: str = Field(max_length=254, index=True)


class ErasedOrganisation(Base, table=True):
    """An organisation that was erased: nothing told late brings it back."""

    __tablename__ = "erased_organisations"

    id: UUID = Field(primary_key=True)
    erased_at: datetime = Field(default_factory=utc_now)


class Event(Base, table=True):
    """A happening that people attend. Its quota rows stand apart: they are its lock."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("slug"), Index("ix_events_listing", "status", "starts_at", "id"))

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    slug: str = Field(max_length=80)
    organisation_id: UUID = Field(index=True)
    status: str = Field(default="draft", max_length=20)
    version: int = 1
    title: dict[str, str] = Field(sa_type=_Json)
    summary: dict[str, str] | None = Field(default=None, sa_type=_Json)
    description: dict[str, str] | None = Field(default=None, sa_type=_Json)
    kind: str = Field(max_length=20)
    venue: dict[str, Any] | None = Field(default=None, sa_type=_Json)
    online_url: str | None = Field(default=None, max_length=500)
    page_url: str | None = Field(default=None, max_length=500)
    image_url: str | None = Field(default=None, max_length=500)
    starts_at: datetime
    ends_at: datetime
    doors_open_at: datetime | None = None
    timezone: str = Field(max_length=64)
    ticket_types: list[dict[str, Any]] = Field(default_factory=list, sa_type=_Json)
    registration_opens_at: datetime | None = None
    registration_closes_at: datetime
    changes_close_at: datetime
    waitlist_mode: str = Field(default="promote", max_length=10)
    listed: bool = True
    focus_areas: list[str] = Field(default_factory=list, sa_type=_Json)
    hub: str | None = Field(default=None, max_length=40)
    contact: dict[str, Any] | None = Field(default=None, sa_type=_Json)
    # In one language, for code of old; `reasons` is what is read.
    cancel_reason: str | None = Field(default=None, max_length=2000)
    cancel_reasons: dict[str, str] | None = Field(default=None, sa_type=_Json)
    # What those who come were last told of it: the fields of `telling.TOLD` as a message carries them.
    told: dict[str, Any] | None = Field(default=None, sa_type=_Json)
    created_at: datetime = Field(default_factory=utc_now)
    updated_at: datetime = Field(default_factory=utc_now)

    @property
    def reasons(self) -> dict[str, str] | None:
        """Why it was called off, by language."""
        return self.cancel_reasons or ({"da": self.cancel_reason} if self.cancel_reason else None)


class Quota(Base, table=True):
    """A capacity with a name. `kind` is event or ticket_type; the row of kind event is the event's lock.

    `taken` is changed by `seats.write_taken` alone, under that lock; the CHECK is the last word.
    """

    __tablename__ = "quotas"
    __table_args__ = (
        UniqueConstraint("event_id", "kind", "key"),
        CheckConstraint("capacity IS NULL OR taken <= capacity", name="never_oversold"),
        CheckConstraint("taken >= 0", name="never_negative"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    event_id: UUID = Field(index=True)
    kind: str = Field(max_length=20)
    key: str = Field(default="", max_length=40)
    capacity: int | None = None
    taken: int = 0
    # Of the event's row only: the number the next in line will get.
    next_in_line: int = 1


class Registration(Base, table=True):
    """One sign-up for one event, made by a contact person. Its status is its attendees'."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("reference"),
        Index("ix_registrations_event_id_id", "event_id", "id"),
        Index("ix_registrations_contact_email", "contact_email"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    event_id: UUID
    reference: str = Field(max_length=12)
    # The organisation it counts for; none while it is only stated.
    organisation_id: UUID | None = Field(default=None, index=True)
    # What it says of its organisation, and the id that one gets if it is new.
    stated: dict[str, Any] | None = Field(default=None, sa_type=_Json)
    stated_id: UUID | None = None
    # By whose word it counts: the address that was confirmed, or a manager, organiser or the secretariat.
    recognised_by: str | None = Field(default=None, max_length=254)
    contact_confirmed_at: datetime | None = None
    contact_name: str = Field(max_length=200)
    contact_email: str = Field(max_length=254)
    contact_phone: str | None = Field(default=None, max_length=40)
    contact_language: str = Field(default="da", max_length=2)
    # A group that asked to wait together is promoted together or not at all.
    waits_together: bool = False
    version: int = 1
    link_version: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def stated_name(self) -> str | None:
        return (self.stated or {}).get("name")


class Attendee(Base, table=True):
    """One person, or one seat still without a name."""

    __tablename__ = "attendees"
    __table_args__ = (
        Index(
            "uq_attendees_event_email",
            "event_id",
            "email_key",
            unique=True,
            sqlite_where=IS_ACTIVE,
            postgresql_where=IS_ACTIVE,
        ),
        Index("uq_attendees_code_hash", "code_hash", unique=True),
        Index("ix_attendees_registration_id", "registration_id"),
        Index("ix_attendees_event_status_line", "event_id", "status", "line_number"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    event_id: UUID
    registration_id: UUID
    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=254)
    email_key: str | None = Field(default=None, max_length=254)
    # Given by the attendee's own link: not for the eyes of the contact person.
    email_is_own: bool = False
    job_title: str | None = Field(default=None, max_length=200)
    language: str | None = Field(default=None, max_length=2)
    ticket_type: str | None = Field(default=None, max_length=40)
    also_accepts: list[str] = Field(default_factory=list, sa_type=_Json)
    status: str = Field(max_length=20)
    line_number: int | None = None
    code_version: int = 1
    code_hash: bytes = Field(sa_type=LargeBinary)
    link_version: int = 1
    # Whether the person agreed that others who come may be told so; `consents.give` alone sets it, a hand-over ends it.
    shown_to_participants: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # Every change that a calendar must hear of raises it (RFC 5545, SEQUENCE).
    sequence: int = 0
    checked_in_at: datetime | None = None
    checked_in_door: str | None = Field(default=None, max_length=80)
    inside: bool = False
    check_in_version: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def email_for_contact(self) -> str | None:
        """The address as the contact person may see it: none that the attendee gave by the own link."""
        return None if self.email_is_own else self.email


class ReplacedCode(Base, table=True):
    """A ticket code that was handed over: a door must say so, not that it is unknown."""

    __tablename__ = "replaced_codes"

    code_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    attendee_id: UUID
    replaced_at: datetime = Field(default_factory=utc_now)


class Miss(Base, table=True):
    """That somebody was told an address is registered already; whom it is counted for is hashed. Kept for an hour."""

    __tablename__ = "misses"
    __table_args__ = (Index("ix_misses_counted_for_missed_at", "counted_for", "missed_at"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    counted_for: bytes = Field(sa_type=LargeBinary)
    missed_at: datetime = Field(index=True)


class CheckIn(Base, table=True):
    """Everything that came to a door, refused scans too."""

    __tablename__ = "check_ins"
    __table_args__ = (
        UniqueConstraint("event_id", "nonce"),
        Index("ix_check_ins_event_id_id", "event_id", "id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    event_id: UUID
    attendee_id: UUID | None = Field(default=None, index=True)
    nonce: str = Field(max_length=80)
    device: str = Field(max_length=80)
    door: str | None = Field(default=None, max_length=80)
    direction: str = Field(default="in", max_length=3)
    at: datetime
    result: str = Field(max_length=20)
    answer: dict[str, Any] = Field(sa_type=_Json)
    undone_at: datetime | None = None
    recorded_at: datetime = Field(default_factory=utc_now)


add_to(Base.metadata)
api_keys.add_to(Base.metadata)
