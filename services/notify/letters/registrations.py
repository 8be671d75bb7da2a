"""The letters of a sign-up: to the contact person, to each attendee with an own e-mail, to the organiser.

Nobody gets two letters about one change: a contact person who attends finds the own ticket in the confirmation.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from services.notify.contacts import Person
from services.notify.letters.letter import Letter, Opens, Topic
from services.notify.tables import Contact, Event, Registration, RollEntry
from shared.contracts.events import AttendeeChange, RegisteredAttendee, RegistrationFacts
from shared.fields import same_address

_TOPIC_BY_STATUS: dict[str, Topic] = {
    "confirmed": "attendee_confirmed",
    "waitlisted": "attendee_waitlisted",
    "pending": "attendee_pending",
    "cancelled": "attendee_cancelled",
}
# Several seats under one e-mail make one letter: about the best news among them.
_BEST_FIRST: tuple[Topic, ...] = (
    "attendee_promoted",
    "attendee_confirmed",
    "attendee_waitlisted",
    "attendee_pending",
    "attendee_cancelled",
)


def created(told: RegistrationFacts) -> list[Letter]:
    return _once_each([to_contact("registration_created", told), *_to_attendees(told)])


def resent(told: RegistrationFacts) -> list[Letter]:
    return _once_each([to_contact("registration_resent", told), *_to_attendees(told)])


def updated(told: RegistrationFacts) -> list[Letter]:
    moved = any(change.from_status != change.to_status for change in told.changed)
    if not moved and not any(change.replaced or change.named for change in told.changed):
        return []
    contact = to_contact("registration_changed", told, by_mail=moved)
    attendees = [*_to_changed_attendees(told), *_to_replaced(told)]
    # Naming and handing over is the contact person's own doing: the inbox says so, no mail is needed.
    return _once_each([contact, *attendees] if moved else [*attendees, contact])


def cancelled(told: RegistrationFacts) -> list[Letter]:
    return _once_each([to_contact("registration_cancelled", told), *_to_changed_attendees(told)])


def to_contact(topic: Topic, told: RegistrationFacts, *, by_mail: bool = True) -> Letter:
    contact = told.contact
    return Letter(
        topic,
        Person(contact.email, contact.name, contact.language, by_itself=told.contact_speaks),
        {
            **_facts(told, told.attendees, contact.email, contact.name),
            "changes": [_change(told, change) for change in told.changed],
            "confirm": not told.contact_confirmed,
        },
        event_id=told.event_id,
        registration_id=told.registration_id,
        opens=Opens("registration", told.registration_id, told.link_version),
        by_mail=by_mail,
    )


def to_organiser_of_new(told: RegistrationFacts, organiser: Person | None) -> list[Letter]:
    return [_to_organiser("organiser_registration", told, organiser)] if organiser else []


def to_organiser_of_gone(told: RegistrationFacts, organiser: Person | None) -> list[Letter]:
    """One letter if somebody left."""
    left = any(each.to_status == "cancelled" and each.from_status != "cancelled" for each in told.changed)
    return [_to_organiser("organiser_cancellation", told, organiser)] if organiser and left else []


def _to_organiser(topic: Topic, told: RegistrationFacts, organiser: Person) -> Letter:
    """In the inbox only: an event of hundreds would fill a mailbox."""
    return Letter(
        topic,
        organiser,
        _facts(told, told.attendees, None, organiser.name)
        | {"changes": [_change(told, change) for change in told.changed]},
        event_id=told.event_id,
        registration_id=told.registration_id,
        opens=Opens("event", told.event_id),
        by_mail=False,
    )


def reminder(event: Event, registration: Registration, attendee: RollEntry, contact: Contact) -> Letter:
    """To the person whose e-mail came again, or to the contact person of a seat without an e-mail of its own."""
    own = attendee.contact_id is not None
    wanted = {"name", "status", "position", "code_version", "link_version", "sequence"}
    person = {**attendee.model_dump(include=wanted), "id": str(attendee.attendee_id), "own": own}
    return Letter(
        "registration_reminded",
        Person(contact.email, attendee.name if own else contact.name),
        {"name": attendee.name if own else contact.name, "reference": registration.reference, "people": [person]},
        event_id=event.id,
        registration_id=registration.id,
        opens=Opens("attendee", attendee.attendee_id, attendee.link_version)
        if own
        else Opens("registration", registration.id, registration.link_version),
    )


def about_cancelled_event(told: RegistrationFacts) -> list[Letter]:
    """For who registered before, and is heard of after, the event's cancellation."""
    attendees = [_to_attendee("event_cancelled", told, own) for own in _by_email(told.attendees).values()]
    return _once_each([to_contact("registration_created", told), *attendees])


def _to_attendees(told: RegistrationFacts) -> list[Letter]:
    letters = []
    for own in _by_email(told.attendees).values():
        topics = {_TOPIC_BY_STATUS[each.status] for each in own if each.status in _TOPIC_BY_STATUS}
        topics.discard("attendee_cancelled")
        if topics:
            letters.append(_to_attendee(min(topics, key=_BEST_FIRST.index), told, own))
    return letters


def _to_changed_attendees(told: RegistrationFacts) -> list[Letter]:
    changes = {change.attendee: change for change in told.changed}
    letters = []
    for own in _by_email(each for each in told.attendees if each.id in changes).values():
        topics = {topic for each in own if (topic := _news(each, changes[each.id]))}
        if topics:
            letters.append(_to_attendee(min(topics, key=_BEST_FIRST.index), told, own))
    return letters


def _news(attendee: RegisteredAttendee, change: AttendeeChange) -> Topic | None:
    """What the attendee hears of a change; nothing when only somebody else is concerned."""
    if change.replaced or change.named or change.from_status is None:
        topic = _TOPIC_BY_STATUS.get(attendee.status)
        return None if topic == "attendee_cancelled" else topic
    if change.from_status == change.to_status:
        return None
    if change.to_status == "confirmed" and change.from_status in ("waitlisted", "offered"):
        return "attendee_promoted"
    return _TOPIC_BY_STATUS.get(change.to_status)


def _to_attendee(topic: Topic, told: RegistrationFacts, own: Sequence[RegisteredAttendee]) -> Letter:
    first = own[0]
    assert first.email is not None
    return Letter(
        topic,
        Person(first.email, first.name, first.language),
        _facts(told, own, first.email, first.name),
        event_id=told.event_id,
        registration_id=told.registration_id,
        opens=Opens("attendee", first.id, first.link_version),
    )


def _to_replaced(told: RegistrationFacts) -> list[Letter]:
    """Who had the ticket until now; there is nothing left to open."""
    attendees = {attendee.id: attendee for attendee in told.attendees}
    return [
        Letter(
            "attendee_replaced",
            Person(change.previous_email, change.previous_name),
            _facts(told, [attendees[change.attendee]], None, change.previous_name),
            event_id=told.event_id,
            registration_id=told.registration_id,
        )
        for change in told.changed
        if change.replaced and change.previous_email and change.attendee in attendees
    ]


def _by_email(attendees: Iterable[RegisteredAttendee]) -> dict[str, list[RegisteredAttendee]]:
    found: dict[str, list[RegisteredAttendee]] = {}
    for attendee in attendees:
        if attendee.email is not None:
            found.setdefault(same_address(attendee.email), []).append(attendee)
    return found


def _once_each(letters: Iterable[Letter]) -> list[Letter]:
    """The first letter to each e-mail."""
    first: dict[str, Letter] = {}
    for letter in letters:
        first.setdefault(same_address(letter.to.email), letter)
    return list(first.values())


def _facts(
    told: RegistrationFacts, shown: Iterable[RegisteredAttendee], own_email: str | None, name: str | None
) -> dict[str, Any]:
    return {
        "name": name,
        "reference": told.reference,
        "organisation": named.name if (named := told.organisation or told.stated) else None,
        "contact_name": told.contact.name,
        "people": [_person(attendee, own_email) for attendee in shown],
    }


def _person(attendee: RegisteredAttendee, own_email: str | None) -> dict[str, Any]:
    own = bool(own_email and attendee.email and same_address(attendee.email) == same_address(own_email))
    wanted = {"id", "name", "status", "position", "code_version", "link_version", "sequence"}
    return {**attendee.model_dump(mode="json", include=wanted), "own": own}


def _change(told: RegistrationFacts, change: AttendeeChange) -> dict[str, Any]:
    attendee = next((each for each in told.attendees if each.id == change.attendee), None)
    return {
        "name": attendee.name if attendee else None,
        "from": change.from_status,
        "to": change.to_status,
        "position": attendee.position if attendee else None,
        "replaced": change.replaced,
        "named": change.named,
        "previous_name": change.previous_name,
    }
