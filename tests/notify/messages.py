"""What the other services tell, for tests: an event at Helix Lab, a sign-up of three from an invented company."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notify.subscriptions import subscriptions
from shared.contracts.events import (
    AttendeeChange,
    AttendeeStatus,
    ContactPerson,
    EventCancelled,
    EventContact,
    EventPublished,
    EventUpdated,
    RegisteredAttendee,
    RegisteredOrganisation,
    RegistrationCancelled,
    RegistrationCreated,
    RegistrationFacts,
    RegistrationUpdated,
    Venue,
)
from shared.contracts.matching import (
    FoundPartner,
    IntroductionParty,
    OrganisationContact,
    OrganisationCreated,
    SuggestionsFound,
)
from shared.contracts.message import Envelope, Language, Message
from shared.database import uuid7
from tests.support.heard import heard
from tests.support.services import Client

KHZ = UUID("0192d000-0000-7000-8000-00000000000a")


def starts_at() -> datetime:
    """When the event begins: at nine in Copenhagen, in May of next year."""
    return datetime(datetime.now(UTC).year + 1, 5, 17, 7, 0, tzinfo=UTC)


def envelope(message: Message, identity: UUID | None = None) -> bytes:
    return (
        Envelope(
            id=identity or uuid7(),
            source=f"/{message.type.split('.', 1)[0]}",
            type=message.type,
            subject=str(message.aggregate_id),
            time=datetime.now(UTC),
            aggregateversion=message.version,
            data=message.model_dump(mode="json", exclude_none=True),
        )
        .model_dump_json()
        .encode()
    )


async def tell(notify: Client, *messages: Message) -> None:
    """As the listener does: one transaction for the batch."""
    async with notify.app.state.database.transaction() as session:
        await subscriptions.handle(session, [heard(envelope(message)) for message in messages])


def event_facts(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "version": 2,
        "event_id": uuid7(),
        "organisation_id": KHZ,
        "slug": "alliancen-biotekbyen",
        "status": "published",
        "kind": "signing",
        "title": {"da": "Alliancen Biotekbyen", "en": "The Biotech City alliance"},
        "starts_at": starts_at(),
        "ends_at": starts_at() + timedelta(hours=2),
        "timezone": "Europe/Copenhagen",
        "venue": Venue(name="Helix Lab", city="Kalundborg"),
        "contact": EventContact(name="Ane Organisator", email="ane@example.org", language="da"),
    }
    return facts | changes


def published(**changes: Any) -> EventPublished:
    return EventPublished(**event_facts(**changes))


def updated(event: EventPublished, **changes: Any) -> EventUpdated:
    return EventUpdated(**{**dict(event), "version": event.version + 1, "notify": "all", **changes})


def called_off(event: EventPublished, reason: str | None = "Sygdom") -> EventCancelled:
    return EventCancelled(**{**dict(event), "version": event.version + 1, "status": "cancelled", "reason": reason})


def organiser() -> OrganisationCreated:
    return OrganisationCreated(version=1, organisation_id=KHZ, name="Knowledge Hub Zealand")


def attendee(name: str | None, status: AttendeeStatus = "confirmed", **more: Any) -> RegisteredAttendee:
    email = f"{name.split()[0].lower()}@example.org" if name else None
    return RegisteredAttendee(**{"id": uuid7(), "status": status, "name": name, "email": email, **more})


def registered(event: Message, *attendees: RegisteredAttendee, **changes: Any) -> RegistrationCreated:
    """Signed up by Mette of Enzymværket, an invented company."""
    facts: dict[str, Any] = {
        "version": 1,
        "registration_id": uuid7(),
        "event_id": event.aggregate_id,
        "reference": "KLB-4711",
        "organisation": RegisteredOrganisation(id=uuid7(), name="Enzymværket ApS", new=True),
        "contact": ContactPerson(name="Mette Holm", email="Mette@example.org", language="da"),
        "attendees": attendees,
        "changed": tuple(AttendeeChange(attendee=each.id, to_status=each.status) for each in attendees),
    }
    return RegistrationCreated(**{**facts, **changes})


def changed(before: RegistrationFacts, *attendees: RegisteredAttendee, **more: Any) -> RegistrationUpdated:
    """The registration after `attendees` took the places of those with the same ids."""
    new = {each.id: each for each in attendees}
    was = {each.id: each for each in before.attendees}
    whole = tuple(new.get(each.id, each) for each in before.attendees)
    changes = tuple(
        AttendeeChange(attendee=each.id, from_status=was[each.id].status, to_status=each.status) for each in attendees
    )
    facts = {**dict(before), "version": before.version + 1, "attendees": whole, "changed": changes}
    return RegistrationUpdated(**{**facts, **more})


def ended(before: RegistrationFacts) -> RegistrationCancelled:
    """All of it cancelled."""
    gone = changed(before, *(each.model_copy(update={"status": "cancelled"}) for each in before.attendees))
    return RegistrationCancelled(**dict(gone))


def party(name: str, *people: str, **more: Any) -> IntroductionParty:
    contacts = tuple(
        OrganisationContact(name=person.title(), email=f"{person}@example.org", phone="+45 12 34 56 78")
        for person in people
    )
    return IntroductionParty(**{"organisation_id": uuid7(), "name": name, "contacts": contacts, **more})


def new_partners(
    name: str, person: str, *partners: str, more: int = 0, language: Language = "da", **changes: Any
) -> SuggestionsFound:
    """An organisation with one person to write to is told of new partners."""
    found = tuple(
        FoundPartner(
            organisation_id=uuid7(),
            name=partner,
            explanation={
                "da": f"{partner} tilbyder gær, og I søger gær.",
                "en": f"{partner} offers yeast, and you look for yeast.",
            },
        )
        for partner in partners
    )
    facts: dict[str, Any] = {
        "organisation_id": uuid7(),
        "version": 1,
        "name": name,
        "link_version": 1,
        "contacts": (OrganisationContact(name=person.title(), email=f"{person}@example.org", language=language),),
        "partners": found,
        "more": more,
        "at": starts_at(),
    }
    return SuggestionsFound(**{**facts, **changes})
