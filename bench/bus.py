"""How long a message takes: from the commit that tells it to the commit of its effect in the listener's database.

    python3 dev.py bench bus [--messages N]

Two small services in one process, a real nats-server that syncs every message, one message at a time; then a thousand
told in ten transactions, for the rate.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from shared.settings import ServiceSettings
from tests.messaging.tiny import listening, make_tables, noted, organisation, telling, told
from tests.support.databases import Databases
from tests.support.nats import NatsServer, running_nats
from tests.support.postgres import running_postgres
from tests.support.services import Client, running, settings_for


@contextlib.asynccontextmanager
async def two_services(databases: Databases, bus: NatsServer) -> AsyncIterator[tuple[Client, Client]]:
    urls = [await databases.fresh("tiny", make_tables) for _ in range(2)]
    told_by = settings_for(ServiceSettings, "matching", urls[0], bus)
    heard_by = settings_for(ServiceSettings, "notify", urls[1], bus)
    async with running(telling, told_by) as teller, running(listening, heard_by) as listener:
        yield teller, listener


async def until(listener: Client, number: int) -> None:
    while len(await noted(listener.app)) < number:  # noqa: ASYNC110 -- what is measured is when a reader sees it
        await asyncio.sleep(0.0005)


async def measure(databases: Databases, bus: NatsServer, messages: int) -> str:
    await bus.empty()
    async with two_services(databases, bus) as (teller, listener):
        await told(teller.app, organisation("the first one connects"))
        await until(listener, 1)
        times = []
        for number in range(messages):
            await told(teller.app, organisation(f"Number {number}"))
            committed = time.perf_counter()
            await until(listener, number + 2)
            times.append((time.perf_counter() - committed) * 1000)
        begun = time.perf_counter()
        for _ in range(10):
            await told(teller.app, *(organisation("one of many") for _ in range(100)))
        await until(listener, messages + 1001)
        rate = 1000 / (time.perf_counter() - begun)
    worst = statistics.quantiles(times, n=100)[98]
    return f"median {statistics.median(times):6.1f} ms   p99 {worst:6.1f} ms   {rate:7.0f} messages/s"


async def main(messages: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_nats() as bus, running_postgres(durable=True) as cluster:
        await bus.provision()
        for name, databases in [
            ("SQLite", Databases(Path(folder), None)),
            ("PostgreSQL", Databases(Path(folder), cluster)),
        ]:
            print(f"{name:<11}{await measure(databases, bus, messages)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python3 dev.py bench bus", description=__doc__)
    parser.add_argument("--messages", type=int, default=200)
    asyncio.run(main(parser.parse_args().messages))
