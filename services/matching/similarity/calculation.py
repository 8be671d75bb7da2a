"""Every number a score is made of, for who wants to do the sum again.

pair     = fitness x the sum of its words' values
part     = (the sum of pair ^ pair_power, the best pair for each need) ^ (1 / pair_power)
direct   = kinds x the sum of weight x value of the three parts
alike    = kinds x the sum of weight x cosine over the likenesses
evidence = history x (confirmed x direct + alike)
score    = 1 / (1 + (half_score / evidence) ^ score_power)
"""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class WordFit:
    """A word of mine as written (a phrase by its stems), its language, the key of theirs that it hits, the value."""

    yours: str
    language: str
    key: str
    value: float


@dataclass(frozen=True, slots=True)
class PairFit:
    """A need and an offer. `fitness` is how well category, stream and amount go together."""

    need_id: str
    offer_id: str
    need_is_mine: bool
    value: float
    fitness: float
    words: tuple[WordFit, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One of the three parts of a fit."""

    weight: float
    value: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """To one of the examples: the cosine of what both say as a whole, and what it weighs."""

    profile_id: UUID
    liked: bool
    weight: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Calculation:
    """The whole of it; `words` are those of the common ground."""

    kinds: float
    their_offers_my_needs: Part
    my_offers_their_needs: Part
    common_ground: Part
    pair_power: int
    pairs: tuple[PairFit, ...]
    words: tuple[WordFit, ...]
    confirmed: float
    likeness: tuple[Likeness, ...]
    partnerships: int
    history: float
    evidence: float
    half_score: float
    score_power: float
