"""The index as this process holds it: read on from the profiles before every ranking, so that no answer is behind."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from services.matching.index import building, saved
from services.matching.index.documents import COLUMNS, profiles_of
from services.matching.organisations.changes import newest_number
from services.matching.similarity import Index, Profile, pack
from services.matching.tables import ErasedOrganisation, Organisation
from shared.database import Database
from shared.telemetry import get_logger

log = get_logger()

# So many rows are read and decoded at a time; more would hold the event loop for longer than other callers like.
PORTION = 200
MOST_DIFFERING = 0.2  # of the profiles of a saved index; with more it is better built anew
PAUSE = 60.0  # seconds before a rebuild that failed is tried again


@dataclass(frozen=True, slots=True)
class Held:
    """An index and the number of the last change in it.

    `to_forget`: it answers without profiles that were erased, but they are in its memory and its file until a rebuild.
    """

    index: Index
    number: int
    to_forget: bool = False

    @property
    def wants_rebuilding(self) -> bool:
        return self.index.stale or self.to_forget


class CurrentIndex:
    """One for a process. Ranking runs in worker threads, building beside them; the event loop only reads rows."""

    def __init__(self, database: Database, registry: CollectorRegistry, path: Path | None = None) -> None:
        self._database = database
        self._path = path
        self._held: Held | None = None
        self._turn = asyncio.Lock()
        self._rebuilding: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._size = Gauge("index_profiles", "Profiles in this process's index", registry=registry)
        self._number = Gauge("index_change", "The last change of a profile in the index", registry=registry)

    async def now(self) -> Index:
        """The index with every change committed before this call. The first call builds it, which takes seconds."""
        held = self._held
        if held is None or await self._newest() > held.number:
            async with self._turn:
                held = await self._caught_up(self._held or await self._begun())
                self._held = held
                self._size.set(len(held.index))
                self._number.set(held.number)
        if held.wants_rebuilding and self._may_rebuild():
            self._rebuilding = asyncio.create_task(self._rebuild(held), name="rebuild index")
        return held.index

    def _may_rebuild(self) -> bool:
        return (self._rebuilding is None or self._rebuilding.done()) and time.monotonic() >= self._not_before

    async def close(self) -> None:
        tasks = [each for each in (self._rebuilding, self._saving) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begun(self) -> Held:
        """From what was saved, or built."""
        found = None if self._path is None else await saved.read(self._path)
        return (found and await self._read_on(found)) or await self._built()

    async def _read_on(self, found: saved.SavedIndex) -> Held | None:
        """What was saved and what changed since; nothing if that is too much to be worth it."""
        number = await self._newest()
        differing, gone = found.differing(await saved.stamps_of(self._database, number))
        if len(differing) > MOST_DIFFERING * len(found.stamps):
            return None
        changed: list[Profile] = []
        for at in range(0, len(differing), PORTION):
            read, merged = await self._read(col(Organisation.id).in_(differing[at : at + PORTION]))
            changed += read
            gone.update(merged)
        index = await asyncio.to_thread(found.index.apply, changed, gone)
        log.info("saved index read", profiles=len(index), changed=len(differing), change=number)
        return Held(index, number, to_forget=bool(gone))

    async def _save(self, held: Held, path: Path, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        await saved.write(path, held.index, await saved.stamps_of(self._database, held.number))

    def _save_behind(self, held: Held) -> None:
        """After whatever is being saved: the file must not keep what was erased since."""
        if self._path is not None:
            saving = self._save(held, self._path, self._saving)
            self._saving = asyncio.create_task(saving, name="save index")

    async def _built(self) -> Held:
        number = await self._newest()
        index = await _first(await self._packed(number))
        log.info("index built", profiles=len(index), change=number)
        self._save_behind(held := Held(index, number))
        return held

    async def _caught_up(self, held: Held) -> Held:
        # What changes while this is read has a higher number, and is read the next time.
        number = await self._newest()
        if number <= held.number:
            return held
        changed, gone = await self._read(col(Organisation.change) > held.number, col(Organisation.change) <= number)
        erased = await self._read_erased(held.number, number)
        index = await asyncio.to_thread(held.index.apply, changed, [*gone, *erased])
        return Held(index, number, held.to_forget or bool(erased))

    async def _rebuild(self, stale: Held) -> None:
        """Answers go on from the old index meanwhile, and for good if this fails."""
        try:
            rebuilt = Held(await building.build(await asyncio.to_thread(list, stale.index.packed())), stale.number)
        except building.NotBuilt as failed:
            self._not_before = time.monotonic() + PAUSE
            log.warning("index not rebuilt", error=str(failed))
            return
        async with self._turn:
            self._held = await self._caught_up(rebuilt)
        self._save_behind(rebuilt)
        log.info("index rebuilt", profiles=len(rebuilt.index), change=stale.number)

    async def _newest(self) -> int:
        """The number of the last change."""
        async with self._database.reading() as session:
            return await newest_number(session)

    async def _read_erased(self, after: int, number: int) -> Sequence[UUID]:
        later = (col(ErasedOrganisation.change) > after, col(ErasedOrganisation.change) <= number)
        async with self._database.reading() as session:
            return (await session.exec(select(ErasedOrganisation.organisation_id).where(*later))).all()

    async def _packed(self, number: int) -> list[bytes]:
        profiles, _ = await self._read(col(Organisation.change) <= number)
        return await asyncio.to_thread(list, map(pack, profiles))

    async def _read(self, *conditions: Any) -> tuple[list[Profile], list[UUID]]:
        """The profiles for which all of that holds, made ready a portion at a time; and who of them was merged."""
        profiles: list[Profile] = []
        gone: list[UUID] = []
        later: tuple[Any, ...] = ()
        while True:
            chosen = select_columns(*COLUMNS).where(*conditions, *later).order_by(col(Organisation.id)).limit(PORTION)
            async with self._database.reading() as session:
                rows = (await (await session.connection()).execute(chosen)).all()
            profiles += await asyncio.to_thread(profiles_of, rows)
            gone += [each.id for each in rows if each.merged_into]
            if len(rows) < PORTION:
                return profiles, gone
            later = (col(Organisation.id) > rows[-1].id,)


async def _first(packed: Sequence[bytes]) -> Index:
    """There is nothing yet to answer from, so it is built here if it could not be built apart."""
    try:
        return await building.build(packed)
    except building.NotBuilt as failed:
        log.warning("index built by the service itself", error=str(failed))
        return await asyncio.to_thread(building.counted, packed)
