"""A list is not filled by those who say the same: of near-copies and of the units of one house the best comes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.matching.similarity.likeness import mutual
from services.matching.similarity.reasons import Explainer
from services.matching.similarity.recipe import Recipe

LEAST_LOOKED_AT = 60


def looked_at(limit: int) -> int:
    """How many of the best are compared with each other to fill so many places."""
    return max(3 * limit, LEAST_LOOKED_AT)


@dataclass(frozen=True, slots=True)
class Found:
    """A profile among those found, and what speaks for it."""

    evidence: float
    explainer: Explainer
    place: int

    @property
    def house(self) -> UUID:
        return self.explainer.scores.segment.profiles.house_of(self.place)


def diverse(found: Sequence[Found], limit: int, recipe: Recipe) -> list[Found]:
    """The best of every house and of all that say the same; only where places are left, the others, too."""
    if len(found) < 2:
        return list(found)
    alike = mutual([(one.explainer.scores.segment, one.place) for one in found]) >= recipe.near_copy
    chosen: list[int] = []
    for at, one in enumerate(found):
        if len(chosen) == limit:
            break
        if not any(alike[at, other] or one.house == found[other].house for other in chosen):
            chosen.append(at)
    left = [at for at in range(len(found)) if at not in set(chosen)]
    return [found[at] for at in sorted(chosen + left[: limit - len(chosen)])]
