"""An older backup of one service was put back: one command later the two others follow it again."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.events.app import create_app
from services.events.settings import Settings
from services.matching.tables import Event as MatchingCopy
from services.notify.tables import Event as NotifyCopy
from shared.settings import ServiceName
from tests.conftest import NewDatabase
from tests.events.builders import change_event, published, signed_up
from tests.support.nats import NatsServer
from tests.support.services import Client, eventually, running, settings_for

OTHERS: tuple[ServiceName, ...] = ("matching", "notify")


@pytest.fixture
async def listeners(new_database: NewDatabase, nats_server: NatsServer) -> AsyncIterator[dict[str, Client]]:
    async with AsyncExitStack() as running_things:
        found: dict[str, Client] = {}
        for service in OTHERS:
            kind = import_module(f"services.{service}.settings").Settings
            create = import_module(f"services.{service}.app").create_app
            settings = settings_for(kind, service, await new_database(service), nats_server)
            found[service] = await running_things.enter_async_context(running(create, settings))
        yield found


async def both_say(listeners: dict[str, Client], event: dict[str, Any], title: str) -> bool:
    for service, kind in (("matching", MatchingCopy), ("notify", NotifyCopy)):
        async with listeners[service].app.state.database.reading() as session:
            copy: Any = await session.get(kind, UUID(event["id"]))
            if copy is None or copy.title != {"en": title}:
                return False
    return True


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_what_changes_after_an_older_backup_was_put_back_is_heard(
    listeners: dict[str, Client], new_database: NewDatabase, nats_server: NatsServer, tmp_path: Path
) -> None:
    url = await new_database("events")
    file = Path(url.removeprefix("sqlite+aiosqlite:///"))
    settings = settings_for(Settings, "events", url, nats_server)
    async with running(create_app, settings) as events:
        event = await published(events, title={"en": "Before"})
        await signed_up(events, event)
        await eventually(partial(both_say, listeners, event, "Before"))
    shutil.copy(file, tmp_path / "backup.db")
    async with running(create_app, settings) as events:
        for number in range(3):
            await change_event(events, event, title={"en": f"Forgotten {number}"})
        await eventually(partial(both_say, listeners, event, "Forgotten 2"))
    for path in file.parent.glob(f"{file.name}-*"):
        path.unlink()
    shutil.copy(tmp_path / "backup.db", file)

    command = [sys.executable, "-m", "services.events.retelling", "--url", url, "--restored"]
    said = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert said.stdout == "events: told 2 messages again\n"
    async with running(create_app, settings) as events:
        await eventually(partial(both_say, listeners, event, "Before"))
        await change_event(events, event, title={"en": "After"})
        await eventually(partial(both_say, listeners, event, "After"))
