"""Fresh databases: one is migrated for each service and dialect, and every test gets a copy of it."""

import itertools
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from shared.migrations import upgrade
from tests.support.postgres import PostgresCluster

Make = Callable[[str], Awaitable[None]]


class Databases:
    """The copies of one dialect. `make` fills the first one, given its URL; else the service's migrations do."""

    def __init__(self, folder: Path, cluster: PostgresCluster | None) -> None:
        self._folder, self._cluster = folder, cluster
        self._templates: set[str] = set()
        self._numbers = itertools.count(1)

    async def fresh(self, name: str, make: Make | None = None) -> str:
        """The URL of an empty database of `name`, a service or whatever `make` makes."""
        template = f"template_{name}"
        if template not in self._templates:
            url = await self._create(template)
            await (make(url) if make else upgrade(name, url))
            self._templates.add(template)
        return await self._create(f"{name}_{next(self._numbers)}", template)

    async def drop(self, url: str) -> None:
        """Cuts who is still connected."""
        if self._cluster is None:
            for path in self._folder.glob(f"{Path(url).name}*"):
                path.unlink()
        else:
            name = url.rsplit("/", 1)[1]
            await self._ask(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _create(self, name: str, template: str | None = None) -> str:
        if self._cluster is None:
            path = self._folder / f"{name}.db"
            if template is not None:
                shutil.copy(self._folder / f"{template}.db", path)
            return f"sqlite+aiosqlite:///{path}"
        # Half the time of the default strategy, which writes every block to the log.
        await self._ask(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template1"}" STRATEGY FILE_COPY')
        return self._cluster.url(name)

    async def _ask(self, statement: str) -> None:
        assert self._cluster is not None
        connection = await asyncpg.connect(self._cluster.url("postgres").replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
