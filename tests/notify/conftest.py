"""The notify service with a mail server of its own, on both databases and without a bus."""

from collections.abc import AsyncIterator

import pytest

from services.notify.app import create_app
from services.notify.settings import Settings
from tests.notify.mailbox import Mailbox, running_mailbox
from tests.support.services import Client, running, settings_for


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with running_mailbox() as server:
        yield server


@pytest.fixture
async def notify(database_url: str, mailbox: Mailbox) -> AsyncIterator[Client]:
    settings = settings_for(Settings, "notify", database_url, smtp_url=mailbox.url)
    async with running(create_app, settings) as client:
        yield client
