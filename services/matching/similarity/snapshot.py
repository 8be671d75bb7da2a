"""The index as it is at one moment: what was built, what changed since, and what is gone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from services.matching.similarity.diversity import Candidate, diverse, looked_at
from services.matching.similarity.inverted_index.matrices import Mask
from services.matching.similarity.inverted_index.segment import Fitted, Segment
from services.matching.similarity.profile import Profile, Statement, Suggestion, Wanted
from services.matching.similarity.reasons.reasons import Explainer
from services.matching.similarity.recipe import Recipe
from services.matching.similarity.scoring.evidence import Evidence
from services.matching.similarity.scoring.examples import examples_among
from services.matching.similarity.scoring.filters import allowed, known, relatives
from services.matching.similarity.scoring.likeness import Example
from services.matching.similarity.scoring.query import QueryReader
from services.matching.similarity.scoring.scores import Scores, first_of
from services.matching.similarity.text.terms import Terms

SEARCH = UUID(int=0)


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A segment and which of its profiles still live: not replaced, not removed."""

    segment: Segment
    alive: Mask  # `(profiles,)`

    @classmethod
    def all_of(cls, segment: Segment) -> "LiveSegment":
        return cls(segment, np.ones(len(segment.profiles), np.bool_))

    def without(self, gone: Iterable[UUID]) -> "LiveSegment":
        places = [self.segment.positions[one] for one in gone if one in self.segment.positions]
        if not places:
            return self
        alive = self.alive.copy()
        alive[places] = False
        return LiveSegment(self.segment, alive)

    def joined(self, newer: "LiveSegment") -> "LiveSegment":
        if not len(newer.alive):
            return self
        return LiveSegment(self.segment.joined(newer.segment), np.concatenate([self.alive, newer.alive]))

    def living(self) -> Iterator[Profile]:
        return (one for one, here in zip(self.segment.profiles, self.alive, strict=True) if here)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Never changes; a change makes another that shares almost everything with it."""

    reader: QueryReader
    fitted: Fitted
    base: LiveSegment
    delta: LiveSegment

    @classmethod
    def build(cls, profiles: Iterable[Profile], terms: Terms, recipe: Recipe) -> "Snapshot":
        """Count everything, and fit on it what words weigh and which of them resemble each other."""
        latest = {one.id: one for one in profiles}
        segment, fitted = Segment.fitted(latest.values(), terms, recipe)
        none = LiveSegment.all_of(Segment.of((), terms, fitted))
        return cls(QueryReader(terms, fitted.idf), fitted, LiveSegment.all_of(segment), none)

    @property
    def recipe(self) -> Recipe:
        return self.fitted.idf.recipe

    @property
    def parts(self) -> tuple[LiveSegment, ...]:
        return tuple(held for held in (self.base, self.delta) if len(held.alive))

    def apply(self, changed: Iterable[Profile], removed: Iterable[UUID]) -> "Snapshot":
        """What was fitted stays as it is; a word nobody had before counts as the rarest."""
        newer = {one.id: one for one in changed}
        gone = {*newer, *removed}
        added = LiveSegment.all_of(Segment.of(newer.values(), self.reader.terms, self.fitted))
        return replace(self, base=self.base.without(gone), delta=self.delta.without(gone).joined(added))

    def rebuilt(self) -> "Snapshot":
        return Snapshot.build(self.profiles(), self.reader.terms, self.recipe)

    def profiles(self) -> Iterator[Profile]:
        yield from self.base.living()
        yield from self.delta.living()

    def packed(self) -> Iterator[bytes]:
        """The same profiles, each as a line."""
        for held in self.parts:
            yield from map(held.segment.profiles.packed_at, np.flatnonzero(held.alive).tolist())

    def find(self, profile_id: UUID) -> Profile | None:
        for held in (self.delta, self.base):
            place = held.segment.positions.get(profile_id)
            if place is not None and held.alive[place]:
                return held.segment.profiles[place]
        return None

    def suggest(self, profile_id: UUID, wanted: Wanted) -> list[Suggestion]:
        mine = self.find(profile_id)
        if mine is None:
            return []
        near = wanted.without | relatives(mine, (held.segment for held in self.parts))
        return self._answer(mine, replace(wanted, without=near), mine.id)

    def search(self, text: str, wanted: Wanted) -> list[Suggestion]:
        """A search is a need in free text, and is compared with what organisations say of themselves too."""
        need = Statement("", "", (text,))
        return self._answer(Profile(SEARCH, "", (text,), needs=(need,)), wanted, None)

    def evidence(self, mine: Profile, *, partnerships: bool) -> dict[UUID, float]:
        """The evidence for every profile that holds but its own, before filters and reasons."""
        found: dict[UUID, float] = {}
        wanted = Wanted(without=frozenset((mine.id,)), partnerships=partnerships)
        for held, one in self._evidence_by_segment(mine, wanted):
            for place in np.flatnonzero(held.alive & (one.total > 0)):
                found[held.segment.profiles.id_of(int(place))] = float(one.total[place])
        return found

    def examples(self, mine: Profile, wanted: Wanted) -> list[Example]:
        """Who speaks for those like them when this profile asks."""
        return self._examples(self._scores_by_segment(mine, wanted), wanted)

    def _answer(self, mine: Profile, wanted: Wanted, asker: UUID | None) -> list[Suggestion]:
        found: list[Candidate] = []
        for held, one in self._evidence_by_segment(mine, wanted):
            open_to = held.alive & allowed(held.segment, wanted)
            explainer = Explainer(one, asker)
            places = first_of(one.total, open_to, looked_at(wanted.limit) if wanted.diverse else wanted.limit)
            found += [Candidate(float(one.total[place]), explainer, place) for place in places]
        found.sort(key=lambda one: -one.evidence)
        chosen = diverse(found, wanted.limit, self.recipe) if wanted.diverse else found[: wanted.limit]
        return [one.explainer.explained(one.place, full=wanted.full) for one in chosen]

    def _evidence_by_segment(self, mine: Profile, wanted: Wanted) -> list[tuple[LiveSegment, Evidence]]:
        scored = self._scores_by_segment(mine, wanted)
        examples = self._examples(scored, wanted)
        return [(held, Evidence(one, examples, wanted.partnerships)) for held, one in scored]

    def _scores_by_segment(self, mine: Profile, wanted: Wanted) -> list[tuple[LiveSegment, Scores]]:
        query = self.reader.query(mine if wanted.own_parts else mine.seen_by_all())
        return [(held, Scores(query, held.segment, self.recipe, wanted.members_parts)) for held in self.parts]

    def _examples(self, scored: Sequence[tuple[LiveSegment, Scores]], wanted: Wanted) -> list[Example]:
        return examples_among([(one, held.alive & known(held.segment, wanted)) for held, one in scored], wanted.liked)
