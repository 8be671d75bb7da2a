"""A rush on one event from two worker processes: no seat is given twice, whichever process decides."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.events.app import create_app
from services.events.settings import Settings
from tests.events.builders import capacity, company, published
from tests.support.callers import LINK_SECRET, PUBLIC_KEY
from tests.support.served import served
from tests.support.services import NO_BUS, Client, running, settings_for

TYPES = [
    {"key": "guest", "title": {"en": "Guest"}, "capacity": 30},
    {"key": "press", "title": {"en": "Press"}, "capacity": 20},
]


@pytest.fixture
def dialect() -> str:
    """On SQLite a service is one process."""
    return "postgresql"


@pytest.fixture
async def doors(database_url: str) -> AsyncIterator[list[int]]:
    told = {
        "VIDENBRO_DATABASE_URL": database_url,
        "VIDENBRO_NATS_URL": NO_BUS,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC_KEY,
        "VIDENBRO_LINK_SECRET": LINK_SECRET,
        "VIDENBRO_LOG_LEVEL": "error",
    }
    application = ("services.events.app:create_app", "--factory")
    with served(*application, **told) as first, served(*application, **told) as second:
        yield [first, second]


@pytest.mark.slow
async def test_two_hundred_at_once_through_two_processes_get_exactly_fifty_seats(
    doors: list[int], database_url: str
) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url)) as client:
        event = await published(client, capacity=None, ticket_types=TYPES)
        statuses = await _rush(doors, event, 200)
        assert statuses == {201: 50, 409: 150}
        assert {quota["key"]: quota["free"] for quota in (await capacity(client, event))["quotas"]} == {
            "": None,
            "guest": 0,
            "press": 0,
        }


@pytest.mark.slow
async def test_one_key_sent_to_two_processes_at_once_signs_up_once(doors: list[int], database_url: str) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url)) as client:
        event = await published(client)
        body, headers = company(), {"Idempotency-Key": str(uuid4())}
        async with httpx.AsyncClient(timeout=30) as caller:
            answers = await asyncio.gather(
                *(caller.post(_address(doors[number % 2], event), json=body, headers=headers) for number in range(10))
            )
        assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
        assert await _taken(client, event) == 1


async def _rush(doors: list[int], event: dict[str, Any], callers: int) -> Counter[int]:
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=callers)) as caller:
        bodies = (
            company(attendees=[{"ticket_type": ("guest", "press")[number // 2 % 2]}], if_full="refuse")
            for number in range(callers)
        )
        answers = await asyncio.gather(
            *(caller.post(_address(doors[number % 2], event), json=body) for number, body in enumerate(bodies))
        )
    return Counter(answer.status_code for answer in answers)


def _address(port: int, event: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{port}/v1/events/{event['id']}/registrations"


async def _taken(client: Client, event: dict[str, Any]) -> int:
    return int((await capacity(client, event))["quotas"][0]["taken"])
