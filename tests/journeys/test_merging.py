"""A company that signed up twice, by way of the real bus: once merged, it is one in all three services."""

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from services.events import app as events_app
from services.events.settings import Settings as EventsSettings
from services.matching import app as matching_app
from services.matching.settings import Settings as MatchingSettings
from services.notify import app as notify_app
from services.notify.settings import Settings as NotifySettings
from services.notify.tables import Organisation
from tests.conftest import NewDatabase
from tests.events.builders import company, counted, published
from tests.support.callers import as_caller
from tests.support.nats import NatsServer
from tests.support.services import Client, eventually, running, settings_for

NO_MAIL = "smtp://127.0.0.1:1"
ADMIN = as_caller("admin", email="sekretariat@example.org")


@pytest.fixture
def dialect() -> str:
    """What each service does is told on both databases by its own tests; this is about the bus between them."""
    return "sqlite"


async def test_a_company_registered_twice_becomes_one_everywhere(
    new_database: NewDatabase, nats_server: NatsServer
) -> None:
    urls = {name: await new_database(name) for name in ("events", "matching", "notify")}
    for_events = settings_for(EventsSettings, "events", urls["events"], nats_server)
    for_matching = settings_for(MatchingSettings, "matching", urls["matching"], nats_server)
    for_notify = settings_for(NotifySettings, "notify", urls["notify"], nats_server, smtp_url=NO_MAIL)
    async with (
        running(events_app.create_app, for_events) as events,
        running(matching_app.create_app, for_matching) as matching,
        running(notify_app.create_app, for_notify) as notify,
    ):
        event = await published(events)
        old, new = [(await counted(events, event))["organisation"]["id"] for _ in range(2)]
        await eventually(lambda: _are_known(matching, old, new))
        answer = await matching.post(f"/v1/organisations/{old}/merge", json={"into": new}, headers=ADMIN)
        assert (answer.status_code, answer.json()["follow"]["going"]) == (200, 1)
        both = await eventually(lambda: _registrations_of(events, event, old))
        assert {each["organisation"]["id"] for each in both} == {new}
        again = await events.post(
            f"/v1/events/{event['id']}/registrations",
            json=company(organisation={"id": old}),
            headers=as_caller("member", organisation=UUID(old), email="mette@example.org"),
        )
        assert again.json()["organisation"]["id"] == new
        await eventually(lambda: _goes_on(notify, old, new))


async def _are_known(matching: Client, *organisations: str) -> bool:
    found = [await matching.get(f"/v1/organisations/{each}", headers=ADMIN) for each in organisations]
    return all(answer.status_code == 200 for answer in found)


async def _registrations_of(events: Client, event: dict[str, Any], organisation: str) -> list[dict[str, Any]]:
    """As the manager of the one merged sees them, once both are there."""
    path = f"/v1/events/{event['id']}/registrations"
    found = (await events.get(path, headers=as_caller("manager", organisation=UUID(organisation)))).json()["items"]
    return list(found) if len(found) == 2 else []


async def _goes_on(notify: Client, one: str, into: str) -> bool:
    async with notify.app.state.database.reading() as session:
        kept = {str(each.id): str(each.merged_into) for each in await session.exec(select(Organisation))}
    return kept.get(one) == into
