"""Three replicas behind a real proxy are restarted one after another while people sign up: nobody is turned away."""

import asyncio
import contextlib
import http.client
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.processes import dies_with
from deploy.local.stack import SERVER_OPTIONS
from services.events.app import create_app
from services.events.settings import Settings
from shared.database import uuid7
from shared.settings import ServiceName
from tests.events.builders import capacity, company, published
from tests.support.callers import LINK_SECRET, PUBLIC_KEY
from tests.support.missing import missing
from tests.support.nats import NatsServer
from tests.support.postgres import free_port
from tests.support.served import Replica, replica
from tests.support.services import LONG_ENOUGH, a_moment, eventually, running, settings_for

PROXIES = Path(__file__).parents[2] / "deploy" / "proxy"
APPLICATION = "services.events.app:create_app"
CALLERS = 4


@pytest.fixture
def dialect() -> str:
    return "postgresql"


@pytest.fixture
def service() -> ServiceName:
    return "events"


def environment(database_url: str, bus: NatsServer, **more: str) -> dict[str, str]:
    told = {
        "VIDENBRO_DATABASE_URL": database_url,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC_KEY,
        "VIDENBRO_LINK_SECRET": LINK_SECRET,
        "VIDENBRO_LOG_LEVEL": "error",
    }
    return told | bus.environment("events") | more


@pytest.fixture
def replicas(database_url: str, nats_server: NatsServer) -> Iterator[list[Replica]]:
    told = environment(database_url, nats_server, VIDENBRO_ANNOUNCE_SECONDS="3")
    with contextlib.ExitStack() as started:
        yield [started.enter_context(replica(APPLICATION, "--factory", *SERVER_OPTIONS, **told)) for _ in range(3)]


def configured(text: str, replicas: list[Replica]) -> tuple[str, int]:
    """Our own example with this test's ports in the place of its own."""
    port = free_port()
    ports = {18001 + number: each.port for number, each in enumerate(replicas)} | {8001: port}
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{ports[int(found[1])]}", text), port


@contextlib.contextmanager
def nginx(folder: Path, replicas: list[Replica]) -> Iterator[int]:
    text, port = configured((PROXIES / "nginx.conf").read_text(), replicas)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    head = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
    (folder / "nginx.conf").write_text(f"{head}\nhttp {{ access_log off; {places}\n{text} }}")
    with proxy(["/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], port):
        yield port


@contextlib.contextmanager
def haproxy(folder: Path, replicas: list[Replica]) -> Iterator[int]:
    text, port = configured((PROXIES / "haproxy.cfg").read_text(), replicas)
    (folder / "haproxy.cfg").write_text(text)
    with proxy(["/usr/sbin/haproxy", "-db", "-q", "-f", f"{folder}/haproxy.cfg"], port):
        yield port


@contextlib.contextmanager
def proxy(command: list[str], port: int) -> Iterator[None]:
    if not os.access(command[0], os.X_OK):
        missing(Path(command[0]).name)
    process = subprocess.Popen(command, preexec_fn=dies_with(os.getpid()))
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


Proxy = Callable[[Path, list[Replica]], contextlib.AbstractContextManager[int]]


@dataclass
class Load:
    """Callers who sign up one after another, and send once more with the same key what failed."""

    address: str
    taken: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    over: bool = False

    async def call(self) -> None:
        async with httpx.AsyncClient(timeout=60) as caller:
            while not self.over:
                await a_moment(0.1)
                key, body = {"Idempotency-Key": uuid7().hex}, company()
                outcome = await self._once(caller, body, key)
                if outcome is not None:
                    self.again.append(outcome)
                    await a_moment(1)
                    outcome = await self._once(caller, body, key)
                if outcome is not None:
                    self.failed.append(outcome)

    async def _once(self, caller: httpx.AsyncClient, body: Any, key: dict[str, str]) -> str | None:
        try:
            answer = await caller.post(self.address, json=body, headers=key)
        except httpx.TransportError as broken:
            return repr(broken)
        if answer.status_code != 201:
            return f"{answer.status_code} {answer.text[:200]}"
        self.taken.append(answer.json()["id"])
        return None


@contextlib.asynccontextmanager
async def under_load(address: str) -> AsyncIterator[Load]:
    load = Load(address)
    calls = [asyncio.create_task(load.call()) for _ in range(CALLERS)]
    yield load
    load.over = True
    await asyncio.gather(*calls)


async def some_more(load: Load) -> None:
    """Until people are taken again, after whatever was done."""
    before = len(load.taken)

    async def taken() -> bool:
        return len(load.taken) > before + 2 * CALLERS

    await eventually(taken)


async def is_ready(port: int) -> bool:
    async with httpx.AsyncClient(timeout=LONG_ENOUGH) as caller:
        return (await caller.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("behind", [nginx, haproxy])
async def test_nobody_is_turned_away_who_sends_once_more_with_the_same_key(
    behind: Proxy, replicas: list[Replica], database_url: str, nats_server: NatsServer, tmp_path: Path
) -> None:
    async with running(create_app, settings_for(Settings, "events", database_url)) as client:
        event = await published(client, capacity=None)
    for each in replicas:
        await eventually(lambda port=each.port: is_ready(port))  # type: ignore[misc]
    with behind(tmp_path, replicas) as port:
        async with under_load(f"http://127.0.0.1:{port}/v1/events/{event['id']}/registrations") as load:
            await some_more(load)
            for each in replicas:
                await asyncio.to_thread(each.stop)
                await some_more(load)
                await asyncio.to_thread(each.start)
                await eventually(lambda port=each.port: is_ready(port))  # type: ignore[misc]
                await some_more(load)
    assert load.failed == []
    async with running(create_app, settings_for(Settings, "events", database_url)) as client:
        (quota,) = (await capacity(client, event))["quotas"]
    assert len(set(load.taken)) == len(load.taken) == quota["taken"]


async def test_who_is_told_to_stop_says_so_before_it_closes_its_door(
    database_url: str, nats_server: NatsServer
) -> None:
    told = environment(database_url, nats_server, VIDENBRO_ANNOUNCE_SECONDS="600")
    with replica(APPLICATION, "--factory", *SERVER_OPTIONS, **told) as one:
        await eventually(lambda: is_ready(one.port))
        one.signal(signal.SIGTERM)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.port}", timeout=LONG_ENOUGH) as caller:

            async def announced() -> bool:
                return "stopping" in (await caller.get("/readyz")).json()["checks"].values()

            await eventually(announced)
            answer = await caller.get("/v1/events")
            assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
        # A second time it leaves at once: the block's end sends it, and does not wait for ten minutes.


@pytest.mark.slow
async def test_a_connection_that_idled_for_as_long_as_a_proxy_keeps_it_is_still_answered(
    database_url: str, nats_server: NatsServer
) -> None:
    """uvicorn's own five seconds are less than any proxy's, which then sends a request into a closed door."""
    with replica(APPLICATION, "--factory", *SERVER_OPTIONS, **environment(database_url, nats_server)) as one:
        connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=60)
        for pause in (8, 0):
            # A second one on the same connection: it raises where the other side has closed.
            connection.request("GET", "/livez")
            assert connection.getresponse().read() == b"alive"
            for _ in range(pause):
                await a_moment(1)
        connection.close()
