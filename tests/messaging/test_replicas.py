"""Several processes of one service: one relays, all wake up."""

from functools import partial

import pytest

from shared.http.jobs import Job
from shared.http.running import Service
from shared.settings import ServiceSettings
from tests.messaging.tiny import noted, organisation, telling, told, told_one_by_one
from tests.support.postgres import PostgresCluster
from tests.support.services import Client, a_moment, eventually, running

HOLDERS = """
    select pid from pg_locks join pg_database on pg_database.oid = pg_locks.database
    where locktype = 'advisory' and granted and datname = '{}'
"""


@pytest.fixture(params=["postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """SQLite has one process for each service."""
    return str(request.param)


def holders(postgres: PostgresCluster, url: str) -> list[str]:
    """The server's processes behind the connections that hold the relay's lock."""
    return postgres.query(HOLDERS.format(url.rsplit("/", 1)[1])).split()


async def test_of_two_processes_one_relays_and_the_other_takes_over(
    postgres: PostgresCluster, teller: Client, teller_settings: ServiceSettings, listener: Client
) -> None:
    async with running(telling, teller_settings) as second:

        async def held() -> list[str]:
            return holders(postgres, teller_settings.database_url)

        (first_holder,) = await eventually(held)
        names = [f"Number {number}" for number in range(120)]
        await told_one_by_one(teller.app, names[:40])
        await told_one_by_one(second.app, names[40:80])
        postgres.query(f"select pg_terminate_backend({first_holder})")
        await told_one_by_one(second.app, names[80:])

        async def all_noted() -> bool:
            return len(await noted(listener.app)) >= len(names)

        await eventually(all_noted)
        assert await noted(listener.app) == names
        (next_holder,) = await eventually(held)
        assert next_holder != first_holder


async def test_the_other_takes_over_when_one_stops(
    postgres: PostgresCluster, teller_settings: ServiceSettings, listener: Client
) -> None:
    async with running(telling, teller_settings) as second:
        async with running(telling, teller_settings) as first:
            await told(first.app, organisation("by the first"))
            await eventually(partial(noted, listener.app))
        await told(second.app, organisation("by the second"))

        async def both_noted() -> bool:
            return len(await noted(listener.app)) == 2

        await eventually(both_noted)


async def test_a_commit_in_one_process_wakes_the_jobs_of_another(
    teller: Client, teller_settings: ServiceSettings
) -> None:
    runs = 0

    async def count(_: Service) -> bool:
        nonlocal runs
        runs += 1
        return False

    patient = Job("count", count, poll=3600)
    async with running(partial(telling, jobs=[patient]), teller_settings) as second:

        async def both_connected() -> bool:
            return bool(second.app.state.bus.connected and teller.app.state.bus.connected and runs)

        await eventually(both_connected)
        await a_moment()
        before = runs
        await told(teller.app, organisation("a change"))

        async def has_run() -> bool:
            return runs > before

        await eventually(has_run)
