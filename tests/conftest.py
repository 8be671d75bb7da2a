"""What every test may ask for. Real parts: a nats-server, SQLite files, and a PostgreSQL cluster where it is installed.

A test of a service, on both databases:

    from tests.support.callers import as_caller, links
    from tests.support.services import Client, eventually, running, settings_for

    async def test_an_organiser_drafts_an_event(client: Client) -> None:
        answer = await client.post("/v1/events", json={...}, headers=as_caller("organiser", organisation=DTU))

`client`         the service of the test's folder (tests/events -> events) on a fresh database, without a bus:
                 what it tells waits in its outbox. `client.app.state` has database, links, settings …
`service`        that service's name; override the fixture where the folder says something else.
`database_url`   a fresh migrated database of that service; the test runs on SQLite and on PostgreSQL.
`new_database`   `await new_database("notify")` makes more of them, in the same dialect as `database_url`.
`dialect`        "sqlite" or "postgresql", for who needs to know; override it to run on one alone.
`nats_server`    a running nats-server with streams and consumers, all of them empty. A test may kill and start it.
`postgres`       the cluster (session-wide; do not stop it, make another by `running_postgres()`).
`complaints`     what the event loop has to say of tasks and errors that nobody holds any more; must stay empty.

A service on the bus, or with other settings (`None` in place of `nats_server`: alone):

    from services.notify.app import create_app
    from services.notify.settings import Settings

    settings = settings_for(Settings, "notify", database_url, nats_server, smtp_url=...)
    async with running(create_app, settings) as client:
        await eventually(lambda: inbox_of("mette@example.org"))

`as_caller(*roles, organisation=…, email=…)` makes the headers of a known caller, `links.key(purpose, id, version)` a
link's key: every service under test is told the same key pair and link secret.
"""

import asyncio
import gc
import importlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from shared.settings import SERVICES, ServiceName
from tests.support.databases import Databases
from tests.support.missing import missing
from tests.support.nats import NatsServer, running_nats
from tests.support.postgres import PostgresCluster, postgres_binaries, running_postgres
from tests.support.services import Client, running, settings_for

TESTS = Path(__file__).parent
MEMORY, WANTED_BYTES = Path("/dev/shm"), 4 * 2**30  # noqa: S108 - folders made there have random names and are ours
NewDatabase = Callable[[str], Awaitable[str]]


def pytest_configure() -> None:
    """Folders of tests are in memory where there is room: SQLite and NATS wait for the disk at every commit."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > WANTED_BYTES and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that no worker is left with one when the others have nothing more to take."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """None of its own for a few files: starting workers would take longer than running them here."""
    named = [Path(argument.partition("::")[0]) for argument in config.args]
    return 0 if all(path.suffix == ".py" for path in named) and len(named) < 4 else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    if postgres_binaries() is None:
        missing("PostgreSQL")
    with running_postgres() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def _databases() -> dict[str, Databases]:
    return {}


@pytest.fixture
def databases(
    dialect: str,
    _databases: dict[str, Databases],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Databases:
    if dialect not in _databases:
        cluster = request.getfixturevalue("postgres") if dialect == "postgresql" else None
        _databases[dialect] = Databases(tmp_path_factory.mktemp("databases"), cluster)
    return _databases[dialect]


@pytest.fixture
async def new_database(databases: Databases) -> AsyncIterator[NewDatabase]:
    made: list[str] = []

    async def fresh(service: str) -> str:
        made.append(await databases.fresh(service))
        return made[-1]

    yield fresh
    for url in made:
        await databases.drop(url)


@pytest.fixture
def service(request: pytest.FixtureRequest) -> ServiceName:
    folder = request.path.relative_to(TESTS).parts[0]
    if folder not in SERVICES:
        pytest.fail(f"tests/{folder} belongs to no service; override the fixture `service` there")
    return folder


@pytest.fixture
async def database_url(service: ServiceName, new_database: NewDatabase) -> str:
    return await new_database(service)


@pytest.fixture
async def client(service: ServiceName, database_url: str) -> AsyncIterator[Client]:
    settings = importlib.import_module(f"services.{service}.settings").Settings
    create_app = importlib.import_module(f"services.{service}.app").create_app
    async with running(create_app, settings_for(settings, service, database_url)) as client:
        yield client


@pytest.fixture(scope="session")
def _nats_server() -> Iterator[NatsServer]:
    with running_nats() as server:
        yield server


@pytest.fixture
async def nats_server(_nats_server: NatsServer) -> NatsServer:
    if _nats_server.process is None:
        _nats_server.start()
    await _nats_server.provision()
    await _nats_server.empty()
    return _nats_server


@pytest.fixture
async def complaints() -> AsyncIterator[list[str]]:
    loop, said = asyncio.get_running_loop(), list[str]()
    # What earlier tests left to nobody is not this one's.
    gc.collect()
    await asyncio.sleep(0)
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: said.append(f"{context['message']}: {context}"))
    yield said
    loop.set_exception_handler(before)
