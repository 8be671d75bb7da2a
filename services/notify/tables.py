"""The rows of the notify service. A table class never goes over the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Index, Table, UniqueConstraint, text, true
from sqlmodel import Field, SQLModel, col

from shared.access import api_keys
from shared.database import new_metadata, uuid7
from shared.fields import utc_now
from shared.messaging.tables import add_to

ACTIVE = ("pending", "confirmed", "waitlisted", "offered")

_IS_QUEUED = text("status = 'queued'")
_OPENS_PROFILE = text("opens = 'profile'")
_IS_ABOUT_ONE = text("about_id IS NOT NULL")


class Base(SQLModel):
    metadata = new_metadata()


class Contact(Base, table=True):
    """A person notify can reach: one for each e-mail address, in lower case, with name and language as it said them."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("email"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    email: str = Field(max_length=254)
    name: str | None = Field(default=None, max_length=200)
    language: str = Field(default="da", max_length=2)
    # By preference; stronger than what others say of it.
    chosen_language: str | None = Field(default=None, max_length=2)
    link_version: int = 1
    created_at: datetime = Field(default_factory=utc_now)

    @property
    def reads(self) -> str:
        return self.chosen_language or self.language


class Declined(Base, table=True):
    """That a contact does not want a topic by a channel; what is not here is wanted."""

    __tablename__ = "declined"

    contact_id: UUID = Field(foreign_key="contacts.id", ondelete="CASCADE", primary_key=True)
    topic: str = Field(max_length=20, primary_key=True)
    channel: str = Field(max_length=10, primary_key=True)


class Event(Base, table=True):
    """Our copy of an event: what letters say of it."""

    __tablename__ = "events"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(index=True)
    version: int
    slug: str = Field(max_length=80)
    status: str = Field(max_length=20)
    title: dict[str, str] = Field(sa_type=JSON)
    starts_at: datetime
    ends_at: datetime
    timezone: str = Field(max_length=64)
    venue: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    online_url: str | None = Field(default=None, max_length=500)
    cancel_reason: str | None = Field(default=None, max_length=2000)
    cancel_reasons: dict[str, str] | None = Field(default=None, sa_type=JSON)
    contact_id: UUID | None = None


class Organisation(Base, table=True):
    """Our copy of an organisation: its name, and the version of its profile's link."""

    __tablename__ = "organisations"

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=200)
    link_version: int | None = None
    # Registered twice: it goes on as that one, which is itself merged into none.
    merged_into: UUID | None = None


class ErasedOrganisation(Base, table=True):
    """An organisation that was erased: nobody is written to about it any more, whatever is told late."""

    __tablename__ = "erased_organisations"

    id: UUID = Field(primary_key=True)
    erased_at: datetime = Field(default_factory=utc_now)


class ProfileLink(Base, table=True):
    """That a contact was given the link of an organisation's profile; an older version than the highest is revoked."""

    __tablename__ = "profile_links"

    organisation_id: UUID = Field(primary_key=True)
    contact_id: UUID = Field(primary_key=True, index=True)
    link_version: int


class Registration(Base, table=True):
    """Our copy of a sign-up: whose it is, and by which version of its link it is managed."""

    __tablename__ = "registrations"

    id: UUID = Field(primary_key=True)
    event_id: UUID = Field(index=True)
    contact_id: UUID = Field(index=True)
    reference: str = Field(max_length=20)
    link_version: int
    version: int


class RollEntry(Base, table=True):
    """One attendee. `contact_id` is the attendee's own, by the own e-mail; a seat without one has none."""

    __tablename__ = "roll"
    __table_args__ = (Index("ix_roll_event_id_status", "event_id", "status"),)

    attendee_id: UUID = Field(primary_key=True)
    registration_id: UUID = Field(index=True)
    event_id: UUID
    contact_id: UUID | None = Field(default=None, index=True)
    name: str | None = Field(default=None, max_length=200)
    status: str = Field(max_length=20)
    position: int | None = None
    code_version: int = 1
    link_version: int = 1
    sequence: int = 0
    checked_in_at: datetime | None = None


class Notification(Base, table=True):
    """What one contact is told about one message: the line in the inbox, and the facts its mail is written from.

    What it opens is kept as purpose, id and version: the key itself is derived when it is shown or mailed.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        # Handling a message twice creates nothing twice.
        UniqueConstraint("message_id", "contact_id", "topic"),
        Index("ix_notifications_contact_id_created_at_id", "contact_id", "created_at", "id"),
        Index("ix_notifications_event_id", "event_id"),
        Index("ix_notifications_registration_id_topic", "registration_id", "topic"),
        Index("ix_notifications_profile", "opens_id", sqlite_where=_OPENS_PROFILE, postgresql_where=_OPENS_PROFILE),
        Index("ix_notifications_about_id", "about_id", sqlite_where=_IS_ABOUT_ONE, postgresql_where=_IS_ABOUT_ONE),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    message_id: UUID
    contact_id: UUID
    topic: str = Field(max_length=40)
    language: str = Field(max_length=2)
    subject: str = Field(max_length=500)
    text: str = Field(max_length=4000)
    event_id: UUID | None = None
    registration_id: UUID | None = None
    # Another organisation that it speaks of.
    about_id: UUID | None = None
    opens: str | None = Field(default=None, max_length=20)
    opens_id: UUID | None = None
    opens_version: int | None = None
    facts: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime
    read_at: datetime | None = None
    archived_at: datetime | None = None
    # Off for what is wanted by mail alone.
    in_inbox: bool = Field(default=True, sa_column_kwargs={"server_default": true()})


class Delivery(Base, table=True):
    """The attempts at one notification over one channel. `status` is queued, sent or failed."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel"),
        Index("ix_deliveries_due_at", "due_at", sqlite_where=_IS_QUEUED, postgresql_where=_IS_QUEUED),
        Index("ix_deliveries_status_id", "status", "id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    notification_id: UUID
    channel: str = Field(default="mail", max_length=10)
    status: str = Field(default="queued", max_length=10)
    due_at: datetime
    # When it was said to wait until then; none before the first attempt.
    waits_since: datetime | None = None
    claimed_until: datetime | None = None
    attempts: int = 0
    last_error: str | None = Field(default=None, max_length=1000)
    # Each attempt: when, and what came of it; those that met a server in the same trouble are one entry.
    history: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime
    # When somebody asked for a failed one to be tried again.
    retried_at: datetime | None = None
    sent_at: datetime | None = None


add_to(Base.metadata)
api_keys.add_to(Base.metadata)


def table_of(kind: type[Base]) -> Table:
    """The Core table of a row class, for statements on the hot path."""
    return Base.metadata.tables[str(kind.__tablename__)]


def is_event(reference: str) -> ColumnElement[bool]:
    """An event by its id or its slug."""
    try:
        return col(Event.id) == UUID(reference)
    except ValueError:
        return col(Event.slug) == reference
