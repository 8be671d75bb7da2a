"""An import of 10,000 organisations, and how soon others are answered meanwhile.

    python3 dev.py bench imports [--rows N]

SQLite and PostgreSQL, one worker. Three times: all new, all the same, all changed. Meanwhile one caller lists
organisations, as fast as it is answered. The size is the process's largest so far.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from shared.access.keys import new_key_pair
from shared.access.tokens import Tokens
from shared.migrations import upgrade
from tests.matching.builders import Row
from tests.matching.made_rows import as_json_lines, made_rows
from tests.support.postgres import running_postgres
from tests.support.served import served

PRIVATE, PUBLIC = new_key_pair()
SECONDS = 300.0


async def an_import(client: httpx.AsyncClient, rows: list[Row]) -> tuple[float, list[float]]:
    """How long it took, and how long each who asked meanwhile waited."""
    token = Tokens(PUBLIC, PRIVATE).sign(email="secretariat@example.org", roles=["admin"])
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    content = as_json_lines(rows).encode()
    started = time.perf_counter()
    importing = asyncio.create_task(client.post("/v1/organisations/import", content=content, headers=headers))
    waited = []
    while not importing.done():
        asked = time.perf_counter()
        (await client.get("/v1/organisations", params={"limit": 1})).raise_for_status()
        waited.append(time.perf_counter() - asked)
    (await importing).raise_for_status()
    return time.perf_counter() - started, waited


def largest_size() -> int:
    """Of the service's process, in MiB."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    service = next(each for each in children if "uvicorn" in Path(f"/proc/{each}/cmdline").read_text())
    lines = Path(f"/proc/{service}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


async def measure(name: str, url: str, count: int) -> None:
    await upgrade("matching", url)
    settings = {
        "VIDENBRO_DATABASE_URL": url,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC,
        "VIDENBRO_NATS_URL": "nats://127.0.0.1:1",
        "VIDENBRO_LOG_LEVEL": "error",
    }
    rows = made_rows(count)
    changed = [{**row, "summary": {"da": "Vi er flyttet."}} for row in rows]
    with served("services.matching.app:create_app", "--factory", **settings) as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            for what, sent in (("new", rows), ("the same", rows), ("changed", changed)):
                seconds, waited = await an_import(client, sent)
                last = sorted(waited)[int(len(waited) * 0.99)] * 1000
                print(
                    f"{name:12} {count} rows, {what:10} {seconds:6.2f} s   others: median"
                    f" {statistics.median(waited) * 1000:5.1f} ms   p99 {last:6.1f} ms   worst"
                    f" {max(waited) * 1000:6.1f} ms   {largest_size()} MiB",
                    flush=True,
                )


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_postgres(durable=True) as cluster:
        await measure("SQLite", f"sqlite+aiosqlite:///{Path(folder)}/matching.db", count)
        cluster.create_database("matching")
        await measure("PostgreSQL", cluster.url("matching"), count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    asyncio.run(main(parser.parse_args().rows))
