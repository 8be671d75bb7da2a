"""Sign-ups per second through the whole service, beside the bare floor of the same run.

    python3 dev.py bench sign_ups [--requests N] [--callers 1,8,32]

PostgreSQL and SQLite, one worker, everything on: validation, rule, outbox, relay to a real nats-server, commit synced
to disk. All callers sign one person up for one event. The floor is one FastAPI route on asyncpg writing the same rows.
"""

import argparse
import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import orjson

from bench.load import Measured, run, unique
from shared.access.keys import new_key_pair
from shared.access.tokens import Tokens
from shared.database import uuid7
from shared.migrations import upgrade
from tests.support.nats import NatsServer, running_nats
from tests.support.postgres import running_postgres
from tests.support.served import served

ORGANISATION = UUID("01935b1e-0000-7000-8000-000000000001")
PRIVATE, PUBLIC = new_key_pair()


def body(_: int) -> bytes:
    number = unique()
    return orjson.dumps(
        {
            "organisation": {"name": f"Company {number}", "country": "DK", "website": f"https://c{number}.example.org"},
            "contact": {"name": "Mette Holm", "email": f"contact{number}@example.org"},
            "attendees": [{"name": "Aksel Lind", "email": f"attendee{number}@example.org"}],
        }
    )


async def an_event(port: int, capacity: int | None) -> str:
    """A published event's path for sign-ups."""
    token = Tokens(PUBLIC, PRIVATE).sign(
        email="organiser@example.org", roles=["organiser"], organisations=[ORGANISATION]
    )
    start = datetime.now(UTC) + timedelta(days=28)
    event = {
        "title": {"en": f"Bench {uuid7()}"},
        "venue": {"name": "Hall"},
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(),
        "capacity": capacity,
    }
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        drafted = (await client.post("/v1/events", json=event)).raise_for_status().json()
        (await client.post(f"/v1/events/{drafted['id']}/publish")).raise_for_status()
    return f"/v1/events/{drafted['id']}/registrations"


@contextlib.contextmanager
def events_service(database_url: str, bus: NatsServer) -> Iterator[int]:
    settings = {
        "VIDENBRO_DATABASE_URL": database_url,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC,
        "VIDENBRO_LOG_LEVEL": "warning",
        **bus.environment("events"),
    }
    with served("services.events.app:create_app", "--factory", **settings) as port:
        yield port


def report(name: str, callers: int, measured: Measured) -> None:
    statuses = ", ".join(f"{status}: {number}" for status, number in sorted(measured.statuses.items()))
    print(
        f"{name:24} {callers:4} callers {measured.rate:8.0f}/s   p50 {measured.median:7.1f} ms"
        f"   p99 {measured.at(0.99):7.1f} ms   {{{statuses}}}",
        flush=True,
    )


async def measure(
    name: str, port: int, path: str, callers: list[int], requests: int, analyse: Callable[[], object] | None = None
) -> dict[int, float]:
    """`analyse` has the database look at its tables once there is something in them, as it does by itself in time."""
    await run(port, path, body, callers=8, requests=2000)
    if analyse is not None:
        analyse()
    rates = {}
    for number in callers:
        measured = await run(port, path, body, callers=number, requests=requests if number > 1 else requests // 4)
        report(name, number, measured)
        rates[number] = measured.rate
    return rates


async def rush(name: str, port: int) -> None:
    """200 at once for 50 seats."""
    path = await an_event(port, 50)
    measured = await run(
        port, path, lambda n: orjson.dumps(orjson.loads(body(n)) | {"if_full": "refuse"}), callers=200, requests=200
    )
    report(f"{name}: 200 for 50 seats", 200, measured)
    print(f"{'':24} all answered in {measured.seconds:.2f} s")


async def main(callers: list[int], requests: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_nats() as bus, running_postgres(durable=True) as cluster:
        await bus.provision()
        for database in ("floor", "events"):
            cluster.create_database(database)
        with served("bench.floor:app", FLOOR_DATABASE_URL=cluster.url("floor")) as port:
            floor = await measure(
                "floor, PostgreSQL", port, "/sign-ups", callers, requests, lambda: cluster.query("ANALYZE", "floor")
            )
        urls = {"PostgreSQL": cluster.url("events"), "SQLite": f"sqlite+aiosqlite:///{Path(folder)}/events.db"}
        for name, url in urls.items():
            await upgrade("events", url)
            with events_service(url, bus) as port:
                analyse = partial(cluster.query, "ANALYZE", "events") if name == "PostgreSQL" else None
                path = await an_event(port, None)
                rates = await measure(f"events, {name}", port, path, callers, requests, analyse)
                await rush(f"events, {name}", port)
            print("  ".join(f"{rates[number] / floor[number]:.2f} of the floor at {number}" for number in callers))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--callers", default="1,8,32")
    arguments = parser.parse_args()
    asyncio.run(main([int(number) for number in arguments.callers.split(",")], arguments.requests))
