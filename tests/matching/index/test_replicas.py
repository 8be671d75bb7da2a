"""Every process that serves matching holds an index of its own, and none of them answers from yesterday."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from services.matching.app import create_app
from services.matching.index import building
from services.matching.index.building import counted
from services.matching.settings import Settings
from services.matching.similarity import Index
from tests.matching.builders import ADMIN, make, names, need, offer, suggestions
from tests.support.services import LONG_ENOUGH, running, settings_for


@pytest.fixture
def dialect() -> str:
    """On SQLite a service is one process."""
    return "postgresql"


async def test_a_changed_profile_shows_in_the_next_answer_of_every_replica(database_url: str) -> None:
    settings = settings_for(Settings, "matching", database_url)
    async with running(create_app, settings) as one, running(create_app, settings) as other:
        asks = await make(one, "Bageriet", "startup", needs=[need("Levende gær til et bageri")])
        for replica in (one, other):
            assert await suggestions(replica, asks["id"]) == []
        for at in range(5):
            here, there = (one, other) if at % 2 else (other, one)
            await make(here, f"Gærhuset {at}", offers=[offer("Levende gær til et bageri")])
            for replica in (there, here):
                assert f"Gærhuset {at}" in names(await suggestions(replica, asks["id"]))


async def test_profiles_changed_at_once_are_all_in_the_next_answer(database_url: str) -> None:
    settings = settings_for(Settings, "matching", database_url)
    async with running(create_app, settings) as one, running(create_app, settings) as other:
        asks = await make(one, "Bageriet", "startup", needs=[need("Levende gær til et bageri")])
        assert await suggestions(other, asks["id"]) == []

        async def add(at: int) -> None:
            replica = one if at % 2 else other
            await make(replica, f"Gærhuset {at}", offers=[offer("Levende gær til et bageri")])
            assert f"Gærhuset {at}" in names(await suggestions(replica, asks["id"], limit=100))

        await asyncio.gather(*(add(at) for at in range(20)))
        for replica in (one, other):
            assert len(await suggestions(replica, asks["id"], limit=100)) == 20


async def test_what_was_merged_is_in_the_next_answer_of_no_replica(database_url: str) -> None:
    settings = settings_for(Settings, "matching", database_url)
    async with running(create_app, settings) as one, running(create_app, settings) as other:
        asks = await make(one, "Bageriet", "startup", needs=[need("Levende gær til et bageri")])
        twice = [await make(one, name, offers=[offer("Levende gær")]) for name in ("Gærhuset", "Gærhuset ApS")]
        for replica in (one, other):
            assert len(await suggestions(replica, asks["id"])) == 2
        path = f"/v1/organisations/{twice[0]['id']}/merge"
        assert (await one.post(path, json={"into": twice[1]["id"]}, headers=ADMIN)).status_code == 200
        for replica in (other, one):
            assert names(await suggestions(replica, asks["id"])) == ["Gærhuset ApS"]
            assert len(await replica.app.state.index.now()) == 2


async def test_the_event_loop_goes_on_while_the_first_index_is_built(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(create_app, settings_for(Settings, "matching", database_url)) as client:
        asks = await make(client, "Bageriet", "startup", needs=[need("Levende gær til et bageri")])
        begun, go_on = threading.Event(), threading.Event()

        def held(packed: Sequence[bytes]) -> Index:
            begun.set()
            assert go_on.wait(LONG_ENOUGH)
            return counted(packed)

        monkeypatch.setattr(building, "counted", held)
        asking = [asyncio.create_task(suggestions(client, asks["id"])) for _ in range(12)]
        assert await asyncio.to_thread(begun.wait, LONG_ENOUGH)
        assert (await client.get("/livez")).status_code == 200
        assert not any(each.done() for each in asking)
        go_on.set()
        assert await asyncio.gather(*asking) == [[]] * 12


async def test_an_index_out_of_date_is_rebuilt_beside_the_answers(database_url: str) -> None:
    async with running(create_app, settings_for(Settings, "matching", database_url)) as client:
        asks = await make(client, "Bageriet", "startup", needs=[need("Levende gær til et bageri")])
        await suggestions(client, asks["id"])
        index = client.app.state.index
        before = (await index.now())._now.base
        gives = [{"category": "technology", "text": {"da": "Levende gær"}}]
        names_of = (f"Gærhuset {at}" for at in range(400))
        rows = "\n".join(json.dumps({"name": name, "kind": "producer", "offers": gives}) for name in names_of)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await client.post("/v1/organisations/import", content=rows, headers={**ADMIN, **headers})
        assert answer.status_code == 200
        stale = await index.now()
        assert stale.stale
        await index._rebuilding
        fresh = await index.now()
        assert not fresh.stale
        assert fresh._now.base is not before
        assert len(fresh) == len(stale) == 401
        assert len(await suggestions(client, asks["id"], limit=100)) == 100


def test_nothing_heavy_is_loaded_before_the_first_ranking() -> None:
    code = "import sys, services.matching.app; print([m for m in ('sklearn', 'scipy', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
