"""What an operator is shown: what is wrong makes a service not ready, what waits is named beside it."""

from sqlalchemy import insert

from shared.contracts.matching import OrganisationUpdated
from shared.database import uuid7
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.messaging.tables import dead_letters
from tests.support.services import Client


async def test_what_is_untold_and_what_died_are_named(client: Client) -> None:
    async with client.app.state.database.transaction() as session:
        tell(session, OrganisationUpdated(organisation_id=uuid7(), version=1, name="Novozymes"))
        letter = {
            "stream": "EVENTS",
            "stream_seq": 1,
            "type": "x",
            "envelope": "{}",
            "last_error": "",
            "died_at": utc_now(),
        }
        await (await session.connection()).execute(insert(dead_letters).values(**letter))
    ready = (await client.get("/readyz")).json()
    assert ready["checks"]["database"] == "ok"
    assert (ready["telling"]["waiting"], ready["dead_letters"]) == (1, 1)
    assert ready["telling"]["oldest_seconds"] >= 0


async def test_who_is_told_to_stop_is_not_ready_and_answers_still(client: Client) -> None:
    client.app.state.leaving = True
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["service"]) == (503, "stopping")
    assert (await client.post("/v1/things", json={"name": "one"})).status_code == 201
