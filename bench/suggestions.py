"""Suggestions and searches through the whole service: how soon they are answered, also while the index is rebuilt.

    python3 dev.py bench suggestions [--profiles N] [--asked N] [--postgresql]

One worker on SQLite, filled by imports; one caller on this machine, another organisation or text each time, the first
20 with their reasons. On PostgreSQL a second worker, too, which reads what the first has changed. The rebuild is the
one that an erasure starts. A start counts from the process to the first suggestion. Times are wall; CPU is the
service's own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

from bench.footprint import children_of, rss
from bench.load import Measured
from bench.made_profiles import LANGUAGES, made, text
from services.matching.organisations.import_rows import MOST_ROWS
from services.matching.similarity import Statement
from shared.access.keys import new_key_pair
from shared.access.tokens import Tokens
from shared.migrations import upgrade
from tests.support.postgres import running_postgres
from tests.support.served import served

PRIVATE, PUBLIC = new_key_pair()
TOKEN = Tokens(PUBLIC, PRIVATE).sign(email="secretariat@example.org", roles=["admin"])
SECONDS = 600.0
CHANGES = 10
TICKS = os.sysconf("SC_CLK_TCK")
# What the engine is measured with, in the words of an import.
WORDS = {
    "capital": "funding",
    "foodtech": "welfare_technology",
    "health": "education_research_innovation",
    "ai": "biotech_production_industry_4_0",
}
Row = dict[str, Any]


def row_of(number: int) -> Row:
    """A made-up profile as a row of an import, published."""
    one, languages = made(number), random.Random(number).choice(LANGUAGES)
    return {
        "key": f"made-{number}",
        "name": f"Virksomhed {number}",
        "kind": one.kind,
        "summary": dict(zip(languages, one.texts, strict=True)),
        "offers": [statement_of(each, languages[0]) for each in one.offers],
        "needs": [statement_of(each, languages[0]) | {"visibility": "public"} for each in one.needs],
        "sectors": sorted(WORDS.get(each, each) for each in one.sectors),
        "focus_areas": sorted(WORDS.get(each, each) for each in one.focus_areas),
        "hub": one.hub,
        "published": True,
    }


def statement_of(one: Statement, language: str) -> Row:
    stream = {"resource": {"stream": one.stream}} if one.stream else {}
    return {"category": WORDS.get(one.category, one.category), "text": {language: one.texts[0]}, **stream}


@dataclass
class Service:
    """A running service, asked over one connection."""

    port: int
    pid: int
    started: float
    connection: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        told = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **headers}
        self.connection.request(method, path, body, told)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content) if content else None

    def suggestions(self, organisation: str) -> Any:
        return self.ask("GET", f"/v1/organisations/{organisation}/suggestions?limit=20")

    def search(self, number: int) -> Any:
        sought = text(random.Random(-number), "da" if number % 2 else "en", 12)
        return self.ask("POST", "/v1/search", json.dumps({"text": sought, "limit": 20}).encode())

    def cpu(self) -> float:
        """Seconds."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[11:13])) / TICKS

    def is_rebuilding(self) -> bool:
        return bool(children_of(self.pid))


@contextlib.contextmanager
def service(url: str, folder: Path) -> Iterator[Service]:
    settings = {
        "VIDENBRO_INDEX_FOLDER": str(folder),
        "VIDENBRO_DATABASE_URL": url,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC,
        "VIDENBRO_NATS_URL": "nats://127.0.0.1:1",
        "VIDENBRO_LOG_LEVEL": "error",
    }
    started = time.perf_counter()
    with served("services.matching.app:create_app", "--factory", **settings) as port:
        command = f"--port\0{port}\0"
        pid = next(each for each in children_of(os.getpid()) if command in Path(f"/proc/{each}/cmdline").read_text())
        yield Service(port, pid, started)


def fill(url: str, folder: Path, many: int) -> None:
    with service(url, folder) as one:
        for first in range(0, many, MOST_ROWS):
            lines = "\n".join(json.dumps(row_of(each)) for each in range(first, min(first + MOST_ROWS, many)))
            kind = {"Content-Type": "application/x-ndjson"}
            one.ask("POST", "/v1/organisations/import", lines.encode(), **kind)


def some_ids(one: Service, many: int) -> list[str]:
    found: list[str] = []
    path = "/v1/organisations?limit=100"
    while len(found) < many:
        page = one.ask("GET", path)
        found += [each["id"] for each in page["items"]]
        path = f"/v1/organisations?limit=100&cursor={page['next_cursor']}"
    return found[:many]


def run(name: str, one: Service, ask: Callable[[int], object], until: Callable[[int], bool]) -> Measured:
    measured, began = Measured(), one.cpu()
    numbers = count()
    while not until(number := next(numbers)):
        asked = time.perf_counter()
        ask(number)
        measured.latencies.append(time.perf_counter() - asked)
    cpu = (one.cpu() - began) / len(measured.latencies) * 1000
    print(
        f"{name:42} {len(measured.latencies):5} answers   p50 {measured.median:7.1f}   p95 {measured.at(0.95):7.1f}"
        f"   p99 {measured.at(0.99):7.1f}   longest {max(measured.latencies) * 1000:7.1f}   CPU {cpu:5.1f} ms each",
        flush=True,
    )
    return measured


def rebuilding(name: str, one: Service, ask: Callable[[int], object], erased: str, asks: str) -> None:
    """Erases one; the next suggestion starts the rebuild; asked until it is over and its result is in use."""
    one.ask("DELETE", f"/v1/organisations/{erased}")
    one.suggestions(asks)
    time.sleep(0.2)
    if not one.is_rebuilding():
        raise RuntimeError("no other process rebuilds: fewer profiles than it takes")
    over: list[float] = []

    def until(_: int) -> bool:
        if not over and not one.is_rebuilding():
            over.append(time.perf_counter() + 2)
        return bool(over) and time.perf_counter() > over[0]

    run(name, one, ask, until)


def first_suggestion(one: Service, asks: str) -> float:
    one.suggestions(asks)
    return time.perf_counter() - one.started


def catching_up(one: Service, other: Service, ids: list[str]) -> float:
    """Milliseconds that a process takes more for the first suggestion after another has changed a profile."""
    more = []
    for at in range(CHANGES):
        version = one.ask("GET", f"/v1/organisations/{ids[at]}")["version"]
        summary = json.dumps({"summary": {"en": f"We have moved to plant {at}."}}).encode()
        one.ask("PATCH", f"/v1/organisations/{ids[at]}", summary, **{"If-Match": f'"{version}"'})
        times = []
        for _ in range(3):
            asked = time.perf_counter()
            other.suggestions(ids[0])
            times.append(time.perf_counter() - asked)
        more.append(times[0] - min(times[1:]))
    return sorted(more)[len(more) // 2] * 1000


def measure(url: str, folder: Path, many: int, asked: int) -> None:
    fill(url, folder, many)
    with service(url, folder) as one:
        ids = some_ids(one, asked + 2)
        print(f"first suggestion after a start, {'no index saved':22} {first_suggestion(one, ids[0]):6.2f} s")
        print(f"memory of the process {rss(one.pid):34.0f} MiB RSS")
        while not (folder / "matching.index").exists():
            time.sleep(0.1)
    with service(url, folder) as one:
        answering = time.perf_counter() - one.started
        print(f"first suggestion after a start, {'from the index saved':22} {first_suggestion(one, ids[0]):6.2f} s")
        print(f"  of it until the service answers at all {answering:15.2f} s")
        print(f"memory of the process {rss(one.pid):34.0f} MiB RSS")
        compare(one, ids, asked)
        if not url.startswith("sqlite"):
            with service(url, folder) as other:
                other.suggestions(ids[0])
                print(f"another process catches up with one change {catching_up(one, other, ids):11.1f} ms more")


def compare(one: Service, ids: list[str], asked: int) -> None:
    def suggest(number: int) -> object:
        return one.suggestions(ids[number % asked])

    for number in range(20):
        suggest(number)
        one.search(number)
    enough = partial(int.__le__, asked)
    run("suggestions", one, suggest, enough)
    run("searches", one, one.search, enough)
    rebuilding("suggestions while the index is rebuilt", one, suggest, ids[asked], ids[0])
    rebuilding("searches while the index is rebuilt", one, one.search, ids[asked + 1], ids[0])
    print(f"memory of the process after that {rss(one.pid):23.0f} MiB RSS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, default=20_000)
    parser.add_argument("--asked", type=int, default=300)
    parser.add_argument("--postgresql", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as running:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder}/matching.db"
        if arguments.postgresql:
            cluster = running.enter_context(running_postgres(durable=True))
            cluster.create_database("matching")
            url = cluster.url("matching")
        asyncio.run(upgrade("matching", url))
        print(f"{arguments.profiles} profiles, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
        measure(url, folder, arguments.profiles, arguments.asked)


if __name__ == "__main__":
    main()
