"""What is wrong with a database is named as it is, by 503 or 507, and never taken for a fault of the service."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import is_away, is_passing
from shared.settings import ServiceSettings
from tests.shared.tiny import create_app, made, make_tables
from tests.support.missing import missing
from tests.support.services import Client, eventually, running, settings_for

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"])
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"])
WORDS = ("so many words that a page of the database cannot hold them all " * 3).strip()


async def post(client: Client, name: str = "one", path: str = "/v1/things") -> httpx.Response:
    return await client.post(path, json={"name": name})


def assert_unavailable(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert "Retry-After" in answer.headers


def assert_full(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["type"]) == (507, "/problems/storage-full")
    assert answer.json()["next_steps"][0]["action"] == "retry_later"
    assert "Retry-After" in answer.headers


async def each_connection(client: Client, statement: str) -> None:
    """Says it on every connection from now on."""
    engine = client.app.state.database.engine

    @event.listens_for(engine.sync_engine, "connect")
    def _say(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()

    await engine.dispose()


async def until_refused(client: Client, path: str = "/v1/things") -> httpx.Response:
    async def refused() -> list[httpx.Response]:
        answer = await post(client, WORDS, path)
        return [] if answer.status_code == 201 else [answer]

    return (await eventually(refused))[0]


@on_sqlite
@pytest.mark.parametrize("path", ["/v1/things", "/v1/things/together"])
async def test_a_file_that_may_not_grow_is_a_full_one(client: Client, path: str) -> None:
    await each_connection(client, "PRAGMA max_page_count=1")
    assert_full(await until_refused(client, path))
    assert (await client.get("/v1/things")).status_code == 200


@on_sqlite
async def test_a_database_that_only_reads_is_503(client: Client) -> None:
    await each_connection(client, "PRAGMA query_only=ON")
    assert_unavailable(await post(client))


@contextlib.contextmanager
def in_the_way(path: Path) -> Iterator[None]:
    """A folder where the file of a database was."""
    hidden = [each.rename(f"{each}.away") for each in path.parent.glob(f"{path.name}*") if each.suffix != ".lock"]
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        for each in hidden:
            each.rename(str(each).removesuffix(".away"))


@on_sqlite
async def test_a_database_that_cannot_be_opened_is_503(client: Client, database_url: str) -> None:
    await client.app.state.database.engine.dispose()
    with in_the_way(Path(database_url.partition("///")[2])):
        assert_unavailable(await post(client))
        assert_unavailable(await client.get("/v1/things"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one MiB."""
    if os.geteuid() != 0:
        missing("the right to mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        missing(f"the right to mount a file system ({mounted.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=True)


async def test_a_disk_that_is_full_is_507_until_there_is_room_again(small_disk: Path) -> None:
    url = f"sqlite+aiosqlite:///{small_disk}/things.db"
    await make_tables(url)
    async with running(create_app, settings_for(ServiceSettings, "matching", url)) as client:
        assert (await post(client)).status_code == 201
        with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        assert_full(await until_refused(client))
        for _ in range(2):
            assert "full" in (await client.get("/readyz")).json()["checks"]["database"]
        assert "database_trouble 1.0" in (await client.get("/metrics")).text
        (small_disk / "filler").unlink()
        assert (await client.get("/readyz")).json()["checks"]["database"] == "ok"
        assert "database_trouble 0.0" in (await client.get("/metrics")).text
        assert (await post(client, "afterwards")).status_code == 201
        assert (await made(client.app))[-1] == "afterwards"


@on_postgresql
async def test_a_server_that_only_reads_is_503(client: Client, database_url: str) -> None:
    async with _aside(database_url) as aside:
        name = database_url.rsplit("/", 1)[1]
        await aside.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    await client.app.state.database.engine.dispose()
    assert_unavailable(await post(client))
    assert_unavailable(await post(client, path="/v1/things/together"))
    assert (await client.get("/v1/things")).status_code == 200


@on_postgresql
async def test_a_statement_that_an_operator_cancels_is_503(client: Client, database_url: str) -> None:
    async with _aside(database_url) as aside, _aside(database_url) as operator:
        await aside.execute(text("BEGIN"))
        await aside.execute(text("LOCK TABLE things"))
        waiting = asyncio.create_task(post(client))

        async def cancelled() -> bool:
            waits = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return bool(await operator.scalar(text(waits + " AND datname = current_database()")))

        await eventually(cancelled)
        assert_unavailable(await waiting)
        await aside.execute(text("ROLLBACK"))


@on_postgresql
async def test_a_lock_is_waited_for_only_so_long(database_url: str) -> None:
    settings = settings_for(ServiceSettings, "matching", database_url, lock_seconds=0.1)
    async with running(create_app, settings) as client, _aside(database_url) as aside:
        await aside.execute(text("BEGIN"))
        await aside.execute(text("LOCK TABLE things"))
        assert_unavailable(await post(client))
        await aside.execute(text("ROLLBACK"))
        assert (await post(client)).status_code == 201


@on_postgresql
async def test_a_statement_is_given_only_so_long(database_url: str) -> None:
    settings = settings_for(ServiceSettings, "matching", database_url, statement_seconds=0.1)
    async with running(create_app, settings) as client:
        with pytest.raises(Exception, match="statement timeout") as failed:
            async with client.app.state.database.reading() as session:
                await (await session.connection()).execute(text("SELECT pg_sleep(60)"))
        assert is_passing(failed.value)


@on_postgresql
async def test_who_sleeps_within_a_transaction_loses_it_and_its_locks(database_url: str) -> None:
    settings = settings_for(ServiceSettings, "matching", database_url, idle_in_transaction_seconds=0.1)
    async with running(create_app, settings) as client, running(create_app, settings) as other:
        async with other.app.state.database.engine.connect() as asleep:
            await asleep.execute(text("LOCK TABLE things"))

            async def taken() -> bool:
                return (await post(client)).status_code == 201

            await eventually(taken)
            with pytest.raises(DBAPIError) as lost:
                await asleep.execute(text("SELECT 1"))
        assert is_away(lost.value)


@contextlib.asynccontextmanager
async def _aside(url: str) -> AsyncIterator[Any]:
    """A connection of an operator."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()
