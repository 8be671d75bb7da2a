"""Scores of every profile of a segment for one that asks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.matching.similarity.asking import Asked, ask
from services.matching.similarity.columns import Columns
from services.matching.similarity.matrices import (
    Floats,
    Mask,
    narrowed,
    product,
    product_turned,
    taken,
)
from services.matching.similarity.profile import Profile
from services.matching.similarity.recipe import LANGUAGES, Recipe, kind_fit
from services.matching.similarity.segment import Field, Segment
from services.matching.similarity.units import about, needs_of, offers_of


@dataclass(frozen=True)
class Question:
    """A profile that asks, ready to be compared with any segment."""

    profile: Profile
    offers: Asked
    needs: Asked
    about: Asked
    columns: Columns

    @classmethod
    def of(cls, profile: Profile, columns: Columns, rarity: Floats) -> "Question":
        terms, recipe = columns.terms, columns.recipe
        return cls(
            profile,
            ask(offers_of(profile, terms, recipe), columns, rarity, 1.0),
            ask(needs_of(profile, terms, recipe), columns, rarity, 1.0),
            ask([about(profile, terms, recipe)], columns, rarity, recipe.text_ground),
            columns,
        )


def row_scores(asked: Asked, field: Field) -> Floats:
    """Asking units by rows of a field."""
    known = narrowed(asked.rows, field.by_column.shape[0])
    scores: Floats = product(known, field.by_column).toarray()
    for at, code in enumerate(LANGUAGES):
        plain = field.bilingual & (field.bags.language == at)
        if plain.any():
            scores[np.ix_(asked.translated_to(code), plain)] /= field.columns.recipe.cross_factor
    return scores


def score_of_row(asked: Asked, mine: int, field: Field, row: int) -> float:
    """The same for one asking unit and one row."""
    here = narrowed(taken(asked.rows, [mine]), field.rows.shape[1])
    score = float(product_turned(here, taken(field.rows, [row])).sum())
    code = field.bags.language[row]
    crossed = code >= 0 and bool(asked.translated_to(LANGUAGES[code])[mine])
    return score / field.columns.recipe.cross_factor if crossed and field.bilingual[row] else score


def unit_scores(asked: Asked, field: Field, recipe: Recipe) -> Floats:
    """Asking units by units of a field: the best of its languages, 0 to 1."""
    if not len(asked.units) or not len(field.units):
        return np.zeros((len(asked.units), len(field.units)), np.float32)
    best = np.maximum.reduceat(row_scores(asked, field), field.starts, axis=1)
    fit: Floats = np.minimum(best * compatible(asked, field, recipe), 1)
    return fit


def compatible(asked: Asked, field: Field, recipe: Recipe) -> Floats:
    """What an offer and a need are worth to each other by category and stream alone."""
    factor = np.ones((len(asked.units), len(field.units)), np.float32)
    for row, unit in enumerate(asked.units):
        one = unit.statement
        if one is None:
            continue
        if one.category:
            factor[row, field.categories != one.category] *= recipe.other_category
        if one.stream:
            factor[row, (field.streams != "") & (field.streams != one.stream)] *= recipe.other_stream
    return factor


@dataclass(frozen=True)
class Scores:
    """Everything the score of each profile of a segment is made of."""

    question: Question
    segment: Segment
    recipe: Recipe
    hidden_needs: bool  # whether needs told to members only may count

    @cached_property
    def offers_for_needs(self) -> Floats:
        """My needs by their offers."""
        return unit_scores(self.question.needs, self.segment.offers, self.recipe)

    @cached_property
    def needs_for_offers(self) -> Floats:
        """My offers by their needs."""
        scores = unit_scores(self.question.offers, self.segment.needs, self.recipe)
        return scores if self.hidden_needs else scores * self.segment.needs.public

    @cached_property
    def ground_rows(self) -> Floats:
        return unit_scores(self.question.about, self.segment.about, self.recipe)

    @cached_property
    def their_offers(self) -> Floats:
        """How well their offers meet my needs, 0 to 1: the best offer for each need, the strongest needs first."""
        count = len(self.segment.profiles)
        best = self.segment.offers.per_owner(self.offers_for_needs, count, np.maximum)
        joined: Floats = np.minimum(power_sum(best, self.recipe.pair_power, axis=0), 1)
        return joined

    @cached_property
    def my_offers(self) -> Floats:
        best = self.needs_for_offers.max(axis=0, initial=0) ** self.recipe.pair_power
        summed = self.segment.needs.per_owner(best, len(self.segment.profiles), np.add)
        joined: Floats = np.minimum(summed ** (1 / self.recipe.pair_power), 1)
        return joined

    @cached_property
    def ground(self) -> Floats:
        best: Floats = self.ground_rows.max(axis=0, initial=0)
        return best

    @cached_property
    def kinds(self) -> Floats:
        known, position = np.unique(self.segment.kinds, return_inverse=True)
        mine = self.question.profile.kind
        fit: Floats = np.array([kind_fit(mine, str(kind)) for kind in known], np.float32)[position]
        return fit

    @cached_property
    def evidence(self) -> Floats:
        """The weighted sum of the three, times how the kinds complement each other."""
        recipe = self.recipe
        summed: Floats = self.kinds * (
            recipe.their_offers_my_needs * self.their_offers
            + recipe.my_offers_their_needs * self.my_offers
            + recipe.common_ground * self.ground
        )
        return summed


def power_sum(values: Floats, power: float, axis: int) -> Floats:
    """The p-norm: many small values count for little beside one large."""
    result: Floats = ((values**power).sum(axis=axis) ** (1 / power)).astype(np.float32)
    return result


def score_of(evidence: float, recipe: Recipe) -> float:
    """Evidence to a score from 0 to 1 that grows with it: one half at `half_score`."""
    return evidence / (evidence + recipe.half_score) if evidence > 0 else 0.0


def first_of(values: Floats, allowed: Mask, limit: int) -> list[int]:
    """Positions of the highest positive values, the highest first; equals in the order they stand."""
    places = np.flatnonzero(allowed & (values > 0))
    if len(places) > limit:
        edge = np.partition(values[places], -limit)[-limit]
        places = places[values[places] >= edge]
    order = places[np.argsort(-values[places], kind="stable")]
    return [int(place) for place in order[:limit]]
