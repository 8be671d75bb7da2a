"""The services as the table asks them: each started once, on SQLite alone, for who may do what is the same everywhere.

Every line that changes something is about things of its own, so that none is in the way of another.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

import pytest

from shared.migrations import upgrade
from shared.settings import SERVICES, ServiceName
from tests.authorisation.worlds import SECRETARIAT, World
from tests.support.services import Client, running, settings_for

# Nobody listens there: no mail leaves, and each waits for its next attempt.
NO_MAIL = "smtp://127.0.0.1:1"
TOLD: dict[ServiceName, dict[str, Any]] = {
    "notify": {"smtp_url": NO_MAIL},
    "matching": {"secretariat": {SECRETARIAT}},
}


@pytest.fixture(scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[ServiceName, Client]]:
    folder = tmp_path_factory.mktemp("authorisation")
    async with AsyncExitStack() as running_services:
        found: dict[ServiceName, Client] = {}
        for service in SERVICES:
            url = f"sqlite+aiosqlite:///{folder / service}.db"
            await upgrade(service, url)
            settings = import_module(f"services.{service}.settings").Settings
            create_app = import_module(f"services.{service}.app").create_app
            told = settings_for(settings, service, url, None, **TOLD.get(service, {}))
            found[service] = await running_services.enter_async_context(running(create_app, told))
        yield found


@pytest.fixture
def client(service: ServiceName, clients: dict[ServiceName, Client]) -> Client:
    return clients[service]


@pytest.fixture(scope="module")
def made() -> dict[object, World]:
    """The worlds that lines share that only read."""
    return {}
