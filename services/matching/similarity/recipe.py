"""The settings of the engine, in one place: the service and the benchmark use the same ones."""

from dataclasses import dataclass

LANGUAGES = ("da", "en")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Weights of the score. Chosen on development data; ratios matter, not absolute values."""

    idf_power: float = 1.0
    slope: float = 0.5  # how far a text longer than usual is scaled down: 0 not at all, 1 to the usual length

    two_languages: float = 0.6  # power of the number of languages that scales down what is said in several

    gram_length: int = 4
    gram_buckets: int = 1 << 18
    related_least: float = 0.23  # words that share fewer of their grams are strangers
    related: float = 1.0  # what sharing all grams weighs beside being the same word
    related_to_translation: float = 0.5  # the same, for words that resemble a translation
    translated: float = 1.4  # a translated text shares fewer words; this makes the languages comparable

    their_offers_my_needs: float = 0.40
    my_offers_their_needs: float = 0.30
    common_ground: float = 0.30
    pair_power: int = 3  # how far the best pair outweighs many small ones
    other_category: float = 0.8  # an offer of another category than the need
    same_stream: float = 0.5  # steam offered where steam is needed, before a word is compared
    other_stream: float = 0.3  # gypsum offered where steam is needed
    too_little: float = 0.6  # as good as nothing of the amount that is needed

    text_ground: float = 0.75
    sector_ground: float = 0.15
    focus_ground: float = 0.10

    examples: int = 2  # the best partners, who speak for those like them
    alike: float = 1.0  # what one says exactly as the examples do gains, of their mean evidence
    liked: float = 1.2  # the same, for those who were answered with yes, of the examples' mean evidence

    partnerships: float = 0.3  # by how much each natural logarithm of known partnerships raises the evidence
    most_partnerships: int = 20  # more count no further

    near_copy: float = 0.85  # two profiles of this likeness say the same

    # A score is the share of known partnerships that rest on less evidence; fitted to those set apart for development.
    half_score: float = 0.060
    score_power: float = 2.13

    ties_shown: int = 6
    tie_least: float = 0.04  # of its reason
    delta_share: float = 0.05  # how much of the index may be changes before it is worth building anew
    delta_least: int = 200


KIND_FIT = {
    frozenset({"startup", "research"}): 1.0,
    frozenset({"startup", "producer"}): 1.0,
    frozenset({"research", "producer"}): 1.0,
    frozenset({"startup", "investor"}): 0.95,
    frozenset({"supplier", "producer"}): 0.95,
    frozenset({"public", "startup"}): 0.95,
    frozenset({"public", "research"}): 0.95,
}
SAME_KIND, OTHER_KIND = 0.8, 0.9


def kind_fit(mine: str, theirs: str) -> float:
    """How well two kinds complement each other, 0 to 1; a search comes from no kind and fits all."""
    if not mine or not theirs:
        return 1.0
    if mine == theirs:
        return SAME_KIND
    return KIND_FIT.get(frozenset({mine, theirs}), OTHER_KIND)
