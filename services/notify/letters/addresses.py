"""The addresses that notifications and mails lead to. Keys are derived when they are shown or mailed, never stored."""

from datetime import datetime, timedelta
from uuid import UUID

from services.notify.settings import Settings
from shared.access.links import Links, Purpose, link_expiry
from shared.fields import utc_now

INBOX_OPEN_FOR = PROFILE_OPEN_FOR = timedelta(days=90)


class Addresses:
    """Makes addresses of the cluster as people see it."""

    def __init__(self, settings: Settings, links: Links) -> None:
        self._settings, self._links = settings, links

    def of(self, opens: str | None, thing: UUID | None, version: int | None, ends_at: datetime | None) -> str | None:
        """Where a notification leads; None for one that leads nowhere."""
        if opens is None or thing is None or version is None:
            return None
        match opens:
            case "registration":
                return self.registration(thing, version, ends_at)
            case "attendee":
                return self.attendee(thing, version, ends_at)
            case "profile":
                return self.profile(thing, version)
            case "sign_in":
                return self.sign_in(thing, version)
            case "contact":
                return self.inbox(thing, version)
            case _:
                return self._settings.public_url("events", f"/p/events/{thing}")

    def registration(self, registration: UUID, version: int, ends_at: datetime | None) -> str:
        key = self._links.key(Purpose.REGISTRATION, registration, version, ends_at and link_expiry(ends_at))
        return self._settings.public_url("events", f"/p/events/registrations/{registration}?key={key}")

    def confirmation(self, registration: UUID, version: int, ends_at: datetime | None) -> str:
        """The page with the button that says: this address is mine."""
        key = self._links.key(Purpose.CONFIRMATION, registration, version, ends_at and link_expiry(ends_at))
        return self._settings.public_url("events", f"/p/events/confirmations?key={key}")

    def attendee(self, attendee: UUID, version: int, ends_at: datetime | None) -> str:
        key = self._links.key(Purpose.ATTENDEE, attendee, version, ends_at and link_expiry(ends_at))
        return self._settings.public_url("events", f"/p/events/attendees/{attendee}?key={key}")

    def ticket(self, attendee: UUID, code_version: int) -> str:
        return self._settings.public_url("events", f"/t/{self._links.ticket_code(attendee, code_version)}")

    def event(self, event: str) -> str:
        """The public page, by slug or id."""
        return self._settings.public_url("events", f"/p/events/{event}")

    def profile(self, organisation: UUID, version: int) -> str:
        key = self._links.key(Purpose.PROFILE, organisation, version, utc_now() + PROFILE_OPEN_FOR)
        return self._settings.public_url("matching", f"/p/matching/organisations/{organisation}?key={key}")

    def sign_in(self, sign_in: UUID, version: int) -> str:
        key = self._links.key(Purpose.SIGN_IN, sign_in, version)
        return self._settings.public_url("matching", f"/p/matching/sign-in?key={key}")

    def inbox(self, contact: UUID, version: int) -> str:
        key = self._links.key(Purpose.CONTACT, contact, version, utc_now() + INBOX_OPEN_FOR)
        return self._settings.public_url("notify", f"/p/notify/inbox?key={key}")

    def unsubscribe(self, contact: UUID, version: int) -> str:
        """The page with the button."""
        key = self._links.key(Purpose.UNSUBSCRIBE, contact, version)
        return self._settings.public_url("notify", f"/p/notify/unsubscribe?key={key}")

    def one_click_unsubscribe(self, contact: UUID, version: int) -> str:
        """What a mail program posts to."""
        key = self._links.key(Purpose.UNSUBSCRIBE, contact, version)
        return self._settings.public_url("notify", f"/v1/unsubscribe?key={key}")
