"""A key by way of the real bus: made in matching, it opens a door in events, and once revoked nothing anywhere."""

from datetime import timedelta

import pytest

from services.events import app as events_app
from services.events.settings import Settings as EventsSettings
from services.matching import app as matching_app
from services.matching.settings import Settings as MatchingSettings
from services.notify import app as notify_app
from services.notify.settings import Settings as NotifySettings
from shared.fields import utc_now
from tests.conftest import NewDatabase
from tests.events.builders import ORGANISER, published
from tests.support.nats import NatsServer
from tests.support.services import Client, eventually, running, settings_for

NO_MAIL = "smtp://127.0.0.1:1"


@pytest.fixture
def dialect() -> str:
    """What each service does is told on both databases by its own tests; this is about the bus between them."""
    return "sqlite"


async def test_a_key_is_known_everywhere_and_so_is_its_end(new_database: NewDatabase, nats_server: NatsServer) -> None:
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
        until = (utc_now() + timedelta(days=1)).isoformat()
        wanted = {"name": "Nord", "role": "door", "events": [event["id"]], "expires_at": until}
        made = (await matching.post("/v1/api-keys", json=wanted, headers=ORGANISER)).json()
        shown = {"Authorization": f"Bearer {made['key']}"}
        attendees = f"/v1/events/{event['id']}/attendees"

        async def answered(client: Client, path: str, status: int) -> bool:
            return (await client.get(path, headers=shown)).status_code == status

        await eventually(lambda: answered(events, attendees, 200))
        await eventually(lambda: answered(notify, "/v1/deliveries", 404))
        await matching.delete(f"/v1/api-keys/{made['id']}", headers=ORGANISER)
        await eventually(lambda: answered(events, attendees, 401))
        await eventually(lambda: answered(notify, "/v1/deliveries", 401))
        assert await answered(matching, "/v1/introductions", 401)
