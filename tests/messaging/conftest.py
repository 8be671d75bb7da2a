"""A teller and a listener on the bus, each with a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared.settings import ServiceSettings
from tests.messaging.tiny import listening, make_tables, telling
from tests.support.databases import Databases
from tests.support.nats import NatsServer
from tests.support.services import Client, running, settings_for

NewDatabase = Callable[[str], Awaitable[str]]


@pytest.fixture
async def new_database(databases: Databases) -> AsyncIterator[NewDatabase]:
    made: list[str] = []

    async def fresh(_: str) -> str:
        made.append(await databases.fresh("tiny", make_tables))
        return made[-1]

    yield fresh
    for url in made:
        await databases.drop(url)


@pytest.fixture
async def told_url(new_database: NewDatabase) -> str:
    return await new_database("matching")


@pytest.fixture
async def heard_url(new_database: NewDatabase) -> str:
    return await new_database("notify")


@pytest.fixture
def teller_settings(told_url: str, nats_server: NatsServer) -> ServiceSettings:
    return settings_for(ServiceSettings, "matching", told_url, nats_server)


@pytest.fixture
def listener_settings(heard_url: str, nats_server: NatsServer) -> ServiceSettings:
    return settings_for(ServiceSettings, "notify", heard_url, nats_server)


@pytest.fixture
async def teller(teller_settings: ServiceSettings) -> AsyncIterator[Client]:
    async with running(telling, teller_settings) as client:
        yield client


@pytest.fixture
async def listener(listener_settings: ServiceSettings) -> AsyncIterator[Client]:
    async with running(listening, listener_settings) as client:
        yield client
