"""What is sent to the routes that want more than their address."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.database import uuid7
from shared.fields import utc_now
from shared.settings import ServiceName
from tests.authorisation.worlds import World
from tests.events import builders as events

Sent = dict[str, Any]


def _person() -> Sent:
    return {"name": "Nina Bak", "email": f"nina.{uuid7().hex[-12:]}@example.org"}


def _registering_form() -> Sent:
    return {"contact_name": "Nina Bak", "contact_email": _person()["email"], "contact_comes": "yes"}


def _new_organisation() -> Sent:
    return {"name": f"Mejeriet {uuid7().hex[-6:]}", "kind": "producer", "contacts": [_person()]}


def _door_key(world: World) -> Sent:
    until = (utc_now() + timedelta(days=1)).isoformat()
    keeps = {"organisation": str(world.things.organising), "events": [str(world.things.event)]}
    return {"json": {"name": "Dør nord", "role": "door", "expires_at": until, **keeps}}


def _preferences() -> Sent:
    return {"language": "da", "topics": {name: {"inbox": True, "mail": True} for name in ("suggestions", "organising")}}


EVENTS: dict[str, Callable[[World], Sent]] = {
    "POST /v1/events": lambda world: {"json": events.ceremony(organisation_id=str(world.things.organising))},
    "PATCH /v1/events/{event}": lambda _: {"json": {"hub": "kalundborg"}},
    "POST /v1/events/{event}/cancel": lambda _: {"json": {"reason": {"da": "Sygdom"}}},
    "POST /v1/events/{event}/registrations": lambda _: {"json": events.company(f"Fjordenzym {uuid7().hex[-6:]}")},
    "POST /v1/events/{event}/registrations/recognise": lambda world: {
        "json": {"ids": [str(world.names["registration"])]}
    },
    "PATCH /v1/registrations/{registration}": lambda _: {"json": {"contact": {"name": "Mette Holm Bak"}}},
    "POST /v1/registrations/{registration}/attendees": lambda _: {"json": {"attendees": [_person()]}},
    "POST /v1/registrations/{registration}/cancel": lambda _: {"json": {}},
    "PATCH /v1/attendees/{attendee}": lambda _: {"json": {"job_title": "Laborant"}},
    "POST /v1/events/{event}/check-ins": lambda world: {
        "json": {"code": world.names["code"], "nonce": uuid7().hex, "device": "phone-1"}
    },
    "POST /p/events/{event}": lambda _: {"data": _registering_form()},
    "POST /p/events/registrations/{registration}/cancel": lambda world: {"data": {"attendee": world.names["attendee"]}},
    "POST /p/events/registrations/{registration}/attendees/{attendee}": lambda _: {"data": {"name": "Jens Lund"}},
    "POST /p/events/attendees/{attendee}/consents": lambda _: {"data": {"shown_to_participants": "yes"}},
    "POST /p/events/attendees/{attendee}/name": lambda _: {"data": {"name": "Jens Lund"}},
}

MATCHING: dict[str, Callable[[World], Sent]] = {
    "POST /v1/organisations": lambda _: {"json": _new_organisation()},
    "PATCH /v1/organisations/{organisation}": lambda _: {"json": {"hub": "aarhus"}},
    "POST /v1/organisations/import": lambda _: {
        "content": f'{{"name": "Mølleriet", "kind": "producer", "key": "{uuid7()}"}}',
        "headers": {"Content-Type": "application/x-ndjson"},
    },
    "POST /v1/organisations/{organisation}/claim": lambda _: {"json": _person()},
    "POST /v1/organisations/{organisation}/merge": lambda world: {"json": {"into": world.names["other"]}},
    "POST /v1/organisations/{organisation}/members": lambda _: {"json": _person()},
    "PUT /v1/organisations/{organisation}/suggestions/{other}/answer": lambda _: {"json": {"answer": "not_for_us"}},
    "POST /v1/cases/{case}/settle": lambda _: {"json": {"as": "done"}},
    "POST /v1/introductions": lambda world: {
        "json": {"parties": [str(world.names["organisation"]), str(world.names["other"])]}
    },
    "POST /v1/introductions/{introduction}/outcome": lambda _: {"json": {"outcome": "met"}},
    "POST /v1/sign-in": lambda _: {"json": {"email": "nina@example.org"}},
    "POST /p/matching/sign-in": lambda _: {"data": {"email": "nina@example.org"}},
    "POST /v1/api-keys": _door_key,
    "POST /v1/search": lambda _: {"json": {"text": "gær til brød"}},
    "POST /p/matching/organisations/{organisation}/edit": lambda world: {
        "data": {"version": str(world.names["version"]), "kind": "producer", "summary_da": "Vi brygger"}
    },
    "POST /p/matching/organisations/{organisation}/publish": lambda _: {"data": {"published": "yes"}},
    "POST /p/matching/organisations/{organisation}/answers/{other}": lambda _: {"data": {"answer": "already_partners"}},
    "POST /p/matching/organisations/{organisation}/introductions/{introduction}/outcome": lambda _: {
        "data": {"outcome": "met"}
    },
}

NOTIFY: dict[str, Callable[[World], Sent]] = {
    "PUT /v1/preferences": lambda _: {"json": _preferences()},
    "POST /v1/links": lambda _: {"json": {"email": "nina@example.org"}},
    "POST /p/notify/links": lambda _: {"data": {"email": "nina@example.org"}},
}

SENT: dict[ServiceName, dict[str, Callable[[World], Sent]]] = {
    "events": EVENTS,
    "matching": MATCHING,
    "notify": NOTIFY,
}
