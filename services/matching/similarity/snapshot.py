"""The index as it is at one moment: what was built, what changed since, and what is gone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from services.matching.similarity.columns import Columns
from services.matching.similarity.filters import Filters, allowed, relatives
from services.matching.similarity.matrices import Floats, Mask
from services.matching.similarity.profile import Profile, Statement, Suggestion
from services.matching.similarity.ranking import Question, Scores, first_of
from services.matching.similarity.reasons import explained
from services.matching.similarity.recipe import Recipe
from services.matching.similarity.segment import Segment
from services.matching.similarity.terms import Terms
from services.matching.similarity.weights import Rarity

SEARCH = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Held:
    """A segment and which of its profiles still hold."""

    segment: Segment
    alive: Mask

    def without(self, gone: Iterable[UUID]) -> "Held":
        places = [self.segment.positions[one] for one in gone if one in self.segment.positions]
        alive = self.alive.copy()
        alive[places] = False
        return Held(self.segment, alive)

    def joined(self, newer: "Held") -> "Held":
        return Held(self.segment.joined(newer.segment), np.concatenate([self.alive, newer.alive]))

    def living(self) -> Iterator[Profile]:
        return (one for one, here in zip(self.segment.profiles, self.alive, strict=True) if here)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Never changes; a change makes another that shares almost everything with it."""

    columns: Columns  # as they are now; the growing ones belong to `source`
    source: Columns
    rarity: Rarity
    weights: Floats
    base: Held
    delta: Held

    @classmethod
    def build(cls, profiles: Iterable[Profile], terms: Terms, recipe: Recipe) -> "Snapshot":
        """Count everything, fit the rarity of terms, weigh."""
        source = Columns(recipe, terms)
        counted = Segment.counted(profiles, source)
        rarity = Rarity.fitted(counted.documents(source), source)
        base = _held(counted.weighed(rarity, recipe))
        return cls._of(source, rarity, base, _held(Segment.counted((), source)))

    @classmethod
    def _of(cls, source: Columns, rarity: Rarity, base: Held, delta: Held) -> "Snapshot":
        columns = source.frozen()
        return cls(columns, source, rarity, rarity.of(columns), base, delta)

    def apply(self, changed: Iterable[Profile], removed: Iterable[UUID]) -> "Snapshot":
        """The rarity of terms stays as fitted, and a term nobody had before counts as the rarest."""
        newer = {one.id: one for one in changed}
        gone = {*newer, *removed}
        with self.source.growing:
            segment = Segment.counted(newer.values(), self.source)
            added = _held(segment.weighed(self.rarity, self.source.recipe))
            delta = self.delta.without(gone).joined(added)
            return self._of(self.source, self.rarity, self.base.without(gone), delta)

    def rebuilt(self) -> "Snapshot":
        return Snapshot.build(self.profiles(), self.source.terms, self.source.recipe)

    def profiles(self) -> Iterator[Profile]:
        yield from self.base.living()
        yield from self.delta.living()

    def find(self, profile_id: UUID) -> Profile | None:
        for held in (self.delta, self.base):
            place = held.segment.positions.get(profile_id)
            if place is not None and held.alive[place]:
                return held.segment.profiles[place]
        return None

    def suggest(self, profile_id: UUID, filters: Filters) -> list[Suggestion]:
        mine = self.find(profile_id)
        if mine is None:
            return []
        near = filters.without | relatives(mine, (held.segment for held in (self.base, self.delta)))
        return self._answer(mine, replace(filters, without=near), mine.id)

    def search(self, text: str, filters: Filters) -> list[Suggestion]:
        """A search is a need in free text, and is compared with what organisations say of themselves too."""
        need = Statement("", "", (text,))
        return self._answer(Profile(SEARCH, "", (text,), needs=(need,)), filters, None)

    def evidence(self, mine: Profile) -> dict[UUID, float]:
        """The evidence for every profile that holds, before filters and reasons."""
        question = Question.of(mine, self.columns, self.weights)
        found: dict[UUID, float] = {}
        for held in (self.base, self.delta):
            scores = Scores(question, held.segment, self.columns.recipe, True)
            for place in np.flatnonzero(held.alive & (scores.evidence > 0)):
                found[held.segment.profiles[place].id] = float(scores.evidence[place])
        return found

    def _answer(self, mine: Profile, filters: Filters, asker: UUID | None) -> list[Suggestion]:
        question = Question.of(mine, self.columns, self.weights)
        found: list[tuple[float, Scores, int]] = []
        for held in (self.base, self.delta):
            scores = Scores(question, held.segment, self.columns.recipe, filters.hidden_needs)
            open_to = held.alive & allowed(held.segment, filters)
            places = first_of(scores.evidence, open_to, filters.limit) if len(open_to) else []
            found.extend((float(scores.evidence[place]), scores, place) for place in places)
        found.sort(key=lambda one: -one[0])
        return [explained(scores, place, asker) for _, scores, place in found[: filters.limit]]


def _held(segment: Segment) -> Held:
    return Held(segment, np.ones(len(segment.profiles), np.bool_))
