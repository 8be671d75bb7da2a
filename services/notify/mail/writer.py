"""From a parcel to a mail: its words, its addresses, its calendar file, its headers."""

from uuid import UUID

from services.notify.deliveries.parcels import TO_ROLL, Parcel
from services.notify.letters.addresses import Addresses
from services.notify.letters.notifications import language_of
from services.notify.letters.preferences import ABOUT
from services.notify.letters.wording import Place, Places, ShownEvent, mail_words
from services.notify.mail.calendar_attachments import CalendarAttachments
from services.notify.mail.mail import Mail
from services.notify.settings import Settings
from shared.access.links import Links
from shared.language import text_of


class MailWriter:
    def __init__(self, settings: Settings, links: Links) -> None:
        self._settings = settings
        self._addresses = Addresses(settings, links)
        self._calendars = CalendarAttachments(settings, self._addresses)
        self._domain = settings.mail_address.rpartition("@")[2]

    def write(self, parcel: Parcel) -> Mail:
        notification, event = parcel.notification, parcel.event
        language = language_of(notification.language)
        shown = ShownEvent.of(event, parcel.organiser, language) if event else None
        facts = {**notification.facts, "people": parcel.people}
        # Facts for a whole roll name nobody.
        facts["name"] = facts.get("name") or parcel.contact.name
        return Mail(
            sender=self._settings.mail_from,
            to_email=parcel.contact.email,
            to_name=facts["name"],
            message_id=f"<{parcel.delivery.id}@{self._domain}>",
            date=notification.created_at,
            language=language,
            words=mail_words(notification.topic, language, facts, shown, self.places(parcel)),
            calendar=self._calendars.of(parcel),
            headers=self._headers(parcel),
        )

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        """Mails about one registration make one conversation; those to a whole roll say of which list they are."""
        notification, contact = parcel.notification, parcel.contact
        if ABOUT.get(notification.topic) == "suggestions":
            # RFC 8058: the mail program offers a button, and does the rest by itself.
            address = self._addresses.one_click_unsubscribe(contact.id, contact.link_version)
            return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        if notification.registration_id is not None:
            return {"References": f"<{notification.registration_id}@{self._domain}>"}
        if notification.topic in TO_ROLL:
            return {"List-Id": f"<{notification.event_id}.events.{self._domain}>"}
        return {}

    def places(self, parcel: Parcel) -> Places:
        notification, addresses = parcel.notification, self._addresses
        ends_at = parcel.event.ends_at if parcel.event else None
        tickets = [
            Place(addresses.ticket(UUID(person["id"]), person["code_version"]), person["name"])
            for person in parcel.people
            if person["own"] and person["status"] == "confirmed"
        ]
        return Places(
            main=addresses.of(notification.opens, notification.opens_id, notification.opens_version, ends_at),
            tickets=tuple(tickets),
            confirmation=addresses.confirmation(notification.opens_id, notification.opens_version, ends_at)
            if notification.opens == "registration" and notification.opens_id and notification.opens_version
            else None,
            registrations=self._held(parcel),
            profiles=tuple(
                Place(addresses.profile(link.organisation_id, link.link_version), name or "Videnbro")
                for link, name in parcel.holdings.profiles
            ),
            unsubscribe=addresses.unsubscribe(parcel.contact.id, parcel.contact.link_version),
            inbox=addresses.inbox(parcel.contact.id, parcel.contact.link_version),
        )

    def _held(self, parcel: Parcel) -> tuple[Place, ...]:
        language, addresses = language_of(parcel.notification.language), self._addresses
        registrations = [
            Place(
                addresses.registration(each.id, each.link_version, event.ends_at),
                f"{text_of(event.title, language)} ({each.reference})",
            )
            for each, event in parcel.holdings.registrations
        ]
        seats = [
            Place(
                addresses.attendee(entry.attendee_id, entry.link_version, event.ends_at), text_of(event.title, language)
            )
            for entry, event in parcel.holdings.seats
        ]
        return (*registrations, *seats)
