"""What one person is told about one message, before it is worded."""

from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

from services.notify.contacts import Person

Topic = Literal[
    "registration_created",
    "registration_changed",
    "registration_cancelled",
    "registration_resent",
    "registration_reminded",
    "attendee_confirmed",
    "attendee_waitlisted",
    "attendee_pending",
    "attendee_promoted",
    "attendee_cancelled",
    "attendee_replaced",
    "event_published",
    "event_updated",
    "event_cancelled",
    "organiser_registration",
    "organiser_cancellation",
    "profile_link",
    "introduction_requested",
    "introduction_proposed",
    "introduction_completed",
    "introduction_expired",
    "introduction_outcome",
    "suggestions_found",
    "links",
    "sign_in",
]
TOPICS: tuple[Topic, ...] = get_args(Topic)

# What a letter leads to; all but the event's public page open by a derived key.
Opening = Literal["registration", "attendee", "profile", "contact", "event", "sign_in"]


@dataclass(frozen=True, slots=True)
class Opens:
    what: Opening
    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True)
class Letter:
    """`facts` are kept as JSON and worded at once for the inbox, and again when the mail is sent.

    `about_id` is another organisation that it speaks of: what it says of its people goes when that one is erased.
    """

    topic: Topic
    to: Person
    facts: dict[str, Any]
    event_id: UUID | None = None
    registration_id: UUID | None = None
    opens: Opens | None = None
    about_id: UUID | None = None
    by_mail: bool = True
    in_inbox: bool = True
