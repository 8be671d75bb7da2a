"""The door of the engine. Nothing heavy is loaded before the first index is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

from services.matching.similarity.profile import Profile, Suggestion, Wanted
from services.matching.similarity.recipe import Recipe

if TYPE_CHECKING:
    from services.matching.similarity.snapshot import Snapshot
    from services.matching.similarity.text.terms import Terms

EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Index:
    """An index as it is at one moment. It never changes: any thread may ask while another applies changes,
    and whoever holds it replaces it by the one that `apply` or `rebuilt` returns.

    The first `build` of a process takes seconds, for it loads scikit-learn; call it in a worker thread.
    """

    _now: Snapshot

    @classmethod
    def build(cls, profiles: Iterable[Profile], *, terms: Terms | None = None, recipe: Recipe | None = None) -> Index:
        """Index every profile given, published or not; who is not is never suggested but may ask."""
        from services.matching.similarity.snapshot import Snapshot
        from services.matching.similarity.text.terms import shipped

        return cls(Snapshot.build(profiles, terms or shipped(), recipe or Recipe()))

    @classmethod
    def load(cls, saved: Path | IO[bytes]) -> tuple[Index, bytes]:
        """The index saved there and the note saved with it. Raises Unreadable; FileNotFoundError where nothing is."""
        from services.matching.similarity.saving import read
        from services.matching.similarity.text.terms import shipped

        snapshot, note = read(saved, shipped(), Recipe())
        return cls(snapshot), note

    def save(self, path: Path, note: bytes) -> None:
        """Save an index just built or rebuilt, whole or not at all."""
        from services.matching.similarity.saving import save

        save(self._now, path, note)

    def write(self, file: IO[bytes]) -> None:
        """Write an index just built to a file that is open; what is read of it has no note."""
        from services.matching.similarity.saving import write

        write(self._now, file, b"")

    def apply(self, changed: Iterable[Profile], removed: Iterable[UUID]) -> Index:
        """The index with these profiles new or replaced and those gone."""
        return Index(self._now.apply(changed, removed))

    def rebuilt(self) -> Index:
        """The same profiles counted anew; for the background, when `stale`."""
        return Index(self._now.rebuilt())

    def packed(self) -> Iterator[bytes]:
        """Every profile it holds, each as a line; `unpack` reads it."""
        return self._now.packed()

    @property
    def stale(self) -> bool:
        """So much has changed that the idf of words should be fitted again."""
        recipe = self._now.recipe
        changes = len(self._now.delta.segment.profiles)
        return changes > max(recipe.delta_least, recipe.delta_share * len(self._now.base.segment.profiles))

    def __len__(self) -> int:
        return int(self._now.base.alive.sum() + self._now.delta.alive.sum())

    def __contains__(self, profile_id: object) -> bool:
        return isinstance(profile_id, UUID) and self._now.find(profile_id) is not None

    def profile_ids(self) -> Iterator[UUID]:
        """Whose profiles it holds."""
        return (key for held in self._now.parts for key, at in held.segment.positions.items() if held.alive[at])

    def evidence(self, mine: Profile, *, partnerships: bool = True) -> dict[UUID, float]:
        """What the scores of all profiles rest on, unfiltered, for a profile of the index or any other."""
        return self._now.evidence(mine, partnerships=partnerships)

    def suggest(self, profile_id: UUID, wanted: Wanted = EVERYTHING) -> list[Suggestion]:
        """Partners for a profile of the index, the best first; none if nothing ties them or it is unknown."""
        return self._now.suggest(profile_id, wanted)

    def search(self, text: str, wanted: Wanted = EVERYTHING) -> list[Suggestion]:
        """Partners for a need in free text, with the same reasons; only what is public counts."""
        return self._now.search(text, replace(wanted, members_parts=False))
