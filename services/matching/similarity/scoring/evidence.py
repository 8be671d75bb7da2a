"""What speaks for every profile of a segment: its own score, those it resembles, the partnerships known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.matching.similarity.inverted_index.matrices import Floats
from services.matching.similarity.scoring.likeness import Example, likeness
from services.matching.similarity.scoring.scores import Scores


@dataclass(frozen=True)
class Evidence:
    """What a query finds in one segment, for each of its profiles."""

    scores: Scores
    examples: Sequence[Example]
    partnerships: bool  # whether known ones count

    @cached_property
    def likeness(self) -> Floats:
        """How much each profile resembles each example: `(examples, profiles)`."""
        return likeness(self.examples, self.scores.segment)

    @cached_property
    def alike(self) -> Floats:
        """Evidence by resembling the examples: `(profiles,)`."""
        weights = np.array([one.weight for one in self.examples], np.float32)
        summed: Floats = self.scores.kinds * (weights @ self.likeness)
        return summed

    @cached_property
    def history(self) -> Floats:
        """The factor for the partnerships known of each profile, 1 for none: `(profiles,)`."""
        recipe, segment = self.scores.recipe, self.scores.segment
        if not self.partnerships:
            return np.ones(len(segment.profiles), np.float32)
        many = np.minimum(segment.partnerships, recipe.most_partnerships)
        factors: Floats = 1 + np.float32(recipe.partnerships) * np.log1p(many)
        return factors

    @cached_property
    def confirmed(self) -> Floats:
        """The factor of the direct score, more than 1 for an example, which resembles itself: `(profiles,)`."""
        recipe, segment = self.scores.recipe, self.scores.segment
        factors = np.ones(len(segment.profiles), np.float32)
        found = [segment.positions.get(one.profile.id) for one in self.examples if not one.liked]
        factors[[place for place in found if place is not None]] += np.float32(recipe.alike / max(len(found), 1))
        return factors

    @cached_property
    def total(self) -> Floats:
        """All of it: `(profiles,)`."""
        if not self.examples:
            return self.history * self.scores.direct
        return self.history * (self.confirmed * self.scores.direct + self.alike)
