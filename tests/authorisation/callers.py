"""The kinds of callers: what each shows of itself."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.access import api_keys
from shared.access.caller import Role
from shared.access.links import Purpose
from shared.contracts.matching import ApiKeyFacts, ApiKeyIssued, ApiKeyRevoked, KeyRole
from shared.database import uuid7
from shared.fields import utc_now
from shared.pages.visitors import KEY_COOKIE, SIGN_IN_COOKIE
from tests.authorisation.rows import API_KEYS, LINKS, OPENING_NOTHING
from tests.support.callers import Headers, as_caller, links, tokens


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, a link's key, the cookie of who signed in, or nothing."""

    headers: Headers = field(default_factory=dict)
    key: str | None = None
    sign_in: UUID | None = None

    def shown_to(self, path: str) -> tuple[str, Headers]:
        """The address and the headers of a call: a page reads a key from its cookie, the interface from the address."""
        if self.key is None:
            return path, self.headers
        if path.startswith("/p/"):
            return path, {"Cookie": f"{KEY_COOKIE}={self.key}"}
        return f"{path}{'&' if '?' in path else '?'}key={self.key}", {}

    def proven(self, form: dict[str, Any]) -> dict[str, Any]:
        """The form as a page that the key opened sends it back."""
        shown = self.key or (self.sign_in and f"sign-in {self.sign_in}")
        return form | ({"proof": links.form_proof(shown)} if shown else {})


@dataclass(frozen=True, slots=True)
class Things:
    """What callers may belong to. An organisation `concerned` signed up to an event of the one `organising`."""

    organising: UUID = field(default_factory=uuid7)
    concerned: UUID = field(default_factory=uuid7)
    elsewhere: UUID = field(default_factory=uuid7)
    contact_email: str = "mette@example.org"
    opened: dict[str, UUID] = field(default_factory=dict)
    opened_elsewhere: dict[str, UUID] = field(default_factory=dict)
    event: UUID = field(default_factory=uuid7)


def callers(things: Things) -> dict[str, Caller]:
    """Every kind of caller, by its name in the table."""
    return _strangers(things) | _tokens(things) | _api_keys(things, *API_KEYS) | _signed_in(things) | _keys(things)


def issued_keys(things: Things) -> dict[str, ApiKeyFacts]:
    """What matching told of the API keys that callers show."""
    return {
        "door key": _issued(things, "door key", "door", events=(things.event,)),
        "other door key": _issued(things, "other door key", "door", events=(uuid7(),)),
        "integration key": _issued(things, "integration key", "integration", scopes=("read",)),
        "personal data key": _issued(things, "personal data key", "integration", scopes=("read", "personal_data")),
        "revoked key": _issued(things, "revoked key", "integration", ApiKeyRevoked, scopes=("read", "personal_data")),
    }


def _issued(
    things: Things, name: str, role: KeyRole, kind: type[ApiKeyFacts] = ApiKeyIssued, **grants: Any
) -> ApiKeyFacts:
    return kind(
        api_key_id=uuid7(),
        version=1,
        sha256=api_keys.fingerprint(_text(things, name)).hex(),
        role=role,
        organisation_id=things.organising,
        expires_at=utc_now() + timedelta(hours=1),
        **grants,
    )


def _text(things: Things, name: str) -> str:
    return f"{api_keys.PREFIX}{name.replace(' ', '_')}_{things.event.hex}{things.organising.hex}"


def _api_keys(things: Things, *names: str) -> dict[str, Caller]:
    return {name: Caller({"Authorization": f"Bearer {_text(things, name)}"}) for name in names}


def _strangers(things: Things) -> dict[str, Caller]:
    return {
        "nobody": Caller(),
        "invalid token": Caller(headers={"Authorization": "Bearer not.a.token"}),
        "invalid key": Caller(key=links.key(Purpose.REGISTRATION, uuid7(), 1)[:-1]),
    } | _api_keys(things, "revoked key")


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


def _signed_in(things: Things) -> dict[str, Caller]:
    return {
        "signed-in manager": _by_cookie("manager", things.concerned),
        "signed-in stranger": _by_cookie("manager", things.elsewhere),
        "signed-in organiser": _by_cookie("organiser", things.organising),
        "signed-in admin": _by_cookie("admin"),
    }


def _by_cookie(role: Role, *organisations: UUID) -> Caller:
    sign_in = uuid7()
    token = tokens.sign(email="signed-in@example.org", roles=[role], organisations=organisations, sign_in=sign_in)
    return Caller({"Cookie": f"{SIGN_IN_COOKIE}={token}"}, sign_in=sign_in)


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
