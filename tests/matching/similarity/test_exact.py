"""The index finds what an exact computation over every word of every text finds, whatever changed before."""

from collections.abc import Iterable
from math import log
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.similarity import Amount, Index, Profile, Statement
from services.matching.similarity.inverted_index.columns import MARK
from services.matching.similarity.inverted_index.field import word_key
from services.matching.similarity.inverted_index.idf import Idf
from services.matching.similarity.profile import Wanted
from services.matching.similarity.reasons.reasons import covered
from services.matching.similarity.recipe import LANGUAGES, kind_fit
from services.matching.similarity.scoring.query import Clause
from services.matching.similarity.scoring.scores import score_of
from services.matching.similarity.snapshot import SEARCH, Snapshot
from services.matching.similarity.text.units import Unit, units_of

DANISH = ("fermentering", "fermenteringstank", "gær", "spildevand", "procesdamp", "damp", "pilotanlæg", "vi", "og")
ENGLISH = ("fermentation", "fermenter", "yeast", "wastewater", "steam", "pilot", "plant", "we", "circular", "economy")
texts = st.lists(st.sampled_from(DANISH + ENGLISH), max_size=6).map(" ".join)
statements = st.builds(
    Statement,
    id=st.sampled_from("abc"),
    category=st.sampled_from(("knowledge", "facility")),
    texts=st.tuples(texts),
    stream=st.sampled_from((None, "steam", "water")),
    direction=st.sampled_from((None, "out", "in")),
    amount=st.sampled_from((None, Amount("mass a year", 4.0), Amount("mass a year", 5.0), Amount("energy once", 1.0))),
)
profiles = st.builds(
    Profile,
    id=st.integers(1, 9).map(lambda number: UUID(int=number)),
    kind=st.sampled_from(("startup", "producer", "research")),
    texts=st.lists(texts, max_size=2).map(tuple),
    offers=st.lists(statements, max_size=2).map(tuple),
    needs=st.lists(statements, max_size=2).map(tuple),
    sectors=st.frozensets(st.sampled_from(("biotech", "pharma")), max_size=2),
    published=st.booleans(),
    partnerships=st.integers(0, 30),
)


def resemblance(one: str, other: str, idf: Idf) -> float:
    """The cosine of two words' grams."""
    if one[:2] != other[:2] or one.startswith(MARK):
        return 0.0
    mine, theirs = set(idf.grams_of(one)), set(idf.grams_of(other))
    if mine.isdisjoint(theirs):
        return 0.0
    squares = [sum(float(idf.grams[bucket]) ** 2 for bucket in some) for some in (mine & theirs, mine, theirs)]
    cosine = squares[0] / (squares[1] * squares[2]) ** 0.5 if squares[0] else 0.0
    return cosine if cosine >= idf.recipe.related_least else 0.0


def weights_of(unit: Unit, pivots: Iterable[float], idf: Idf) -> dict[str, float]:
    """What a text is worth at each of its words."""
    recipe, found = idf.recipe, {MARK + name: weight for name, weight in unit.marks.items()}
    for (code, words), mean in zip(((one, unit.words.get(one, [])) for one in LANGUAGES), pivots, strict=True):
        keys = [word_key(word, code) for word in words]
        raw = {key: (1 + log(keys.count(key))) * idf.of(key) for key in keys}
        length = sum(value**2 for value in raw.values()) ** 0.5
        scale = ((1 - recipe.slope) * mean + recipe.slope * length) * len(unit.words) ** recipe.two_languages
        found |= {key: value / scale for key, value in raw.items()}
    return found


def fits(clause: Clause, units: Iterable[Unit], field: str, now: Snapshot) -> np.ndarray:
    """Every word with every word: `(asked, units)`."""
    idf, recipe = now.fitted.idf, now.recipe
    table = []
    for theirs in units:
        weights, column = weights_of(theirs, now.fitted.pivots[field], idf), [0.0] * len(clause.units)
        for term, key, exactly, nearly in zip(clause.term_of, clause.keys, clause.exactly, clause.nearly, strict=True):
            found = exactly * weights.get(key, 0.0)
            found += nearly * sum(resemblance(key, other, idf) * value for other, value in weights.items())
            column[clause.terms[term].unit] += found
        for at, mine in enumerate(clause.units):
            if mine.statement and theirs.statement:
                column[at] *= 1 if mine.statement.category in ("", theirs.statement.category) else recipe.other_category
                streams = (mine.statement.stream, theirs.statement.stream)
                column[at] *= recipe.other_stream if all(streams) and streams[0] != streams[1] else 1
                need, offer = (mine, theirs) if field == "offers" else (theirs, mine)
                covers = covered(need.statement, offer.statement) if need.statement and offer.statement else None
                column[at] *= 1 if covers is None else recipe.too_little + (1 - recipe.too_little) * covers
        table.append(column)
    return np.array(table).reshape(len(table), len(clause.units)).T


def direct(mine: Profile, other: Profile, now: Snapshot) -> float:
    recipe, terms = now.recipe, now.reader.terms
    query, units = now.reader.query(mine), units_of(other, terms, recipe)
    theirs = fits(query.needs, units.offers, "offers", now)
    needs = fits(query.offers, units.needs, "needs", now)
    parts = [
        (recipe.their_offers_my_needs, (theirs.max(axis=1, initial=0) ** 3).sum() ** (1 / 3), len(theirs)),
        (recipe.my_offers_their_needs, (needs.max(axis=0, initial=0) ** 3).sum() ** (1 / 3), len(needs)),
        (recipe.common_ground, fits(query.about, (units.about,), "about", now)[0, 0], 1),
    ]
    evidence = sum(weight * fit for weight, fit, has in parts if has) / sum(weight for weight, _, has in parts if has)
    return float(evidence * kind_fit(mine.kind, other.kind))


def cosine(one: Profile, other: Profile, now: Snapshot) -> float:
    """Of what two say as a whole, word by word."""
    terms, pivots, idf = now.reader.terms, now.fitted.pivots["about"], now.fitted.idf
    mine, theirs = (weights_of(units_of(each, terms, now.recipe).about, pivots, idf) for each in (one, other))
    lengths = [sum(value**2 for value in weights.values()) ** 0.5 or 1.0 for weights in (mine, theirs)]
    return sum(value * theirs.get(key, 0.0) for key, value in mine.items()) / (lengths[0] * lengths[1])


def expected(mine: Profile, living: dict[UUID, Profile], index: Index, liked: frozenset[UUID]) -> dict[UUID, float]:
    """The scores of everybody for one that asks, from the examples that the index itself has found."""
    now, recipe = index._now, index._now.recipe
    others = {one.id: one for one in living.values() if one.published and one.id != mine.id}
    evidence = {key: direct(mine, one, now) for key, one in others.items()}
    found = now.examples(mine, Wanted(without=frozenset((mine.id,)), liked=liked))
    best = [one.profile.id for one in found if not one.liked]
    assert_the_best(best, {key: value for key, value in evidence.items() if key not in liked}, recipe.examples)
    mean = sum(evidence[key] for key in best) / max(len(best), 1)
    said_yes = [key for key in liked if key in others]
    weights = {key: recipe.alike * evidence[key] / len(best) for key in best}
    weights |= {key: recipe.liked * mean / len(said_yes) for key in said_yes}
    scores = {}
    for key, one in others.items():
        alike = sum(weight * cosine(others[like], one, now) for like, weight in weights.items() if like != key)
        confirmed = 1 + recipe.alike / len(best) if key in best else 1
        history = 1 + recipe.partnerships * log(1 + min(one.partnerships, recipe.most_partnerships))
        whole = history * (confirmed * evidence[key] + kind_fit(mine.kind, one.kind) * alike)
        scores[key] = score_of(whole, recipe)
    return {key: score for key, score in scores.items() if score > 0}


def assert_the_best(chosen: list[UUID], evidence: dict[UUID, float], most: int) -> None:
    """Equals may stand in any order."""
    positive = sorted((value for value in evidence.values() if value > 0), reverse=True)[:most]
    assert sorted((evidence[key] for key in chosen), reverse=True) == pytest.approx(positive, rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(profiles, max_size=6),
    st.lists(st.lists(profiles, max_size=2), max_size=3),
    st.frozensets(st.integers(1, 9).map(lambda number: UUID(int=number)), max_size=2),
    texts,
)
def test_scores_are_those_of_an_exact_computation(
    first: list[Profile], changes: list[list[Profile]], liked: frozenset[UUID], sought: str
) -> None:
    index, living = Index.build(first), {one.id: one for one in first}
    for changed in changes:
        gone = next(iter(living), UUID(int=99))
        index = index.apply(changed, [gone])
        living.pop(gone, None)
        living |= {one.id: one for one in changed}
    for mine in living.values():
        found = {one.profile_id: one.score for one in index.suggest(mine.id, Wanted(liked=liked))}
        assert found == pytest.approx(expected(mine, living, index, liked - {mine.id}), rel=1e-4)
    searching = Profile(SEARCH, "", (sought,), needs=(Statement("", "", (sought,)),))
    found = {one.profile_id: one.score for one in index.search(sought)}
    assert found == pytest.approx(expected(searching, living, index, frozenset()), rel=1e-4)
