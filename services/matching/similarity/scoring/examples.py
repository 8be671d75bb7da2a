"""Which partners speak for those like them."""

from collections.abc import Set
from uuid import UUID

import numpy as np

from services.matching.similarity.inverted_index.matrices import Mask
from services.matching.similarity.scoring.filters import among
from services.matching.similarity.scoring.likeness import Example
from services.matching.similarity.scoring.scores import Scores, first_of

Known = tuple[Scores, Mask]  # of a segment, and whom the one that asks may hear of, `(profiles,)`


def examples_among(known: list[Known], liked: Set[UUID]) -> list[Example]:
    """Those answered with yes, and the best of the others; nobody whom the one that asks may not hear of."""
    recipe = known[0][0].recipe if known else None
    if recipe is None:
        return []
    best = _best([(scores, mask & ~among(scores.segment, liked)) for scores, mask in known], recipe.examples)
    found = [
        Example.of(scores.segment, place, recipe.alike * evidence / len(best), liked=False)
        for evidence, scores, place in best
    ]
    mean = float(np.mean([evidence for evidence, _, _ in best])) if best else 0.0
    said_yes = [
        (scores.segment, place)
        for scores, mask in known
        for place in np.flatnonzero(mask & among(scores.segment, liked))
    ]
    weight = recipe.liked * mean / max(len(said_yes), 1)
    return found + [Example.of(segment, int(place), weight, liked=True) for segment, place in said_yes]


def _best(known: list[Known], many: int) -> list[tuple[float, Scores, int]]:
    found = [
        (float(scores.direct[place]), scores, place)
        for scores, mask in known
        for place in first_of(scores.direct, mask, many)
    ]
    found.sort(key=lambda one: -one[0])
    return found[:many]
