"""The columns of a segment: a word of a language each, or a mark. Which words resemble each other is told here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.matching.similarity.matrices import (
    Codes,
    Floats,
    Ints,
    Matrix,
    compressed,
    empty,
    gathered,
    row_norms,
    row_numbers,
    strong_products,
    turned,
    within,
)
from services.matching.similarity.rarity import Rarity, grams
from services.matching.similarity.recipe import LANGUAGES

MARK = "| "  # before the name of a mark, where a word has its language


@dataclass(frozen=True)
class Columns:
    """Never changes; every segment has its own."""

    places: Mapping[str, int]
    rarity: Rarity

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def keys(self) -> list[str]:
        return list(self.places)

    @cached_property
    def languages(self) -> Codes:
        """Position in LANGUAGES of every column, -1 for a mark."""
        return _languages(self.keys)

    @cached_property
    def weights(self) -> Floats:
        """Rarity of every column; 1 for a mark."""
        found = (1.0 if key.startswith(MARK) else self.rarity.of(key) for key in self.places)
        return np.fromiter(found, np.float32, len(self.places))

    @cached_property
    def _buckets(self) -> Ints:
        """The buckets of grams that occur here."""
        found = {bucket for key in self.places if not key.startswith(MARK) for bucket in grams(key, self.rarity.recipe)}
        return np.array(sorted(found), np.int32)

    @cached_property
    def _by_gram(self) -> Matrix:
        return turned(self._spelled(self.keys))

    @cached_property
    def related(self) -> Matrix:
        """How much every word resembles every other of its language: the cosine of their grams, itself 1."""
        return self._resembling(self.keys)

    def remember(self) -> None:
        """Compute all resemblances now, so that no question waits for them."""
        self.related.sort_indices()

    def places_of(self, keys: Sequence[str]) -> Ints:
        """The columns of words or marks, -1 for what is not here."""
        return np.fromiter((self.places.get(key, -1) for key in keys), np.int32, len(keys))

    def resembling(self, keys: Sequence[str], places: Ints) -> tuple[Ints, Ints, Floats]:
        """Position in `keys`, column that resembles it, and how much; one after another."""
        if "related" not in self.__dict__:
            return gathered(self._resembling(keys), np.arange(len(keys), dtype=np.int32))
        known, strange = (np.flatnonzero(chosen).astype(np.int32) for chosen in (places >= 0, places < 0))
        position, column, value = gathered(self.related, places[known])
        if not len(strange):
            return known[position], column, value
        found = self._resembling([keys[at] for at in strange.tolist()])
        late, further, more = gathered(found, np.arange(len(strange), dtype=np.int32))
        return (
            np.concatenate([known[position], strange[late]]),
            np.concatenate([column, further]),
            np.concatenate([value, more]),
        )

    def _spelled(self, keys: Sequence[str]) -> Matrix:
        """Words by the grams known here, of length one with those that are not."""
        found = [[] if key.startswith(MARK) else grams(key, self.rarity.recipe) for key in keys]
        flat = np.fromiter((bucket for one in found for bucket in one), np.int32)
        ends = np.concatenate([[0], np.cumsum([len(one) for one in found], dtype=np.int64)])
        whole = compressed(self.rarity.grams[flat], flat, ends, self.rarity.recipe.gram_buckets)
        lengths = row_norms(whole)
        scaled = whole.data / np.where(lengths > 0, lengths, 1)[row_numbers(whole)]
        place = np.minimum(np.searchsorted(self._buckets, flat), max(len(self._buckets) - 1, 0))
        known = self._buckets[place] == flat
        return within(compressed(scaled, place, ends, len(self._buckets)), known)

    def _resembling(self, keys: Sequence[str]) -> Matrix:
        if not len(self._buckets):
            return empty(len(keys), len(self))
        found = strong_products(self._spelled(keys), self._by_gram, self.rarity.recipe.related_least)
        same = _languages(keys)[row_numbers(found)] == self.languages[found.indices]
        return within(found, same)


def _languages(keys: Sequence[str]) -> Codes:
    number = {code: at for at, code in enumerate(LANGUAGES)}
    return np.fromiter((number.get(key[:2], -1) for key in keys), np.int8, len(keys))
