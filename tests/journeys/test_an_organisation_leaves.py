"""A company leaves: it takes with it all that is held of it, is forgotten by three services, and one report says so."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from sqlmodel import select

from services.events.tables import Organisation as EventsCopy
from services.matching.retelling import STEPS
from services.notify.tables import Organisation as NotifyCopy
from shared.messaging.retelling import retell
from shared.settings import SERVICES
from tests.conftest import NewDatabase
from tests.events.builders import by_link, counted, published
from tests.matching.builders import ADMIN, Row, key_of, make
from tests.notify.mailbox import Mailbox, running_mailbox
from tests.support.callers import as_caller
from tests.support.nats import NatsServer
from tests.support.services import Client, eventually, running, settings_for

METTE = {"name": "Mette Holm", "email": "mette@gaerhuset.dk", "language": "da"}
COMPANY = {"name": "Gærhuset ApS", "website": "https://www.gaerhuset.dk"}


@dataclass(frozen=True, slots=True)
class System:
    """Three services on one bus, and the letter boxes of the world."""

    events: Client
    matching: Client
    notify: Client
    mailbox: Mailbox


@pytest.fixture
async def system(new_database: NewDatabase, nats_server: NatsServer) -> AsyncIterator[System]:
    async with AsyncExitStack() as running_things:
        mailbox = await running_things.enter_async_context(running_mailbox())
        clients: dict[str, Client] = {}
        for service in SERVICES:
            kind = import_module(f"services.{service}.settings").Settings
            create_app = import_module(f"services.{service}.app").create_app
            more: dict[str, Any] = {"smtp_url": mailbox.url} if service == "notify" else {}
            settings = settings_for(kind, service, await new_database(service), nats_server, **more)
            clients[service] = await running_things.enter_async_context(running(create_app, settings))
        yield System(**clients, mailbox=mailbox)


async def until_200(client: Client, path: str, **request: Any) -> Row:
    async def look() -> Response | None:
        answer = await client.get(path, **request)
        return answer if answer.status_code == 200 else None

    found = await eventually(look)
    assert found is not None
    body: Row = found.json()
    return body


async def copies(system: System, organisation: str) -> list[Any]:
    """What events and notify still know of it."""
    found: list[Any] = []
    for client, kind in ((system.events, EventsCopy), (system.notify, NotifyCopy)):
        async with client.app.state.database.reading() as session:
            found += (await session.exec(select(kind).where(kind.id == UUID(organisation)))).all()
    return found


async def test_an_organisation_takes_its_data_along_and_is_forgotten_everywhere(system: System) -> None:
    event = await published(system.events)
    attendees = [{"name": "Aksel Lind", "email": "aksel@gaerhuset.dk"}]
    registration = await counted(system.events, event, organisation=COMPANY, contact=METTE, attendees=attendees)
    organisation = registration["organisation"]["id"]
    path, key = f"/v1/organisations/{organisation}", key_of(organisation)
    await until_200(system.matching, path, params=key)
    await system.mailbox.one("mette@gaerhuset.dk", "Gør jeres profil færdig")

    export = await until_200(system.matching, f"{path}/export", params=key)
    assert export["profile"]["name"] == "Gærhuset ApS"
    assert [each["email"] for each in export["registrations"][0]["attendees"]] == ["aksel@gaerhuset.dk"]
    assert [(each["topic"], each["email"]) for each in export["letters"]] == [("profile_link", "mette@gaerhuset.dk")]
    assert [each["confirmed"] for each in export["going"]] == [1]

    gone = await system.matching.delete(path, params=key)
    assert gone.status_code == 202, gone.text
    report_path = gone.json()["next_steps"][0]["href"]

    async def complete() -> Row | None:
        body: Row = (await system.matching.get(report_path, headers=ADMIN)).json()
        return body if body["status"] == "complete" else None

    report = await eventually(complete)
    assert report is not None
    erased = {part["service"]: part["erased"] for part in report["parts"]}
    assert erased["matching"]["profiles"] == 1
    assert erased["events"] == {"copies of the organisation": 1, "links of registrations": 1}
    assert (erased["notify"]["letters"], erased["notify"]["profile links"]) == (1, 1)

    assert (await system.matching.get(path, headers=ADMIN)).status_code == 404
    assert await copies(system, organisation) == []
    kept = await by_link(system.events, registration)
    assert (kept["organisation"], kept["status"]) == (None, "confirmed")
    mettes = as_caller("member", email="mette@gaerhuset.dk")
    inbox = (await system.notify.get("/v1/inbox", headers=mettes)).json()["items"]
    assert {each["topic"] for each in inbox} == {"registration_created"}


async def test_telling_everything_again_brings_nothing_back(system: System) -> None:
    own, other = [await make(system.matching, name, website=None) for name in ("Gærhuset ApS", "Bageriet")]

    async def all_know(count: int, organisation: str) -> bool:
        return len(await copies(system, organisation)) == count

    await eventually(lambda: all_know(2, own["id"]))
    await system.matching.delete(f"/v1/organisations/{own['id']}", headers=ADMIN)
    await eventually(lambda: all_know(0, own["id"]))
    async with system.notify.app.state.database.transaction() as session:
        await session.delete(await session.get(NotifyCopy, UUID(other["id"])))

    await retell(system.matching.app.state.database, STEPS)
    await eventually(lambda: all_know(2, other["id"]))
    assert await copies(system, own["id"]) == []
    assert (await system.matching.get(f"/v1/organisations/{own['id']}", headers=ADMIN)).status_code == 404
