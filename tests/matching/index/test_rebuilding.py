"""A large index is built by a process of its own; whatever becomes of that, answers go on and nothing is left over."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.matching.app import create_app
from services.matching.index import building, current
from services.matching.settings import Settings
from tests.matching.builders import ADMIN, make, names, need, offer, suggestions
from tests.support.services import Client, eventually, running, settings_for

SEEKS = "Levende gær til et bageri"
ENDLESS = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def dialect() -> str:
    """It is the same with either."""
    return "sqlite"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files go for a time."""
    (tmp_path / "for a time").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "for a time"))
    return tmp_path / "for a time"


@pytest.fixture
async def client(database_url: str, tmp_path: Path, folder: Path) -> AsyncIterator[Client]:
    settings = settings_for(Settings, "matching", database_url, index_folder=tmp_path / "nowhere")
    async with running(create_app, settings) as client:
        yield client


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on, a single profile is many."""
    monkeypatch.setattr(building, "MANY", 1)


async def bakery(client: Client) -> str:
    """One that seeks yeast, and three that offer it."""
    asks = await make(client, "Bageriet", "startup", needs=[need(SEEKS)])
    for at in range(3):
        await make(client, f"Gærhuset {at}", offers=[offer(SEEKS)])
    assert len(await suggestions(client, asks["id"])) == 3
    return str(asks["id"])


async def erase(client: Client, asks: str, name: str) -> None:
    """After it, the index wants to be rebuilt."""
    found = {each["organisation"]["name"]: each["organisation"]["id"] for each in await suggestions(client, asks)}
    assert (await client.delete(f"/v1/organisations/{found[name]}", headers=ADMIN)).is_success
    await suggestions(client, asks)


def builder() -> int | None:
    """The process that builds for this one."""
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            if "services.matching.index.building" in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
    return None


async def found_builder() -> int:
    return builder() or 0


def left_in(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


@pytest.mark.usefixtures("large")
async def test_the_first_index_is_built_by_another_process_too(
    client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "counted", lambda *_: pytest.fail("built by the service"))
    await bakery(client)
    assert not left_in(folder)


async def test_what_changes_during_a_rebuild_is_in_the_answers_after_it(
    client: Client, request: pytest.FixtureRequest
) -> None:
    asks = await bakery(client)
    request.getfixturevalue("large")
    await erase(client, asks, "Gærhuset 0")
    rebuilding, before = client.app.state.index._rebuilding, client.app.state.index._held.index
    await erase(client, asks, "Gærhuset 1")
    await make(client, "Det nye gærhus", offers=[offer(SEEKS)])
    assert sorted(names(await suggestions(client, asks))) == ["Det nye gærhus", "Gærhuset 2"]
    assert not rebuilding.done()
    await rebuilding
    assert client.app.state.index._held.index is not before
    assert sorted(names(await suggestions(client, asks))) == ["Det nye gærhus", "Gærhuset 2"]
    # Who was erased meanwhile is in the memory of what was built: once more.
    await client.app.state.index._rebuilding
    assert not client.app.state.index._held.to_forget
    assert sorted(names(await suggestions(client, asks))) == ["Det nye gærhus", "Gærhuset 2"]


@pytest.mark.parametrize(
    "does",
    [
        pytest.param("raise SystemExit('no memory')", id="fails"),
        pytest.param("print('no index')", id="writes nonsense"),
        pytest.param("", id="writes nothing"),
        pytest.param("import time; time.sleep(60)", id="hangs"),
    ],
)
async def test_answers_go_on_from_the_old_index_when_a_rebuild_comes_to_nothing(
    does: str, client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    asks = await bakery(client)
    request.getfixturevalue("large")
    monkeypatch.setattr(building, "COMMAND", (sys.executable, "-c", does))
    monkeypatch.setattr(building, "LONGEST", 1)
    await erase(client, asks, "Gærhuset 0")
    failed = client.app.state.index._rebuilding
    await failed
    assert len(await suggestions(client, asks)) == 2
    assert client.app.state.index._rebuilding is failed, "not at once again"
    assert not left_in(folder)


async def test_a_rebuild_that_was_killed_is_tried_again_after_a_while(
    client: Client, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    asks = await bakery(client)
    request.getfixturevalue("large")
    monkeypatch.setattr(current, "PAUSE", 0.0)
    await erase(client, asks, "Gærhuset 0")
    os.kill(await eventually(found_builder), signal.SIGKILL)
    await client.app.state.index._rebuilding
    assert client.app.state.index._held.to_forget
    assert len(await suggestions(client, asks)) == 2
    await client.app.state.index._rebuilding
    assert not client.app.state.index._held.to_forget
    assert len(await suggestions(client, asks)) == 2


@pytest.mark.usefixtures("large")
async def test_a_first_index_that_no_other_process_can_build_is_built_all_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "COMMAND", ("not a program",))
    await bakery(client)


async def test_the_other_process_ends_with_the_service(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    async with running(create_app, settings_for(Settings, "matching", database_url)) as client:
        asks = await bakery(client)
        request.getfixturevalue("large")
        monkeypatch.setattr(building, "COMMAND", (*ENDLESS, "services.matching.index.building"))
        await erase(client, asks, "Gærhuset 0")
        await eventually(found_builder)
        before = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - before < 5
    assert builder() is None
    assert not left_in(folder)
