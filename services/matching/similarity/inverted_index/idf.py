"""What all profiles tell and what is then kept until the next rebuild: the idf of words and grams."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np

from services.matching.similarity.inverted_index.matrices import Floats, Matrix
from services.matching.similarity.recipe import LANGUAGES, Recipe


@dataclass(frozen=True, slots=True)
class Idf:
    """Inverse document frequencies. What was not seen when they were fitted is the rarest there is, never nothing."""

    recipe: Recipe
    places: Mapping[str, int]  # of the words that were there, in `words`
    words: Floats  # `(columns,)`
    rarest: Mapping[str, float]  # by language
    grams: Floats  # `(buckets,)`

    @classmethod
    def fitted(cls, places: Mapping[str, int], documents: Mapping[str, Matrix], recipe: Recipe) -> "Idf":
        """Fit on the words of every profile, by language: `(profiles, columns)`."""
        known = np.zeros(len(places), np.float32)
        for held in documents.values():
            known = np.maximum(known, _fitted(held) ** recipe.idf_power)
        rarest = {code: (np.log(1 + held.shape[0]) + 1) ** recipe.idf_power for code, held in documents.items()}
        return cls(recipe, places, known, rarest, _gram_weights(places, recipe))

    def grams_of(self, key: str) -> tuple[int, ...]:
        """Buckets of the grams of a word; a mark has none."""
        return grams(key, self.recipe.gram_length, self.recipe.gram_buckets) if key[:2] in self.rarest else ()

    def of(self, key: str) -> float:
        """Of a word, written as its language and its stem."""
        place = self.places.get(key)
        return self.rarest[key[:2]] if place is None else float(self.words[place])


def _fitted(documents: Matrix) -> Floats:
    """Smoothed idf by scikit-learn, of the words that occur in `(profiles, columns)`: `(columns,)`."""
    from sklearn.feature_extraction.text import TfidfTransformer  # takes a second; a saved index does without

    if not documents.shape[0]:
        return np.zeros(documents.shape[1], np.float32)
    fitted = np.asarray(TfidfTransformer(smooth_idf=True).fit(documents).idf_, np.float32)
    return np.where(np.bincount(documents.indices, minlength=documents.shape[1]) > 0, fitted, 0)


def _gram_weights(places: Mapping[str, int], recipe: Recipe) -> Floats:
    """The idf of each gram among the words there are: `(buckets,)`."""
    chosen = [key for key in places if key[:2] in LANGUAGES]
    found = (bucket for key in chosen for bucket in grams(key, recipe.gram_length, recipe.gram_buckets))
    seen = np.bincount(np.fromiter(found, np.int64), minlength=recipe.gram_buckets)
    return np.log((1 + len(chosen)) / (1 + seen)).astype(np.float32)


@lru_cache(maxsize=200_000)
def grams(key: str, length: int, buckets: int) -> tuple[int, ...]:
    """Buckets of the grams of a word with a space before it; the whole of it where it is shorter than a gram."""
    padded = key[2:]
    cut = {padded[at : at + length] for at in range(max(1, len(padded) - length + 1))}
    return tuple({crc32(gram.encode()) % buckets for gram in cut})
