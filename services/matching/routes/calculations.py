"""The whole calculation of a score over HTTP, for experts."""

from uuid import UUID

from pydantic import BaseModel


class WordFitView(BaseModel):
    """A word of yours (a phrase by its stems) in its language, and the stem of theirs that it meets, with that one's
    language before it, or a mark such as a sector."""

    yours: str
    language: str
    key: str
    value: float


class PairFitView(BaseModel):
    """A need and an offer: `fitness` (of category, stream and amount) times the sum of its words."""

    need_id: str
    offer_id: str
    need_is_mine: bool
    value: float
    fitness: float
    words: list[WordFitView]


class PartView(BaseModel):
    weight: float
    value: float


class LikenessView(BaseModel):
    """To a partner that fits or was answered with yes: the cosine of both texts."""

    profile_id: UUID
    liked: bool
    weight: float
    cosine: float


class CalculationView(BaseModel):
    """`pair` = `fitness` × the sum of its words. A part of need and offer = (sum of the best pair of each need to the
    power `pair_power`) to the power 1 / `pair_power`; the common ground is the sum of `words`.
    `direct` = `kinds` × the sum of `weight` × `value` of the three parts; `alike` = `kinds` × the sum of `weight` ×
    `cosine`; `evidence` = `history` × (`confirmed` × direct + alike);
    score = 1 / (1 + (`half_score` / `evidence`) to the power `score_power`)."""

    kinds: float
    their_offers_my_needs: PartView
    my_offers_their_needs: PartView
    common_ground: PartView
    pair_power: int
    pairs: list[PairFitView]
    words: list[WordFitView]
    confirmed: float
    likeness: list[LikenessView]
    partnerships: int
    history: float
    evidence: float
    half_score: float
    score_power: float
