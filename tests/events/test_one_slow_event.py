"""Whoever holds one event's lock for long holds up that event, and nobody else."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.events.app import create_app
from services.events.settings import Settings
from tests.events.builders import company, key_of, one_of, published, sign_up, signed_up
from tests.support.callers import LINK_SECRET, PUBLIC_KEY
from tests.support.postgres import PostgresCluster
from tests.support.served import Replica, replica
from tests.support.services import NO_BUS, Client, a_moment, eventually, running, settings_for

Event = dict[str, Any]
LONG = 600.0  # longer than any test: who waits so long for a lock waits until it is given back
PATIENT: dict[str, Any] = {
    "lock_seconds": LONG,
    "statement_seconds": LONG,
    "silence_seconds": LONG,
    "idle_in_transaction_seconds": LONG,
}


@pytest.fixture
def dialect() -> str:
    """On SQLite there is one lock, and one process."""
    return "postgresql"


@contextlib.asynccontextmanager
async def stray(database_url: str, *events: Event) -> AsyncIterator[None]:
    """Somebody's forgotten transaction over these events."""
    operator = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        async with operator.transaction():
            ids = [event["id"] for event in events]
            await operator.fetch("SELECT 1 FROM quotas WHERE event_id = ANY($1::uuid[]) FOR UPDATE", ids)
            yield
    finally:
        await operator.close()


async def statuses(*asked: Any) -> set[int]:
    return {answer.status_code for answer in await asyncio.gather(*asked)}


async def test_the_other_events_are_signed_up_for_while_one_is_held(database_url: str) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url, **PATIENT)) as client:
        held, *free = [await published(client) for _ in range(4)]
        async with stray(database_url, held):
            waiting = [asyncio.create_task(sign_up(client, held)) for _ in range(5)]
            for _ in range(5):
                assert await statuses(*(sign_up(client, each) for each in free for _ in range(3))) == {201}
            assert not any(each.done() for each in waiting)
        assert await statuses(*waiting) == {201}


async def test_who_waits_behind_several_that_are_held_is_not_kept_from_one_that_is_free_again(
    database_url: str,
) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url, **PATIENT)) as client:
        *held, soon_free = [await published(client) for _ in range(3)]
        async with stray(database_url, *held):
            waiting = [asyncio.create_task(sign_up(client, each)) for each in held]
            async with stray(database_url, soon_free):
                its_own = asyncio.create_task(sign_up(client, soon_free))
                await statuses(client.get("/v1/events"), client.get("/v1/events"))
            assert (await its_own).status_code == 201
            assert not any(each.done() for each in waiting)
        assert await statuses(*waiting) == {201}


async def test_who_waits_too_long_is_told_to_come_again_and_then_is_taken(database_url: str) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url, lock_seconds=0.2)) as client:
        event = await published(client)
        key = {"Idempotency-Key": "a-key-of-sixteen-letters"}
        body, path = company(), f"/v1/events/{event['id']}/registrations"
        async with stray(database_url, event):
            answer = await client.post(path, json=body, headers=key)
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
            assert "Retry-After" in answer.headers
        assert (await client.post(path, json=body, headers=key)).status_code == 201


async def cancel(client: Client, registration: dict[str, Any]) -> httpx.Response:
    path = f"/v1/registrations/{registration['id']}/cancel"
    return await client.post(
        path, json={"attendees": [one_of(registration)["id"]]}, params={"key": key_of(registration)}
    )


async def test_changes_of_an_event_that_is_held_leave_connections_to_all_others(database_url: str) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url, **PATIENT)) as client:
        held, free = [await published(client) for _ in range(2)]
        mine = [await signed_up(client, held) for _ in range(12)]
        async with stray(database_url, held):
            waiting = [asyncio.create_task(cancel(client, each)) for each in mine]
            for _ in range(5):
                asked = [sign_up(client, free), client.get(f"/v1/events/{free['id']}"), client.get("/livez")]
                assert await statuses(*asked, client.get("/metrics")) <= {200, 201}
            ready = (await client.get("/readyz")).json()
            assert ready["checks"]["database"] == "ok"
        assert await statuses(*waiting) <= {200, 503}


async def test_once_an_event_is_known_to_be_held_its_changes_do_not_queue_up_before_those_of_others(
    database_url: str,
) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url, lock_seconds=0.5)) as client:
        held, free = [await published(client) for _ in range(2)]
        mine = [await signed_up(client, held) for _ in range(40)]
        theirs = [await signed_up(client, free) for _ in range(5)]
        async with stray(database_url, held):
            waiting = [asyncio.create_task(cancel(client, each)) for each in mine]
            assert await statuses(*(cancel(client, each) for each in theirs)) == {200}
            assert await statuses(*waiting) == {503}
        assert (await cancel(client, mine[0])).status_code == 200


def told(database_url: str, **more: str) -> dict[str, str]:
    return {
        "VIDENBRO_DATABASE_URL": database_url,
        "VIDENBRO_NATS_URL": NO_BUS,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC_KEY,
        "VIDENBRO_LINK_SECRET": LINK_SECRET,
        "VIDENBRO_LOG_LEVEL": "error",
        **more,
    }


async def press(port: int, event: Event) -> None:
    """Signs up one after another, until told to stop."""
    async with httpx.AsyncClient(timeout=LONG) as caller:
        while True:
            await caller.post(f"http://127.0.0.1:{port}/v1/events/{event['id']}/registrations", json=company())


async def frozen_with_the_lock(one: Replica, database_url: str) -> None:
    """Freezes it at moments until that is within a transaction that holds an event."""
    database = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    holds = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
        " AND state = 'idle in transaction' AND relation = 'quotas'::regclass AND mode = 'RowShareLock'"
    )

    async def caught() -> bool:
        one.signal(signal.SIGSTOP)
        await a_moment(0.1)
        if await database.fetchval(holds):
            return True
        one.signal(signal.SIGCONT)
        return False

    await eventually(caught)
    await database.close()


@pytest.mark.slow
async def test_a_replica_frozen_in_a_transaction_loses_the_event(database_url: str) -> None:
    application = ("services.events.app:create_app", "--factory")
    settings = settings_for(Settings, "events", database_url)
    environment = told(database_url, VIDENBRO_IDLE_IN_TRANSACTION_SECONDS="5")
    async with running(create_app, settings) as client:
        with replica(*application, **environment) as one:
            held, free = [await published(client) for _ in range(2)]
            pressing = asyncio.create_task(press(one.port, held))
            await frozen_with_the_lock(one, database_url)
            assert await statuses(*(sign_up(client, free) for _ in range(20))) == {201}

            async def taken() -> bool:
                return (await sign_up(client, held)).status_code == 201

            await eventually(taken)
            pressing.cancel()
            one.signal(signal.SIGCONT)


@contextlib.contextmanager
def frozen(cluster: PostgresCluster) -> Iterator[None]:
    cluster.signal_all(signal.SIGSTOP)
    try:
        yield
    finally:
        cluster.signal_all(signal.SIGCONT)


@pytest.mark.slow
async def test_a_postgresql_that_says_nothing_is_503_and_shows(postgres: PostgresCluster, database_url: str) -> None:
    settings = settings_for(Settings, "events", database_url, silence_seconds=1)
    async with running(create_app, settings) as client:
        event = await published(client)
        with frozen(postgres):
            asked = (sign_up(client, event), client.get(f"/v1/events/{event['id']}"), client.get("/readyz"))
            assert await statuses(*asked, *(sign_up(client, event) for _ in range(10))) == {503}
            ready = (await client.get("/readyz")).json()
            assert ready["checks"]["database"] != "ok"

        async def taken() -> bool:
            return (await sign_up(client, event)).status_code == 201

        await eventually(taken)
        assert (await client.get("/readyz")).json()["checks"]["database"] == "ok"
