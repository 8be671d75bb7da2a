"""Term weights: 1 + log of the count, times the rarity of the term in its own language, each part of length one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

from services.matching.similarity.columns import Columns, Part
from services.matching.similarity.matrices import Codes, Floats, Matrix, row_numbers, with_values
from services.matching.similarity.recipe import LANGUAGES, Recipe


@dataclass(frozen=True, slots=True)
class Rarity:
    """Inverse document frequencies, fitted once and kept until the next rebuild. A term not seen then is the rarest."""

    known: Floats
    rarest: tuple[float, ...]  # by language

    @classmethod
    def fitted(cls, documents: Mapping[str, Matrix], columns: Columns) -> "Rarity":
        """Fit on one document per profile and language."""
        known = np.ones(len(columns), np.float32)
        rarest = [rarity_of_unseen(documents[code]) for code in LANGUAGES]
        for at, code in enumerate(LANGUAGES):
            own = columns.languages == at
            known[own] = fitted_rarity(documents[code])[own]
        return cls(known, tuple(rarest))

    def of(self, columns: Columns) -> Floats:
        """One value a column, also for those that came after the fit."""
        late = columns.languages[len(self.known) :]
        newer = np.ones(len(late), np.float32)
        for at, value in enumerate(self.rarest):
            newer[late == at] = value
        return np.concatenate([self.known, newer])


def rarity_of_unseen(documents: Matrix) -> float:
    return float(np.log(1 + documents.shape[0]) + 1)


def fitted_rarity(documents: Matrix) -> Floats:
    """Smoothed inverse document frequency by scikit-learn; no document at all makes every term alike."""
    if not documents.shape[0]:
        return np.ones(documents.shape[1], np.float32)
    return np.asarray(TfidfTransformer(smooth_idf=True).fit(documents).idf_, np.float32)


def weigh(counts: Matrix, rarity: Floats, parts: Codes, recipe: Recipe, *, length: float) -> Matrix:
    """Rows of counts to rows whose dot product is the weighted mean of the word cosine and the gram cosine."""
    return scale(sublinear(counts), rarity, parts, recipe, length=length)


def sublinear(counts: Matrix) -> Matrix:
    """1 + log of every count."""
    return with_values(counts, 1 + np.log(counts.data))


def scale(logged: Matrix, rarity: Floats, parts: Codes, recipe: Recipe, *, length: float) -> Matrix:
    """Weigh by rarity, then bring the words and the grams of each row to their shares of the length."""
    rows = row_numbers(logged)
    part = parts[logged.indices]
    data = logged.data * rarity[logged.indices]
    data[part == Part.MARK] = 0
    for which, share in part_lengths(recipe).items():
        inside = part == which
        squares = np.bincount(rows[inside], data[inside] ** 2, logged.shape[0])
        factor = length * share / np.sqrt(np.where(squares > 0, squares, 1))
        data[inside] *= factor[rows[inside]]
    return with_values(logged, data)


def part_lengths(recipe: Recipe) -> dict[Part, float]:
    """Squared, these are the shares of word and gram cosine."""
    whole = 1 + recipe.gram_weight
    return {Part.WORD: (1 / whole) ** 0.5, Part.GRAM: (recipe.gram_weight / whole) ** 0.5}
