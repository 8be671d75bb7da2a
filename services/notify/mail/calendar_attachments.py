"""The calendar file of a mail: own seats are requested or cancelled, for the recipient alone (RFC 5546)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.notify.deliveries.parcels import Parcel
from services.notify.letters.addresses import Addresses
from services.notify.letters.notifications import language_of
from services.notify.letters.wording import where
from services.notify.mail.mail import CalendarAttachment
from services.notify.settings import Settings
from services.notify.tables import Event
from shared.calendar import CalendarEntry, Method, calendar_file, uid_of
from shared.fields import wire_address
from shared.language import text_of

Seat = dict[str, Any]
ENDING = ("attendee_cancelled", "attendee_replaced", "event_cancelled", "registration_cancelled")
WITHOUT = ("attendee_waitlisted", "attendee_pending")


class CalendarAttachments:
    def __init__(self, settings: Settings, addresses: Addresses) -> None:
        self._settings, self._addresses = settings, addresses

    def of(self, parcel: Parcel) -> CalendarAttachment | None:
        """None where there is nothing for a calendar to know."""
        event, topic = parcel.event, parcel.notification.topic
        if event is None or topic in WITHOUT or (event.status == "cancelled" and topic not in ENDING):
            return None
        method, seats = _method_and_seats(topic, parcel.people)
        if method is None:
            return None
        entries = [self._entry(parcel, event, method, seat) for seat in seats] or [self._entry(parcel, event, method)]
        return CalendarAttachment(calendar_file(entries, method), method, f"{event.slug}.ics")

    def _entry(self, parcel: Parcel, event: Event, method: Method, seat: Seat | None = None) -> CalendarEntry:
        """The entry of one seat, or of the event for a contact person who only answers for others."""
        mailed = method != "PUBLISH"
        return CalendarEntry(
            uid=uid_of(event.id, UUID(seat["id"]) if seat else None),
            sequence=event.version + (seat["sequence"] if seat else 0),
            title=text_of(event.title, language_of(parcel.notification.language)),
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            timezone=event.timezone,
            updated_at=parcel.notification.created_at,
            status="cancelled" if method == "CANCEL" else "confirmed",
            location=where(event.venue) or event.online_url,
            url=self._addresses.event(event.slug),
            organizer_name=parcel.organiser or "Videnbro",
            organizer_email=self._settings.mail_address,
            attendee_name=parcel.contact.name if mailed else None,
            attendee_email=wire_address(parcel.contact.email) if mailed else None,
        )


def _method_and_seats(topic: str, people: Sequence[Seat]) -> tuple[Method | None, list[Seat]]:
    own = [person for person in people if person["own"]]
    if topic == "attendee_replaced":
        return "CANCEL", list(people)
    if topic in ENDING:
        return "CANCEL", own
    if confirmed := [person for person in own if person["status"] == "confirmed"]:
        return "REQUEST", confirmed
    if cancelled := [person for person in own if person["status"] == "cancelled"]:
        return "CANCEL", cancelled
    if any(person["status"] == "confirmed" for person in people):
        return "PUBLISH", []
    return None, []
