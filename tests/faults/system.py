"""The whole real system: nats-server, PostgreSQL or SQLite files, the three services, a witness, a mail sink."""

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import nats
from nats.aio.client import Client

from deploy.local.data_folder import SERVICES, DataFolder
from deploy.local.mail_sink import port_of, start_mail_sink
from deploy.local.nats import (
    PROVISIONER,
    configuration,
    inbox_prefix,
    server_command,
    write_configuration,
)
from deploy.local.stack import Stack, python
from shared.database import Database
from shared.migrations import upgrade
from tests.faults import witness
from tests.faults.parts import Part, Postmaster, Program, answers, listens_on
from tests.faults.spoiled import MADE_ANEW, PURGED, Spoiling, make_streams
from tests.faults.witness import WITNESS
from tests.support.postgres import PostgresCluster, free_port

Dialect = Literal["sqlite", "postgresql"]
READY_WITHIN = 60.0
LOOK = 0.05
ENTRIES = "services.{service}.app:create_app"
BROKEN = "tests.faults.sabotage"
Answer = TypeVar("Answer")


class System:
    """Every part by its name. `sabotage` says what is broken on purpose, for a positive control."""

    def __init__(self, folder: Path, dialect: Dialect, sabotage: str | None = None) -> None:
        self.folder, self.dialect, self._sabotage = DataFolder(folder), dialect, sabotage
        self.parts: dict[str, Part] = {}
        # A part dies with the thread that started it: these live as long as the system.
        self._threads = ThreadPoolExecutor(8)
        self._cluster: PostgresCluster | None = None
        # Of its own: PostgreSQL's account could not come to a folder inside ours.
        self._cluster_folder = tempfile.TemporaryDirectory(prefix="videnbro-pg-", ignore_cleanup_errors=True)
        self._nats_port = free_port()
        self._stack = Stack(self.folder)
        self._mail: asyncio.Server | None = None
        self._passwords: dict[str, str] = {}

    def url(self, service: str) -> str:
        return self._stack.url(service)

    def database_url(self, who: str) -> str:
        return self.folder.database_url(who, self._stack.database_prefix)

    def database_urls(self) -> dict[str, str]:
        return {who: self.database_url(who) for who in (*SERVICES, WITNESS)}

    async def in_thread(self, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def connect(self) -> Client:
        """A client of nats-server that may look at everything."""
        return await nats.connect(
            f"nats://127.0.0.1:{self._nats_port}",
            user=PROVISIONER,
            password=self._passwords[PROVISIONER],
            inbox_prefix=inbox_prefix(PROVISIONER).encode(),
            connect_timeout=5,
        )

    # --- starting and stopping ------------------------------------------------------------------------------------

    async def start(self) -> None:
        self.folder.prepare()
        if self.dialect == "postgresql":
            self._cluster = await self.in_thread(self._new_cluster)
        prefix = self._cluster.url("") if self._cluster else None
        ports = {service: free_port() for service in SERVICES}
        entries = ENTRIES if self._sabotage is None else f"{BROKEN}:create_{{service}}_app"
        self._stack = Stack(self.folder, ports, database_prefix=prefix, application=entries)
        self._mail = await start_mail_sink(self.folder.mail)
        await asyncio.gather(self._make_tables(), self._start_bus())
        listeners = [self._service(service) for service in SERVICES] + [self._witness()]
        await asyncio.gather(*(self._begin(part) for part in listeners))

    def _new_cluster(self) -> PostgresCluster:
        """Durable, unlike that of other tests: what it forgets in a crash would be our fault."""
        cluster = PostgresCluster(Path(self._cluster_folder.name), durable=True)
        cluster.initialise()
        cluster.start()
        self.parts["postgres"] = Postmaster(cluster)
        for who in (*SERVICES, WITNESS):
            cluster.create_database(who)
        return cluster

    async def _make_tables(self) -> None:
        for service in SERVICES:
            await upgrade(service, self.database_url(service))
        database = Database(self.database_url(WITNESS))
        async with database.engine.begin() as connection:
            await connection.run_sync(witness.metadata.create_all)
        await database.close()

    async def _start_bus(self) -> None:
        folder = self.folder.nats
        self._passwords = {who: self.folder.secret(who, "nats_password") for who in (*SERVICES, PROVISIONER)}
        self._passwords[WITNESS] = secrets.token_urlsafe(16)
        written = configuration(folder / "store", self._passwords, self._nats_port)
        own = {"user": WITNESS, "password": self._passwords[WITNESS], "permissions": witness.permissions()}
        written["authorization"]["users"].append(own)
        write_configuration(folder / "server.conf", written)
        command = server_command(folder / "server.conf", folder)
        await self._begin(self._program("nats", command, {}, lambda _: listens_on(self._nats_port)))
        client = await self.connect()
        await make_streams(client)
        await client.close()
        self.parts |= {name: Spoiling(name, self.connect) for name in (PURGED, MADE_ANEW)}

    def _service(self, service: str) -> Program:
        where = f"{self.url(service)}/livez"
        return self._program(service, self._stack.service_command(service), {}, lambda _: answers(where))

    def _witness(self) -> Program:
        command = python("-m", witness.__name__ if self._sabotage is None else BROKEN)
        told = {"VIDENBRO_NATS_PASSWORD": self._passwords[WITNESS]}
        return self._program(WITNESS, command, told, lambda program: program.has_said(b"listening"))

    def _program(
        self, name: str, command: list[str], more: Mapping[str, str], ready: Callable[[Program], bool]
    ) -> Program:
        told = {} if name == "nats" else self._environment(name)
        return Program(name, command, {**told, **more}, self.folder.path / f"{name}.log", ready)

    def _environment(self, who: str) -> dict[str, str]:
        assert self._mail is not None
        told = self._stack.environment(who, f"nats://127.0.0.1:{self._nats_port}", port_of(self._mail))
        return told | ({} if self._sabotage is None else {"SABOTAGE": self._sabotage})

    async def _begin(self, part: Part) -> None:
        self.parts[part.name] = part
        await self.in_thread(part.start)
        await self.until_ready(part.name)

    async def is_ready(self, name: str) -> bool:
        return await self.in_thread(self.parts[name].is_ready)

    async def until_ready(self, name: str) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not await self.is_ready(name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} was not ready in {READY_WITHIN:.0f} s:\n{self.parts[name].last_words()}")
            await asyncio.sleep(LOOK)

    async def stop_services(self) -> list[str]:
        """Those that had to be killed because they did not end when asked to."""
        names = (*SERVICES, WITNESS)
        ended = await asyncio.gather(*(self.in_thread(self.parts[name].stop) for name in names if name in self.parts))
        return [name for name, well in zip(names, ended, strict=False) if not well]

    async def close(self) -> None:
        """Ends whatever still runs."""
        await self.stop_services()
        for name in ("nats", "postgres"):
            if name in self.parts:
                await self.in_thread(self.parts[name].stop)
        if self._mail is not None:
            self._mail.close()
        self._threads.shutdown()
        self._cluster_folder.cleanup()


@contextlib.asynccontextmanager
async def running_system(folder: Path, dialect: Dialect, sabotage: str | None = None) -> AsyncIterator[System]:
    system = System(folder, dialect, sabotage)
    try:
        await system.start()
        yield system
    finally:
        await system.close()
