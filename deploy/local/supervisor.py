"""Starts the embedded stack in order, watches it, and stops it in the opposite order."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from deploy.local.data_folder import SERVICES
from deploy.local.mail_sink import port_of, start_mail_sink
from deploy.local.nats import PROVISIONER, address_of, configuration, server_command, worth_showing, write_configuration
from deploy.local.processes import Child, say
from deploy.local.stack import Stack, python
from deploy.local.stop_signals import StopSignals

START_SECONDS = 120.0
LOOK_SECONDS = 0.05
# Of stopping. Services get eight seconds and then the bus does; what takes longer than this hangs.
LAST_SECONDS = 40


class StartFailed(Exception):
    """The stack did not come up; the text says what did not."""


class Supervisor:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.services: dict[str, Child] = {}
        self.below: list[Child] = []
        self.steps: set[Child] = set()
        self.nats_url = ""
        self.mail_sink: asyncio.Server | None = None
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.starting: asyncio.Task[None] | None = None
        self.watches: list[asyncio.Task[None]] = []
        self.signals: StopSignals | None = None

    async def run(self, *afterwards: str) -> int:
        """Until asked to stop (0) or until something is lost (1); `afterwards` runs once all are ready."""
        self.signals = StopSignals(LAST_SECONDS, self._stop_asked, self._kill)
        self.starting = asyncio.create_task(self._start(*afterwards))
        try:
            ends: set[asyncio.Future[Any]] = {self.starting, self.over}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self.starting.done():
                self.starting.result()
            return await self.over
        except StartFailed as failure:
            say(str(failure))
            return 1
        finally:
            await self._stop()

    def _stop_asked(self) -> None:
        # The loop may be over already.
        with contextlib.suppress(RuntimeError):
            self.over.get_loop().call_soon_threadsafe(self._end, 0)

    def _kill(self) -> None:
        for child in self._children():
            child.send(signal.SIGKILL)

    def _end(self, code: int) -> None:
        if not self.over.done():
            self.over.set_result(code)

    # --- starting -----------------------------------------------------------------------------------------

    async def _start(self, *afterwards: str) -> None:
        began = time.monotonic()
        self.mail_sink = await start_mail_sink(self.stack.folder.mail, self.stack.smtp_port)
        await together(self._step("migrate", {}, *self.stack.migration_arguments()), self._start_bus())
        await together(*(self._start_service(service) for service in SERVICES))
        self._write_addresses()
        say(f"ready after {time.monotonic() - began:.1f} s")
        if afterwards:
            await self._step("", {}, *afterwards)

    async def _start_bus(self) -> None:
        folder = self.stack.folder.nats
        passwords = {who: self.stack.folder.secret(who, "nats_password") for who in (*SERVICES, PROVISIONER)}
        config = configuration(folder / "store", passwords, self.stack.nats_port)
        write_configuration(folder / "server.conf", config)
        for left_over in folder.glob("*.ports"):
            left_over.unlink()
        command = server_command(folder / "server.conf", folder)
        bus = self._watched(await Child.start("nats", command, {}, worth_showing))
        self.below.append(bus)
        self.nats_url = await self._bus_address(bus)
        await self._step("provision", self._environment(PROVISIONER), *self.stack.provision_arguments())

    async def _bus_address(self, bus: Child) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if (address := address_of(self.stack.folder.nats, bus.pid)) is not None:
                return address
            await asyncio.sleep(LOOK_SECONDS)
        raise StartFailed(f"nats-server told no address within {START_SECONDS:.0f} s")

    async def _start_service(self, service: str) -> None:
        child = await Child.start(service, self.stack.service_command(service), self._environment(service))
        self.services[service] = self._watched(child)
        seen = (0, "nothing answers")
        deadline = time.monotonic() + START_SECONDS
        while seen[0] != 200:
            if time.monotonic() > deadline:
                raise StartFailed(f"{service} was not ready after {START_SECONDS:.0f} s: {seen[1]}")
            await asyncio.sleep(LOOK_SECONDS)
            seen = await look(self.stack.ports[service], "/readyz")

    async def _step(self, name: str, environment: Mapping[str, str], *arguments: str) -> None:
        """Run something to its end, which must be a good one."""
        child = await Child.start(name, python(*arguments), environment)
        self.steps.add(child)
        code = await child.ended()
        self.steps.discard(child)
        if code:
            raise StartFailed(f"{name or arguments[1]} failed with {code}; its lines above say why")

    def _watched(self, child: Child) -> Child:
        async def until_lost() -> None:
            code = await child.ended()
            if not self.over.done():
                say(f"{child.name} ended by itself with {code}; the rest is stopped")
                self._end(1)

        self.watches.append(asyncio.create_task(until_lost()))
        return child

    def _environment(self, who: str) -> dict[str, str]:
        assert self.mail_sink is not None
        return self.stack.environment(who, self.nats_url, port_of(self.mail_sink))

    def _write_addresses(self) -> None:
        """Where everything is, for whoever looks from another terminal."""
        assert self.mail_sink is not None
        addresses: dict[str, Any] = {service: self.stack.url(service) for service in SERVICES}
        addresses |= {"nats": self.nats_url, "smtp_port": port_of(self.mail_sink)}
        addresses["processes"] = {child.name: child.pid for child in self._children()}
        addresses["processes"]["supervisor"] = os.getpid()
        (self.stack.folder.path / "stack.json").write_text(json.dumps(addresses, indent=2) + "\n")

    # --- stopping -----------------------------------------------------------------------------------------

    def _children(self) -> list[Child]:
        return [*self.steps, *self.services.values(), *self.below]

    async def _stop(self) -> None:
        """Steps and services first, so that their last words still reach the bus; then what is below."""
        if self.signals is not None:
            self.signals.stopping()
        tasks = [task for task in (self.starting, *self.watches) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in (*self.steps, *self.services.values())))
        for child in self.below:
            await child.stop()
        if self.mail_sink is not None:
            self.mail_sink.close()
        say("stopped")


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def look(port: int, path: str) -> tuple[int, str]:
    """Status and body of a GET on loopback; status 0 when nobody answers properly."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as refused:
        return 0, str(refused)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(5):
            head, _, body = (await reader.read()).decode(errors="replace").partition("\r\n\r\n")
    except (OSError, TimeoutError) as silent:
        return 0, str(silent) or "no answer within 5 s"
    finally:
        writer.close()
    words = head.split(maxsplit=2)
    return (int(words[1]), body) if len(words) > 1 else (0, "an empty answer")
