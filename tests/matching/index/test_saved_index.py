"""A restart answers from the index that was saved as if it were built anew: nothing is missing, nobody comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from services.matching.app import create_app
from services.matching.index.saved import path_of
from services.matching.settings import Settings
from services.matching.similarity import Index
from tests.matching.builders import ADMIN, Row, make, names, need, offer, suggestions
from tests.support.services import Client, running, settings_for

Start = Callable[[], AbstractAsyncContextManager[Client]]
SEEKS = "Levende gær til et bageri"


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Start:
    settings = settings_for(Settings, "matching", database_url, index_folder=tmp_path)

    @asynccontextmanager
    async def started() -> AsyncIterator[Client]:
        async with running(create_app, settings) as client:
            yield client

    return started


@pytest.fixture
def never_built(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on, building an index fails the test."""

    def refuse() -> None:
        monkeypatch.setattr(Index, "build", lambda *_: pytest.fail("built anew"))

    return refuse


async def saved(client: Client) -> None:
    await client.app.state.index._saving


async def bakery(client: Client) -> Row:
    """One that seeks yeast; three that offer it; the index built and saved."""
    asks = await make(client, "Bageriet", "startup", needs=[need(SEEKS)])
    for at in range(3):
        await make(client, f"Gærhuset {at}", offers=[offer(SEEKS)])
    assert len(await suggestions(client, asks["id"])) == 3
    await saved(client)
    return asks


async def test_a_restart_answers_from_what_was_saved(start: Start, never_built: Callable[[], None]) -> None:
    async with start() as client:
        asks = await bakery(client)
        before = await suggestions(client, asks["id"])
    never_built()
    async with start() as client:
        assert await suggestions(client, asks["id"]) == before
        await make(client, "Gærhuset 3", offers=[offer(SEEKS)])
        assert len(await suggestions(client, asks["id"])) == 4


async def test_what_changed_after_it_was_saved_is_read_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.matching.index.current.MOST_DIFFERING", 1.0)
    async with start() as client:
        asks = await bakery(client)
        await make(client, "Det nye gærhus", offers=[offer(SEEKS)])
        rows = (await client.get("/v1/organisations", headers=ADMIN)).json()["items"]
        other = next(each for each in rows if each["name"] == "Gærhuset 0")
        answer = await client.patch(
            f"/v1/organisations/{other['id']}",
            json={"offers": [offer("Brugte cykler")]},
            headers={**ADMIN, "If-Match": f'"{other["version"]}"'},
        )
        assert answer.status_code == 200, answer.text
    monkeypatch.setattr(Index, "build", lambda *_: pytest.fail("built anew"))
    async with start() as client:
        assert sorted(names(await suggestions(client, asks["id"]))) == ["Det nye gærhus", "Gærhuset 1", "Gærhuset 2"]


@pytest.mark.parametrize("changed_first", [False, True])
async def test_who_was_removed_meanwhile_does_not_come_back(
    start: Start, changed_first: bool, never_built: Callable[[], None]
) -> None:
    async with start() as client:
        asks = await bakery(client)
        async with client.app.state.database.transaction() as session:
            if changed_first:
                await session.exec(text("UPDATE organisations SET change = change + 100 WHERE name = 'Gærhuset 1'"))
            await session.exec(text("DELETE FROM organisations WHERE name = 'Gærhuset 1'"))
    never_built()
    async with start() as client:
        assert sorted(names(await suggestions(client, asks["id"]))) == ["Gærhuset 0", "Gærhuset 2"]
        assert len(await client.app.state.index.now()) == 3


async def test_an_older_backup_is_not_answered_from_a_newer_index(start: Start) -> None:
    async with start() as client:
        asks = await bakery(client)
        async with client.app.state.database.transaction() as session:
            await session.exec(text("UPDATE organisations SET change = 1, offers = '[]' WHERE name LIKE 'Gær%'"))
    async with start() as client:
        assert await suggestions(client, asks["id"]) == []


async def test_a_damaged_file_is_replaced_by_a_good_one(start: Start, tmp_path: Path) -> None:
    async with start() as client:
        asks = await bakery(client)
    file = tmp_path / "matching.index"
    whole = file.read_bytes()
    file.write_bytes(whole[:1000] + whole[2000:])
    async with start() as client:
        assert len(await suggestions(client, asks["id"])) == 3
        await saved(client)
    assert len(file.read_bytes()) == len(whole)


async def test_without_room_to_save_it_answers_all_the_same(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(Settings, "matching", database_url, index_folder=tmp_path / "not there")
    async with running(create_app, settings) as client:
        await bakery(client)


async def test_without_a_folder_it_stands_beside_the_file_of_sqlite(database_url: str) -> None:
    settings = settings_for(Settings, "matching", database_url)
    path = path_of(settings)
    assert (path is None) is not settings.is_sqlite
    async with running(create_app, settings) as client:
        asks = await make(client, "Bageriet", "startup", needs=[need(SEEKS)])
        assert await suggestions(client, asks["id"]) == []
        if path is not None:
            await saved(client)
            assert await asyncio.to_thread(path.exists)


async def test_what_was_erased_goes_from_the_file_too(start: Start, tmp_path: Path) -> None:
    async with start() as client:
        asks = await bakery(client)
        gone = (await suggestions(client, asks["id"]))[0]["organisation"]["id"]
        assert UUID(gone) in Index.load(tmp_path / "matching.index")[0].profile_ids()
        await client.delete(f"/v1/organisations/{gone}", headers=ADMIN)
        assert len(await suggestions(client, asks["id"])) == 2
        await client.app.state.index._rebuilding
        await saved(client)
        assert UUID(gone) not in Index.load(tmp_path / "matching.index")[0].profile_ids()


async def test_what_was_erased_just_before_a_restart_goes_after_it(start: Start, tmp_path: Path) -> None:
    async with start() as client:
        asks = await bakery(client)
        gone = (await suggestions(client, asks["id"]))[0]["organisation"]["id"]
        await client.delete(f"/v1/organisations/{gone}", headers=ADMIN)
    async with start() as client:
        assert len(await suggestions(client, asks["id"])) == 2
        await client.app.state.index._rebuilding
        await saved(client)
        assert UUID(gone) not in Index.load(tmp_path / "matching.index")[0].profile_ids()
