"""The sign-up form: what was filled in, what it asks for, and what is wrong with it."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError

from services.events.registrations.deciding import MOST_ATTENDEES
from services.events.routes.sign_up import SignUpInput
from shared.fields import Language
from shared.pages import Form
from shared.vocabulary import Labels, vocabulary

Words = dict[str, str]

IF_FULL: tuple[tuple[str, Words], ...] = (
    (
        "waitlist_rest",
        {"da": "Tag de pladser, der er, og sæt resten på venteliste", "en": "Take the seats there are; the rest wait"},
    ),
    ("waitlist_all", {"da": "Vi kommer alle eller ingen: vent samlet", "en": "All of us or nobody: wait together"}),
    ("refuse", {"da": "Tilmeld os ikke", "en": "Do not sign us up"}),
)
KINDS: tuple[tuple[str, Labels], ...] = tuple(vocabulary()["kinds"].items())

WRONG: dict[str, Words] = {
    "email": {"da": "Skriv en e-mailadresse som navn@example.org.", "en": "Give an address like name@example.org."},
    "name": {
        "da": "Skriv et navn på én linje, højst 200 tegn.",
        "en": "Give the name on one line, at most 200 characters.",
    },
    "phone": {"da": "Skriv et nummer: cifre, mellemrum og +.", "en": "Give a number: digits, spaces and +."},
    "ticket_type": {"da": "Vælg en anden deltagertype.", "en": "Choose another ticket type."},
}
_TWICE: Words = {"da": "Adressen er allerede tilmeldt eller står to gange.", "en": "Registered already, or here twice."}


_SHORTEST_ONCE = 16


def _new_once() -> str:
    return secrets.token_urlsafe(18)


@dataclass(slots=True)
class FilledAttendee:
    """One seat as filled in; all empty for a seat to be named later."""

    name: str = ""
    email: str = ""
    ticket_type: str = ""


@dataclass(slots=True)
class Filled:
    """The form as filled in. `once` makes a second press of the button the same sign-up."""

    once: str = field(default_factory=_new_once)
    organisation: str = ""
    kind: str = ""
    contact_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    contact_comes: bool = True
    if_full: str = "waitlist_rest"
    attendees: list[FilledAttendee] = field(default_factory=lambda: [FilledAttendee()])

    @classmethod
    def read(cls, form: Form) -> "Filled":
        rows = zip_longest(form.all("name"), form.all("email"), form.all("ticket_type"), fillvalue="")
        once = form.one("once") or ""
        return cls(
            # One too short to be nobody else's is none.
            once=once if len(once) >= _SHORTEST_ONCE else _new_once(),
            **{name: form.one(name) or "" for name in _PLAIN},
            contact_comes=form.one("contact_comes") is not None,
            if_full=form.one("if_full") or "waitlist_rest",
            attendees=[FilledAttendee(*row) for row in rows][:MOST_ATTENDEES] or [FilledAttendee()],
        )

    def press(self, button: str) -> bool:
        """Adds or takes away a row; False when the button asks for neither."""
        action, _, number = button.partition("-")
        if action == "add" and len(self.attendees) < MOST_ATTENDEES:
            self.attendees.append(FilledAttendee())
        elif action == "remove" and number in map(str, range(len(self.attendees))) and len(self.attendees) > 1:
            del self.attendees[int(number)]
            self.contact_comes &= number != "0"
        return action in ("add", "remove")

    def body(self, language: Language) -> SignUpInput:
        """What the API would be sent. Raises ValidationError."""
        attendees = [
            {"name": each.name or None, "email": each.email or None, "ticket_type": each.ticket_type or None}
            for each in self.attendees
        ]
        if self.contact_comes:
            attendees[0] |= {"name": self.contact_name, "email": self.contact_email}
        return SignUpInput.model_validate(
            {
                "organisation": {"name": self.organisation, "kind": self.kind or None} if self.organisation else None,
                "contact": {
                    "name": self.contact_name,
                    "email": self.contact_email,
                    "phone": self.contact_phone or None,
                    "language": language,
                },
                "attendees": attendees,
                "if_full": self.if_full,
            }
        )


_PLAIN = ("organisation", "kind", "contact_name", "contact_email", "contact_phone")


@dataclass(slots=True)
class WrongAttendee:
    name: Words | None = None
    email: Words | None = None
    ticket_type: Words | None = None


@dataclass(slots=True)
class Wrong:
    """What is wrong, by field, in both languages."""

    attendees: list[WrongAttendee]
    organisation: Words | None = None
    contact_name: Words | None = None
    contact_email: Words | None = None
    contact_phone: Words | None = None

    @classmethod
    def none(cls, filled: Filled) -> "Wrong":
        return cls([WrongAttendee() for _ in filled.attendees])

    @classmethod
    def at(cls, filled: Filled, places: Iterable[list[str]], words: Mapping[str, Words]) -> "Wrong":
        """`places` are paths into the body; `words` tell of each kind of field."""
        wrong = cls.none(filled)
        for place in places:
            wrong._mark(filled, place, words)
        return wrong

    def _mark(self, filled: Filled, place: list[str], words: Mapping[str, Words]) -> None:
        match place:
            case ["attendees", "0", "name" | "email" as name] if filled.contact_comes:
                setattr(self, f"contact_{name}", words[name])
            case ["attendees", index, "name" | "email" | "ticket_type" as name]:
                setattr(self.attendees[int(index)], name, words[name])
            case ["contact", "name" | "email" | "phone" as name]:
                setattr(self, f"contact_{name}", words[name])
            case ["organisation", *_]:
                self.organisation = words["name"]


def wrong_by_validation(filled: Filled, error: ValidationError) -> Wrong:
    places = ([str(part) for part in item["loc"]] for item in error.errors(include_input=False))
    return Wrong.at(filled, places, WRONG)


def wrong_by_problem(filled: Filled, extras: Mapping[str, Any]) -> Wrong:
    """Where a refusal of the rule points. An address it refuses is one that is there already."""
    pointers = [extras["pointer"]] if "pointer" in extras else [each["pointer"] for each in extras.get("errors", ())]
    return Wrong.at(filled, (pointer.strip("/").split("/") for pointer in pointers), WRONG | {"email": _TWICE})
