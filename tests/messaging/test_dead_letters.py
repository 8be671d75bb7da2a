"""A message that fails again and again is put aside, shown to the secretariat, and handled when they say so."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import ANY

import orjson
import pytest

from shared.contracts.matching import OrganisationUpdated
from shared.database import uuid7
from shared.messaging import listener as pulling
from shared.messaging.provision import consumer_config
from shared.settings import ServiceSettings
from tests.messaging.tiny import attempts, buried, listening, noted, organisation, told
from tests.support.callers import as_caller
from tests.support.nats import NatsServer
from tests.support.services import LONG_ENOUGH, Client, eventually, running


@dataclass
class Trouble:
    """Fails as long as `lasts`; counts how often it was tried."""

    lasts: bool = True
    tries: int = 0

    async def __call__(self, _: OrganisationUpdated) -> None:
        self.tries += 1
        if self.lasts:
            raise ValueError("the printer is on fire")


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
async def troubled(
    listener_settings: ServiceSettings, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    monkeypatch.setattr(pulling, "FIRST_DELAY", 0.001)
    async with running(partial(listening, trouble=trouble), listener_settings) as client:
        yield client


async def letters(client: Client) -> list[dict[str, Any]]:
    answer = await client.get("/ops/dead-letters", headers=as_caller("admin"))
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def replayed(client: Client, letter: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    place = f"/ops/dead-letters/{letter['stream']}/{letter['stream_seq']}/replay"
    answer = await client.post(place, headers=as_caller("admin"))
    return answer.status_code, answer.json()


async def test_the_eighth_failure_puts_a_message_aside(teller: Client, troubled: Client, trouble: Trouble) -> None:
    await told(teller.app, organisation("Radiometer"))
    (letter,) = await eventually(lambda: letters(troubled))
    assert trouble.tries == pulling.MOST_ATTEMPTS == 8
    assert letter["type"] == "matching.organisation.updated.v1"
    assert letter["last_error"] == "ValueError: the printer is on fire"
    assert "Radiometer" in letter["envelope"]
    assert await noted(troubled.app) == []
    assert await attempts(troubled.app) == 0


async def test_each_attempt_waits_longer_than_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: (least + most) / 2)
    assert [pulling._back_off(attempt) for attempt in (1, 2, 3, 4, 9)] == [1, 2, 4, 8, pulling.LONGEST_DELAY]


def test_what_a_message_waits_for_may_be_in_the_hands_of_a_dead_process_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: least)
    waited = sum(pulling._back_off(attempt) for attempt in range(1, pulling.MOST_ATTEMPTS))
    assert waited > 2 * (consumer_config("notify").ack_wait or 0)


async def test_a_message_that_recovers_is_handled_and_its_failures_forgotten(
    teller: Client, troubled: Client, trouble: Trouble
) -> None:
    await told(teller.app, organisation("Coloplast"))
    await eventually(lambda: attempts(troubled.app))
    trouble.lasts = False
    assert await eventually(lambda: noted(troubled.app)) == ["Coloplast"]
    assert await attempts(troubled.app) == 0
    assert await buried(troubled.app) == []


async def test_a_replay_while_the_cause_lasts_keeps_the_letter_and_says_why(teller: Client, troubled: Client) -> None:
    await told(teller.app, organisation("Ambu"))
    (letter,) = await eventually(lambda: letters(troubled))
    status, problem = await replayed(troubled, letter)
    assert (status, problem["type"]) == (409, "/problems/still-failing")
    assert "the printer is on fire" in problem["detail"]
    assert await letters(troubled) == [letter]


async def test_a_replay_after_the_cause_is_gone_has_the_effect_once(
    teller: Client, troubled: Client, trouble: Trouble
) -> None:
    await told(teller.app, organisation("Ambu"))
    (letter,) = await eventually(lambda: letters(troubled))
    trouble.lasts = False
    assert await replayed(troubled, letter) == (
        200,
        {"stream": "MATCHING", "stream_seq": letter["stream_seq"], "status": "handled"},
    )
    assert await noted(troubled.app) == ["Ambu"]
    assert await letters(troubled) == []
    status, _ = await replayed(troubled, letter)
    assert status == 404


async def test_only_the_secretariat_sees_and_replays_them(teller: Client, troubled: Client) -> None:
    await told(teller.app, organisation("Ambu"))
    await eventually(lambda: letters(troubled))
    for headers, status in [({}, 401), (as_caller("organiser", "integration"), 404)]:
        assert (await troubled.get("/ops/dead-letters", headers=headers)).status_code == status
        assert (await troubled.post("/ops/dead-letters/MATCHING/1/replay", headers=headers)).status_code == status


async def test_they_show_in_the_figures(teller: Client, troubled: Client) -> None:
    await told(teller.app, organisation("Ambu"))
    await eventually(lambda: letters(troubled))
    assert "\ndead_letters 1.0\n" in (await troubled.get("/metrics")).text
    assert (await troubled.get("/readyz")).json()["dead_letters"] in (0, 1)


async def test_a_number_too_large_for_a_place_is_refused(troubled: Client) -> None:
    path = f"/ops/dead-letters/MATCHING/{2**70}/replay"
    assert (await troubled.post(path, headers=as_caller("admin"))).status_code == 422
    assert (await troubled.post("/ops/dead-letters/%00/1/replay", headers=as_caller("admin"))).status_code in (404, 422)


async def forged(server: NatsServer, subject: str, **said: str) -> None:
    """What a service may publish on a subject of its own, with anything it likes inside."""
    message = organisation("Radiometer")
    envelope = {
        **{"id": str(uuid7()), "source": "/matching", "type": message.type, "subject": str(message.organisation_id)},
        **{"time": datetime.now(UTC).isoformat(), "aggregateversion": 1, "data": message.model_dump(mode="json")},
    }
    client = await server.connect("matching")
    await client.jetstream(timeout=LONG_ENOUGH).publish(subject, orjson.dumps(envelope | said))
    await client.close()


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("matching.organisation.forged.v1", {}),
        ("matching.organisation.updated.v1", {"source": "/events"}),
        ("matching.organisation.updated.v1", {"type": "matching.organisation.created.v1"}),
    ],
)
async def test_a_message_is_believed_only_as_what_its_place_says(
    subject: str, said: dict[str, str], nats_server: NatsServer, troubled: Client, trouble: Trouble
) -> None:
    trouble.lasts = False
    await forged(nats_server, subject, **said)
    (letter,) = await eventually(lambda: letters(troubled))
    assert letter["last_error"].startswith("NotItsOwn")
    assert await replayed(troubled, letter) == (409, ANY), "nor when the secretariat says so"
    assert await noted(troubled.app) == []
