"""A yes to an organisation that nobody can be asked for: said at once, and its time begins when somebody is asked."""

from datetime import timedelta

from sqlalchemy import update

from services.matching.introductions import asking, expiry
from services.matching.tables import Introduction
from shared.contracts.matching import IntroductionExpired, IntroductionRequested
from shared.fields import utc_now
from tests.matching.builders import ADMIN, Row, contact, make, member_of, need, offer, say, told
from tests.support.services import Client


async def partners(client: Client) -> tuple[Row, Row]:
    """A bakery, and a maker of yeast at which nobody is known."""
    bakery = await make(client, "Bageriet", needs=[need("Gær")], contacts=[contact()])
    return bakery, await make(client, "Gærhuset", offers=[offer("Gær")])


async def ask(client: Client) -> bool:
    async with client.app.state.database.transaction() as session:
        return await asking.ask(session, 30)


async def test_asker_and_secretariat_hear_of_it_at_once_and_nobody_is_told_asked(client: Client) -> None:
    bakery, maker = await partners(client)
    said = await say(client, bakery["id"], maker["id"], "yes")
    assert [step["action"] for step in said["next_steps"]] == ["wait_for_contact"]
    assert await told(client, IntroductionRequested) == []
    (waiting,) = (await client.get("/v1/introductions?nobody_to_ask=true", headers=ADMIN)).json()["items"]
    assert (waiting["id"], waiting["nobody_to_ask"]) == (said["introduction"], True)
    (case,) = (await client.get("/v1/cases?kind=nobody_to_ask", headers=ADMIN)).json()["items"]
    assert case["organisation"] == maker["id"]
    own = await client.get("/v1/introductions?nobody_to_ask=true", headers=member_of(bakery["id"]))
    assert own.status_code == 403


async def test_its_time_begins_when_somebody_is_asked(client: Client) -> None:
    bakery, maker = await partners(client)
    said = await say(client, bakery["id"], maker["id"], "yes", "Vi bager.")
    async with client.app.state.database.transaction() as session:
        await session.exec(update(Introduction).values(expires_at=utc_now() - timedelta(days=1)))
        assert not await expiry.any_overdue(session)
    assert not await ask(client)
    person = [contact("Bo", "bo@gaer.example.org")]
    await client.patch(f"/v1/organisations/{maker['id']}", json={"contacts": person}, headers=ADMIN)
    assert await ask(client)
    assert not await ask(client)
    (asked,) = await told(client, IntroductionRequested)
    assert [each["email"] for each in asked["parties"][1]["contacts"]] == ["bo@gaer.example.org"]
    assert asked["parties"][0]["message"] == "Vi bager."
    path = f"/v1/introductions/{said['introduction']}"
    seen = (await client.get(path, headers=member_of(bakery["id"]))).json()
    assert seen["next_steps"][0]["action"] == "wait_for_answer"
    assert seen["expires_at"] > (utc_now() + timedelta(days=29)).isoformat()
    assert (await client.get("/v1/cases?kind=nobody_to_ask", headers=ADMIN)).json()["items"] == []
    assert await told(client, IntroductionExpired) == []
