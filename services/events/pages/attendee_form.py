"""Saying who has a seat: the form that names it, corrects a name, or hands it over. Used by two pages."""

from dataclasses import dataclass

from pydantic import ValidationError

from services.events.pages.sign_up_form import WRONG, Words
from services.events.registrations.changes import NewName, rename
from services.events.registrations.deciding import AlreadyRegistered
from services.events.routes.attendees import AttendeeChange
from services.events.tables import Attendee
from shared.access.caller import Caller
from shared.access.links import Links
from shared.http.sessions import Transaction
from shared.pages import Form

_REGISTERED: Words = {
    "da": "Den adresse er allerede tilmeldt arrangementet.",
    "en": "That address is registered for the event already.",
}


@dataclass(slots=True)
class NameForm:
    """What was filled in, and by field what is wrong with it."""

    name: str
    email: str
    wrong_name: Words | None = None
    wrong_email: Words | None = None

    @classmethod
    def of(cls, attendee: Attendee) -> "NameForm":
        """As the attendee's own page shows it."""
        return cls(attendee.name or "", attendee.email or "")

    @classmethod
    def for_contact(cls, attendee: Attendee) -> "NameForm":
        return cls(attendee.name or "", attendee.email_for_contact or "")

    @classmethod
    def read(cls, form: Form) -> "NameForm":
        return cls(form.one("name") or "", form.one("email") or "")

    async def apply(
        self, session: Transaction, links: Links, attendee: Attendee, caller: Caller, *, by_own_link: bool
    ) -> bool:
        """Whether it was taken. An e-mail left empty stays as it was; a new one hands the seat over."""
        given = {"name": self.name} | ({"email": self.email} if self.email else {})
        try:
            change = AttendeeChange.model_validate(given)
            new = NewName(frozenset(given), name=change.name, email=change.email, by_own_link=by_own_link)
            await rename(session, links, attendee, new, caller, late=False)
        except ValidationError as wrong:
            places = {item["loc"][0] for item in wrong.errors(include_input=False)}
            self.wrong_name = WRONG["name"] if "name" in places else None
            self.wrong_email = WRONG["email"] if "email" in places else None
        except AlreadyRegistered:
            self.wrong_email = _REGISTERED
        return self.wrong_name is None and self.wrong_email is None
