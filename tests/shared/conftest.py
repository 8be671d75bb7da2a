"""The small service of these tests, on both databases, without a bus."""

from collections.abc import AsyncIterator

import pytest

from shared.settings import ServiceSettings
from tests.shared.tiny import create_app, make_tables
from tests.support.databases import Databases
from tests.support.services import Client, running, settings_for


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    url = await databases.fresh("things", make_tables)
    yield url
    await databases.drop(url)


@pytest.fixture
def settings(database_url: str) -> ServiceSettings:
    return settings_for(ServiceSettings, "matching", database_url)


@pytest.fixture
async def client(settings: ServiceSettings) -> AsyncIterator[Client]:
    async with running(create_app, settings) as client:
        yield client


@pytest.fixture
def on_sqlite_only(dialect: str) -> None:
    """For what no database has a part in."""
