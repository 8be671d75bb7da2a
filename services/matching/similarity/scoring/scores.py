"""Scores of every profile of a segment for one that asks."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.matching.similarity.inverted_index.field import Field
from services.matching.similarity.inverted_index.matrices import Floats, Ints, Mask, times
from services.matching.similarity.inverted_index.segment import Segment
from services.matching.similarity.profile import Statement
from services.matching.similarity.recipe import Recipe, kind_fit
from services.matching.similarity.scoring.query import Clause, Expansion, Query


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the three parts. One who asks and states no need or no offer is measured by what it has."""

    their_offers: float
    my_offers: float
    ground: float

    @classmethod
    def of(cls, query: Query, recipe: Recipe) -> "Weights":
        theirs = recipe.their_offers_my_needs if query.needs.units else 0.0
        mine = recipe.my_offers_their_needs if query.offers.units else 0.0
        whole = theirs + mine + recipe.common_ground
        return cls(theirs / whole, mine / whole, recipe.common_ground / whole)


@dataclass(frozen=True)
class Scores:
    """Everything the score of each profile of a segment is made of."""

    query: Query
    segment: Segment
    recipe: Recipe
    members_parts: bool  # whether what is told to members only may count

    @cached_property
    def weights(self) -> Weights:
        return Weights.of(self.query, self.recipe)

    @cached_property
    def offers_for_needs(self) -> Floats:
        """My needs by their offers: `(asked, units)`."""
        return self._seen(self._unit_scores(self.query.needs, "offers"), "offers")

    @cached_property
    def needs_for_offers(self) -> Floats:
        """My offers by their needs: `(asked, units)`."""
        return self._seen(self._unit_scores(self.query.offers, "needs"), "needs")

    @cached_property
    def ground(self) -> Floats:
        """How much both say the same as a whole: `(profiles,)`, for each has one unit about it."""
        only: Floats = self._unit_scores(self.query.about, "about")[0]
        return only

    @cached_property
    def their_offers(self) -> Floats:
        """How well their offers meet my needs: the p-norm of the best offer for each need, `(profiles,)`."""
        field, count = self.segment.fields["offers"], len(self.segment.profiles)
        best = [raised(field.per_owner(one, count, np.maximum), self.recipe) for one in self.offers_for_needs]
        return rooted(sum(best, np.zeros(count, np.float32)), self.recipe)

    @cached_property
    def my_offers(self) -> Floats:
        """How well my offers meet their needs: the p-norm of my best offer for each need, `(profiles,)`."""
        best = raised(self.needs_for_offers.max(axis=0, initial=0), self.recipe)
        return rooted(self.segment.fields["needs"].per_owner(best, len(self.segment.profiles), np.add), self.recipe)

    @cached_property
    def kinds(self) -> Floats:
        """How the kinds complement each other: `(profiles,)`."""
        known, position = self.segment.kinds_known
        mine = self.query.profile.kind
        fit: Floats = np.array([kind_fit(mine, kind) for kind in known], np.float32)[position]
        return fit

    @cached_property
    def direct(self) -> Floats:
        """The weighted sum of the three, times how the kinds complement each other: `(profiles,)`."""
        summed = self.weights.ground * self.ground
        if self.weights.their_offers:
            summed += self.weights.their_offers * self.their_offers
        if self.weights.my_offers:
            summed += self.weights.my_offers * self.my_offers
        return self.kinds * summed

    @cached_property
    def expansions(self) -> Mapping[str, Expansion]:
        """By field: the clause that asks it, over the columns of the segment."""
        return self.query.expanded(self.segment.columns)

    def _seen(self, scores: Floats, name: str) -> Floats:
        """0 for what the one that asks may not see: `(asked, units)`, given and taken."""
        return scores if self.members_parts else scores * self.segment.fields[name].facts.public

    def _unit_scores(self, clause: Clause, name: str) -> Floats:
        """The inner products of a clause with a field, times fitness: `(asked, units)`."""
        field, many = self.segment.fields[name], len(clause.units)
        if not many or not len(field.owners):
            return np.zeros((many, len(field.owners)), np.float32)
        scores = times(*self.expansions[name].by_unit(many), field.by_column)
        for row, unit in enumerate(clause.units):
            if unit.statement is not None:
                scores[row] *= self._fitness(unit.statement, field, needs=name == "offers")
        return scores

    def _fitness(self, one: Statement, field: Field, *, needs: bool) -> Floats:
        """How well what is no text of a statement goes with theirs, `(units,)`; `needs` when it is a need that asks."""
        fit = np.ones(len(field.owners), np.float32)
        if one.category:
            fit *= _factors(field.categories, {one.category}, self.recipe.other_category)
        if one.stream:
            fit *= _factors(field.streams, {one.stream, ""}, self.recipe.other_stream)
        if one.stream and one.amount is not None:
            there = np.flatnonzero((field.facts.measures == one.amount.measure) & (field.facts.streams == one.stream))
            fit[there] *= enough(one.amount.value, field.facts.amounts[there], needs=needs, recipe=self.recipe)
        return fit


def enough(mine: float, theirs: Floats, *, needs: bool, recipe: Recipe) -> Floats:
    """1 where what is offered covers what is needed, less where it covers a part of it; `theirs` is `(units,)`."""
    offered, needed = (theirs, np.float32(mine)) if needs else (np.float32(mine), theirs)
    part: Floats = np.minimum(offered / np.maximum(needed, np.float32(1e-12)), 1).astype(np.float32)
    return np.float32(recipe.too_little) + np.float32(1 - recipe.too_little) * part


def _factors(numbered: tuple[dict[str, int], Ints], same: Set[str], other: float) -> Floats:
    """1 where a unit has one of these names: `(units,)`, as is what `numbered` gave."""
    known, numbers = numbered
    factors: Floats = np.array([1 if name in same else other for name in known], np.float32)[numbers]
    return factors


def raised(values: Floats, recipe: Recipe) -> Floats:
    """To the power `pair_power`, any shape: many small values count for little beside one large."""
    result = values
    for _ in range(recipe.pair_power - 1):
        result = result * values
    return result


def rooted(values: Floats, recipe: Recipe) -> Floats:
    """The root that ends a p-norm: `(profiles,)`."""
    result = np.zeros_like(values)
    places = np.flatnonzero(values)
    result[places] = values[places] ** (1 / recipe.pair_power)
    return result


def score_of(evidence: float, recipe: Recipe) -> float:
    """Evidence to a score from 0 to 1 that grows with it and means the same for everybody: see the recipe."""
    if evidence <= 0:
        return 0.0
    against: float = (recipe.half_score / evidence) ** recipe.score_power
    return 1 / (1 + against)


def first_of(values: Floats, allowed: Mask, limit: int) -> list[int]:
    """Positions of the highest positive of `(profiles,)`, the highest first; equals in the order they stand."""
    places = np.flatnonzero(allowed & (values > 0))
    if len(places) > limit:
        edge = np.partition(values[places], -limit)[-limit]
        places = places[values[places] >= edge]
    order = places[np.argsort(-values[places], kind="stable")]
    return [int(place) for place in order[:limit]]
