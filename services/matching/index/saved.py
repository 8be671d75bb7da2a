"""The index saved beside the database, so that a restart need not count anew. It may be deleted at any time.

With each profile stands the change it was read at. At a start these are compared with the rows: what is no longer a row
is no longer in the index, and what has another change is read again, even where an older backup was put back.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from services.matching.settings import Settings
from services.matching.similarity import Index, Unreadable
from services.matching.tables import Organisation
from shared.database import Database
from shared.telemetry import get_logger

log = get_logger()

PORTION = 2_000  # stamps read at a time
Stamp = tuple[int, str]  # the number of a profile's last change, and when it was


@dataclass(frozen=True, slots=True)
class SavedIndex:
    """A saved index, and what its profiles were read at."""

    index: Index
    stamps: Mapping[UUID, Stamp]

    def differing(self, stamps: Mapping[UUID, Stamp]) -> tuple[list[UUID], set[UUID]]:
        """Who has changed since it was saved, and who has gone."""
        changed = [key for key, stamp in stamps.items() if self.stamps.get(key) != stamp]
        return changed, {key for key in self.index.profile_ids() if key not in stamps}


def path_of(settings: Settings) -> Path | None:
    """In the folder that is set, else beside the file of SQLite; None where there is neither."""
    if settings.index_folder is not None:
        return settings.index_folder / "matching.index"
    file = make_url(settings.database_url).database if settings.is_sqlite else None
    return Path(f"{file}.index") if file and file != ":memory:" else None


async def stamps_of(database: Database, number: int) -> dict[UUID, Stamp]:
    """Of all organisations whose last change is not above the number."""
    stamps: dict[UUID, Stamp] = {}
    later: tuple[Any, ...] = ()
    while True:
        columns = select(Organisation.id, Organisation.change, Organisation.updated_at)
        portion = columns.where(Organisation.change <= number, *later).order_by(col(Organisation.id)).limit(PORTION)
        async with database.reading() as session:
            rows = (await session.exec(portion)).all()
        stamps.update((identity, (change, at.isoformat())) for identity, change, at in rows)
        if len(rows) < PORTION:
            return stamps
        later = (col(Organisation.id) > rows[-1][0],)


async def read(path: Path) -> SavedIndex | None:
    """What is saved there, if it is of any use; nothing that is wrong with a file is an error."""
    try:
        return await asyncio.to_thread(_read, path)
    except FileNotFoundError:
        return None
    except (Unreadable, OSError) as failed:
        log.warning("saved index not used", path=str(path), error=f"{type(failed).__name__}: {failed}")
        return None


async def write(path: Path, index: Index, stamps: Mapping[UUID, Stamp]) -> None:
    """Save an index just built. Without room or rights the next start counts anew, as it would without a file."""
    note = orjson.dumps([(key.hex, *stamp) for key, stamp in stamps.items()])
    try:
        await asyncio.to_thread(index.save, path, note)
    except OSError as failed:
        log.warning("index not saved", path=str(path), error=f"{type(failed).__name__}: {failed}")


def _read(path: Path) -> SavedIndex:
    index, note = Index.load(path)
    return SavedIndex(index, {UUID(hex=key): (change, at) for key, change, at in orjson.loads(note)})
