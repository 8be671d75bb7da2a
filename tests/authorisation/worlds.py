"""A world for each service: the things that the table's rows are about, made over its own interface."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import select

from services.matching.tables import Claim, SignIn
from services.notify.contacts import find
from shared.access import api_keys
from shared.contracts.events import RegisteredOrganisation
from shared.database import uuid7
from shared.fields import utc_now
from shared.messaging.tables import dead_letters
from shared.settings import ServiceName
from tests.authorisation.callers import Things, issued_keys
from tests.authorisation.secrets import Planted, only
from tests.events import builders as events
from tests.matching import builders as matching
from tests.notify import messages as notify
from tests.support.callers import as_caller, links
from tests.support.services import Client

SECRETARIAT = "secretariat@example.org"
ADMIN = as_caller("admin", email=SECRETARIAT)


@dataclass(frozen=True, slots=True)
class World:
    """`names` fills the placeholders of the table's lines."""

    things: Things
    names: dict[str, Any] = field(default_factory=dict)
    planted: Planted = field(default_factory=Planted)


def _needs_things(line: str) -> bool:
    return re.search(r" /(v1|p|t)/", line) is not None


async def make_world(service: ServiceName, client: Client, line: str) -> World:
    """The things that a line of the table is about."""
    if not _needs_things(line):
        world = World(Things(), {"stream": "EVENTS", "stream_seq": await _dead_letter(client)})
    else:
        world = await WORLDS[service](client, line)
        world.names["rest"] = "not/there"
    await _issue_keys(client, world.things)
    return world


async def _issue_keys(client: Client, things: Things) -> None:
    async with client.app.state.database.transaction() as session:
        for told in issued_keys(things).values():
            await api_keys.keep(session, told)


async def world_to_read(service: ServiceName, client: Client, line: str, made: dict[object, World]) -> World:
    """The same for all lines that only read such things."""
    kinds = (
        service,
        _needs_things(line),
        *(name for name in ("{draft}", "{hidden}", "{erased}", "{check_in}") if name in line),
    )
    if kinds not in made:
        made[kinds] = await make_world(service, client, line)
    return made[kinds]


async def _dead_letter(client: Client) -> int:
    """Where a message lies that could not be handled; tried now it is, for nobody listens to it any more."""
    place, kind = uuid7().int % 2**62, "events.nothing.happened.v1"
    message = notify.envelope(notify.published()).decode().replace("events.event.published.v1", kind)
    row = {"stream": "EVENTS", "stream_seq": place, "type": kind, "died_at": utc_now()}
    async with client.app.state.database.transaction() as session:
        connection = await session.connection()
        await connection.execute(insert(dead_letters).values(**row, envelope=message, last_error="it was so"))
    return place


def _address(name: str) -> str:
    """One that nobody has had before."""
    return f"{name}.{uuid7().hex[-12:]}@example.org"


async def events_world(client: Client, line: str) -> World:
    """A company's sign-up of two for an event, another company's, a check-in, and a draft."""
    event = await events.published(client)
    email, phone, others = _address("mette"), f"+45{uuid7().int % 10**8:08}", f"other.{uuid7().hex[-12:]}@gmail.com"
    jens, ida, title = _address("jens"), _address("ida"), f"Laborant {uuid7().hex[-12:]}"
    own = await events.counted(
        client,
        event,
        contact={"name": "Mette Holm", "email": email, "phone": phone},
        attendees=[{"name": "Jens", "email": jens}, {"name": "Ida", "email": ida, "job_title": title}],
    )
    other = await events.counted(client, event, contact={"name": "Nina Bak", "email": others})
    attendee, neighbour = (UUID(each["id"]) for each in own["attendees"])
    # The same address, as the attendee itself writes it: from now on not for the eyes of who signed up.
    said = {"email": jens.replace("jens", "JENS")}
    given = await client.patch(f"/v1/attendees/{attendee}", json=said, params=events.own_key(own["attendees"][0]))
    assert given.json()["email"] == said["email"], given.text
    names = {
        **{"event": event["id"], "registration": own["id"], "attendee": attendee},
        "code": links.ticket_code(attendee, 1),
    }
    if "{draft}" in line:
        drafted = await client.post("/v1/events", json=events.ceremony(), headers=events.ORGANISER)
        names["draft"] = drafted.json()["id"]
    if "{check_in}" in line:
        names["check_in"] = await _check_in(client, event, str(names["code"]))
    things = Things(
        event=UUID(event["id"]),
        organising=events.KNOWLEDGE_HUB,
        concerned=UUID(own["organisation"]["id"]),
        elsewhere=UUID(other["organisation"]["id"]),
        contact_email=email,
        opened=dict.fromkeys(("registration", "sign_up", "confirmation"), UUID(own["id"])) | {"attendee": attendee},
        opened_elsewhere=dict.fromkeys(("registration", "sign_up"), UUID(other["id"])) | {"attendee": neighbour},
    )
    above = ("manager", "organiser", "admin", "personal data key")
    own_links = ("registration link", "sign_up link", "contact person")
    planted = {
        email: only(own_links, above),
        phone: only(own_links, above),
        said["email"]: only("attendee link", above),
        ida: only(own_links, "other attendee link", above),
        title: only(own_links, "other attendee link", above),
        others: only(
            "other registration link", "other sign_up link", "other manager", "organiser", "admin", "personal data key"
        ),
        "Karen Kaas": only("organiser", "admin"),
        str(names["code"]): only(own_links, "attendee link", "manager"),
    }
    return World(things, names, Planted(planted))


async def _check_in(client: Client, event: dict[str, Any], code: str) -> str:
    await events.scan(client, event, code)
    seen = await client.get(f"/v1/events/{event['id']}/check-ins", headers=events.ORGANISER)
    return str(seen.json()["items"][0]["id"])


async def matching_world(client: Client, line: str) -> World:
    """Three organisations, the first going to an event and asking the second to be introduced.

    On a line about a `{hidden}` one the first is not published, about an `{erased}` one it is gone; on one about an
    outcome the second has said yes, too.
    """
    person, among_members, message = _address("mette"), f"Restgær {uuid7().hex[-12:]}", f"Hej {uuid7().hex[-12:]}"
    fields: dict[str, Any] = {"needs": [matching.need("Gær")], "offers": [matching.offer("Gær")]}
    for_members = matching.offer(among_members) | {"visibility": "members"}
    own = await matching.make(
        client,
        "Gærhuset",
        **fields | {"offers": [*fields["offers"], for_members], "contacts": [matching.contact(email=person)]},
    )
    partner, stranger = [await matching.make(client, name, **fields) for name in ("Bageriet", "Bryggeriet")]
    event = matching.ceremony(uuid7(), slug=f"underskrivelse-{uuid7().hex[-12:]}")
    going = RegisteredOrganisation(id=UUID(own["id"]), name=own["name"], new=False)
    await matching.hear(client, event, matching.sign_up(going, event=event.event_id))
    said = await matching.say(client, own["id"], partner["id"], "yes", message)
    if line.endswith("/outcome"):
        await matching.say(client, partner["id"], own["id"], "yes")
    names = {
        **{"organisation": own["id"], "hidden": own["id"], "erased": own["id"], "other": partner["id"]},
        "issuer": "nobody",
        **{"event": event.event_id, "introduction": said["introduction"], "version": own["version"]},
    }
    if "{hidden}" in line:
        hidden = await client.patch(f"/v1/organisations/{own['id']}", json={"published": False}, headers=ADMIN)
        names["version"] = hidden.json()["version"]
    claimed, member = _address("jens"), _address("ida")
    names["claim"] = await _claim(client, own["id"], claimed)
    names["member"] = await _member(client, own["id"], member)
    if "{api_key}" in line:
        names["api_key"] = await _api_key(client, event.organisation_id, event.event_id)
    if "{case}" in line:
        await _claim(client, own["id"], _address("case"))
        cases = await client.get("/v1/cases?kind=claim", headers=ADMIN)
        names["case"] = cases.json()["items"][0]["id"]
    if "{unit}" in line:
        names["unit"] = (await matching.make(client, "Laboratoriet", parent=own["id"]))["id"]
    if "{erased}" in line:
        await client.delete(f"/v1/organisations/{own['id']}", headers=ADMIN)
    things = Things(
        organising=event.organisation_id,
        event=event.event_id,
        concerned=UUID(own["id"]),
        elsewhere=UUID(stranger["id"]),
        opened={
            "profile": UUID(own["id"]),
            "introduction": UUID(said["introduction"]),
            "sign_in": await _sign_in(client),
        },
        opened_elsewhere={"profile": UUID(stranger["id"]), "sign_in": await _sign_in(client)},
    )
    its_people = ("contact person", "member", "manager", "signed-in manager", "signed-in admin", "profile link")
    planted = {
        person: only(its_people, "admin"),
        among_members: only(its_people, "other member", "other manager", "other profile link", "admin"),
        message: only(its_people, "admin"),
        claimed: only("manager", "profile link", "admin"),
        member: only("manager", "profile link", "admin"),
    }
    return World(things, names, Planted(planted))


async def _sign_in(client: Client) -> UUID:
    """Of who was mailed the link."""
    sign_in = SignIn(email=SECRETARIAT, email_key=SECRETARIAT, mailed_at=utc_now())
    async with client.app.state.database.transaction() as session:
        session.add(sign_in)
    return sign_in.id


async def _claim(client: Client, organisation: str, email: str) -> UUID:
    """One that waits for the secretariat: nobody else has an address there."""
    person = {"name": "Jens Lund", "email": email}
    await client.post(f"/v1/organisations/{organisation}/claim", json=person)
    async with client.app.state.database.reading() as session:
        claim: Claim = (await session.exec(select(Claim).where(Claim.email == person["email"]))).one()
        return claim.id


async def _member(client: Client, organisation: str, email: str) -> str:
    person = {"name": "Ida Krogh", "email": email}
    added = await client.post(f"/v1/organisations/{organisation}/members", json=person, headers=ADMIN)
    return str(added.json()["id"])


async def _api_key(client: Client, organisation: UUID, event: UUID) -> str:
    until = (utc_now() + timedelta(days=1)).isoformat()
    wanted = {"name": "Nord", "role": "door", "events": [str(event)], "expires_at": until}
    made = await client.post("/v1/api-keys", json={**wanted, "organisation": str(organisation)}, headers=ADMIN)
    return str(made.json()["id"])


async def notify_world(client: Client, _: str) -> World:
    """Two sign-ups for an event, with what was written to their contact persons."""
    event = notify.published(organisation_id=uuid7(), slug=f"alliancen-{uuid7().hex[-12:]}")
    own, other = _address("mette"), _address("jens")
    sign_ups = [
        notify.registered(event, notify.attendee(None), contact={"name": "Mette Holm", "email": email})
        for email in (own, other)
    ]
    await notify.tell(client, event, *sign_ups)
    mine = await client.get("/v1/inbox", headers=as_caller("member", email=own))
    sent = await client.get("/v1/deliveries", params={"person": own}, headers=ADMIN)
    assert sign_ups[0].organisation is not None
    things = Things(
        organising=event.organisation_id,
        event=event.event_id,
        concerned=sign_ups[0].organisation.id,
        contact_email=own,
        opened=dict.fromkeys(("contact", "unsubscribe"), await _contact(client, own)),
        opened_elsewhere=dict.fromkeys(("contact", "unsubscribe"), await _contact(client, other)),
    )
    planted = {
        own: only(
            "contact person", "contact link", "unsubscribe link", "outdated unsubscribe link", "organiser", "admin"
        ),
        other: only("other contact link", "other unsubscribe link", "organiser", "admin"),
    }
    known = Planted(planted, mailing=only("contact person", "contact link", "other contact link"))
    return World(
        things, {"notification": mine.json()["items"][0]["id"], "delivery": sent.json()["items"][0]["id"]}, known
    )


async def _contact(client: Client, email: str) -> UUID:
    async with client.app.state.database.reading() as session:
        found = await find(session, email)
    assert found is not None
    return found.id


WORLDS: dict[ServiceName, Callable[[Client, str], Awaitable[World]]] = {
    "events": events_world,
    "matching": matching_world,
    "notify": notify_world,
}
