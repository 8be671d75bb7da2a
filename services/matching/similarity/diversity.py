"""A list is not filled by those who say the same: of near-copies and of the units of one house the best comes first."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.matching.similarity.inverted_index.segment import Segment
from services.matching.similarity.reasons.reasons import Explainer
from services.matching.similarity.recipe import Recipe
from services.matching.similarity.scoring.likeness import mutual

LEAST_LOOKED_AT = 60


def looked_at(limit: int) -> int:
    """How many of the best are compared with each other to fill so many places."""
    return max(3 * limit, LEAST_LOOKED_AT)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A profile among the best found, and what speaks for it."""

    evidence: float
    explainer: Explainer
    place: int

    @property
    def segment(self) -> Segment:
        return self.explainer.scores.segment


def diverse(found: Sequence[Candidate], limit: int, recipe: Recipe) -> list[Candidate]:
    """The best of every house and of all that say the same; only where places are left, the others, too."""
    if len(found) < 2:
        return list(found)
    same = mutual([(one.segment, one.place) for one in found]) >= recipe.near_copy
    houses = [one.segment.profiles.house_of(one.place) for one in found]
    chosen: list[int] = []
    for at in range(len(found)):
        if len(chosen) == limit:
            break
        if not same[at, chosen].any() and not any(houses[at] == houses[other] for other in chosen):
            chosen.append(at)
    left = sorted(set(range(len(found))) - set(chosen))
    return [found[at] for at in sorted(chosen + left[: limit - len(chosen)])]
