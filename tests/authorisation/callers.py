"""The kinds of callers: what each shows of itself."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.access.links import Purpose
from shared.database import uuid7
from shared.pages.visitors import KEY_COOKIE
from tests.authorisation.rows import LINKS, OPENING_NOTHING
from tests.support.callers import Headers, as_caller, links


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, a link's key, or nothing."""

    headers: Headers = field(default_factory=dict)
    key: str | None = None

    def shown_to(self, path: str) -> tuple[str, Headers]:
        """The address and the headers of a call: a page reads a key from its cookie, the interface from the address."""
        if self.key is None:
            return path, self.headers
        if path.startswith("/p/"):
            return path, {"Cookie": f"{KEY_COOKIE}={self.key}"}
        return f"{path}{'&' if '?' in path else '?'}key={self.key}", {}

    def proven(self, form: dict[str, Any]) -> dict[str, Any]:
        """The form as a page that the key opened sends it back."""
        return form | ({"proof": links.form_proof(self.key)} if self.key else {})


@dataclass(frozen=True, slots=True)
class Things:
    """What callers may belong to. An organisation `concerned` signed up to an event of the one `organising`."""

    organising: UUID = field(default_factory=uuid7)
    concerned: UUID = field(default_factory=uuid7)
    elsewhere: UUID = field(default_factory=uuid7)
    contact_email: str = "mette@example.org"
    opened: dict[str, UUID] = field(default_factory=dict)
    opened_elsewhere: dict[str, UUID] = field(default_factory=dict)


def callers(things: Things) -> dict[str, Caller]:
    """Every kind of caller, by its name in the table."""
    return _strangers() | _tokens(things) | _keys(things)


def _strangers() -> dict[str, Caller]:
    return {
        "nobody": Caller(),
        "invalid token": Caller(headers={"Authorization": "Bearer not.a.token"}),
        "invalid key": Caller(key=links.key(Purpose.REGISTRATION, uuid7(), 1)[:-1]),
    }


def _tokens(things: Things) -> dict[str, Caller]:
    concerned, elsewhere, organising = things.concerned, things.elsewhere, things.organising
    return {
        "contact person": Caller(as_caller("member", organisation=concerned, email=things.contact_email)),
        "member": Caller(as_caller("member", organisation=concerned, email="member@example.org")),
        "manager": Caller(as_caller("manager", organisation=concerned, email="manager@example.org")),
        "other member": Caller(as_caller("member", organisation=elsewhere, email="other@example.org")),
        "other manager": Caller(as_caller("manager", organisation=elsewhere, email="chief@example.org")),
        "organiser": Caller(as_caller("organiser", organisation=organising, email="organiser@example.org")),
        "member of the organiser": Caller(as_caller("member", organisation=organising, email="staff@example.org")),
        # Organising for the very organisation that is concerned opens nothing of what it takes part in.
        "other organiser": Caller(as_caller("organiser", organisation=concerned, email="planner@example.org")),
        "door": Caller(as_caller("door", organisation=organising, email="door@example.org")),
        "integration": Caller(as_caller("integration", organisation=organising, email="system@example.org")),
        "admin": Caller(as_caller("admin", email="secretariat@example.org")),
    }


def _keys(things: Things) -> dict[str, Caller]:
    found = {}
    for name in LINKS:
        purpose, thing = Purpose[name.upper()], things.opened.get(name, uuid7())
        other = things.opened_elsewhere.get(name, uuid7())
        found[f"{name} link"] = Caller(key=links.key(purpose, thing, 1))
        found[f"other {name} link"] = Caller(key=links.key(purpose, other, 1))
        # Every thing in these worlds is as it was made, with links of version 1.
        found[f"outdated {name} link"] = Caller(key=links.key(purpose, thing, 0))
    for name in OPENING_NOTHING:
        found[f"{name} link"] = Caller(key=links.key(Purpose[name.upper()], things.opened.get(name, uuid7()), 1))
    return found
