"""The columns of a segment: a word of a language each, or a mark. Which words resemble each other is told here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from services.matching.similarity.inverted_index.idf import Rarity
from services.matching.similarity.inverted_index.matrices import (
    Codes,
    Floats,
    Ints,
    Matrix,
    below,
    compressed,
    joined_rows,
    mirrored,
    row_norms,
    row_numbers,
    strong_pairs,
    strong_products,
    taken,
    turned,
    with_values,
    within,
)
from services.matching.similarity.recipe import LANGUAGES

MARK = "| "  # before the name of a mark, where a word has its language
MOST_MET = 50_000


@dataclass(frozen=True, slots=True)
class Spelled:
    """Words and their grams: how many each has, and their buckets one after another."""

    languages: Codes  # position in LANGUAGES of every word, -1 for a mark
    many: Ints
    buckets: Ints

    @classmethod
    def of(cls, keys: Sequence[str], rarity: Rarity) -> "Spelled":
        number = {code: at for at, code in enumerate(LANGUAGES)}
        found = [rarity.grams_of(key) for key in keys]
        return cls(
            np.fromiter((number.get(key[:2], -1) for key in keys), np.int8, len(keys)),
            np.fromiter((len(one) for one in found), np.int32, len(keys)),
            np.fromiter((bucket for one in found for bucket in one), np.int32),
        )

    def joined(self, newer: "Spelled") -> "Spelled":
        return Spelled(
            np.concatenate([self.languages, newer.languages]),
            np.concatenate([self.many, newer.many]),
            np.concatenate([self.buckets, newer.buckets]),
        )


@dataclass(frozen=True)
class Columns:
    """Never changes; every segment has its own."""

    places: Mapping[str, int]
    rarity: Rarity
    spelled: Spelled
    # How much each word resembles every other of its language, the cosine of their grams, itself 1; None where few ask.
    related: Matrix | None = None
    _met: dict[str, tuple[Ints, Floats]] = field(default_factory=dict)  # what words from elsewhere resemble

    @classmethod
    def of(cls, places: Mapping[str, int], rarity: Rarity) -> "Columns":
        return cls(places, rarity, Spelled.of(list(places), rarity))

    def joined(self, keys: Sequence[str]) -> "Columns":
        """With further words and marks, as far as they are new."""
        places = dict(self.places)
        new = [key for key in keys if places.setdefault(key, len(places)) >= len(self.places)]
        return Columns(places, self.rarity, self.spelled.joined(Spelled.of(new, self.rarity)))

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def keys(self) -> list[str]:
        return list(self.places)

    @cached_property
    def weights(self) -> Floats:
        """Rarity of every column; 1 for a mark."""
        found = (1.0 if key.startswith(MARK) else self.rarity.of(key) for key in self.places)
        return np.fromiter(found, np.float32, len(self.places))

    @cached_property
    def _by_gram(self) -> Matrix:
        return turned(self._cosines(self.spelled))

    def remembering(self) -> "Columns":
        """With all resemblances computed now, so that no question waits for them."""
        cosines, found = self._cosines(self.spelled), []
        for language in range(len(LANGUAGES)):
            words = np.flatnonzero(self.spelled.languages == language).astype(np.int32)
            first, second, values = strong_pairs(taken(cosines, words), self.rarity.recipe.related_least)
            found.append((words[first], words[second], values))
        rows, columns, values = (np.concatenate(each) for each in zip(*found, strict=True))
        related = mirrored(rows, columns, values, len(self))
        related.sort_indices()
        return replace(self, related=related)

    def places_of(self, keys: Sequence[str]) -> Ints:
        """The columns of words or marks, -1 for what is not here."""
        return np.fromiter((self.places.get(key, -1) for key in keys), np.int32, len(keys))

    def resembling(self, keys: Sequence[str], places: Ints) -> tuple[Matrix, Ints]:
        """Words, whose columns are `places`, by the columns that resemble them; and in which row each word stands."""
        if self.related is None:
            return self._resembling(Spelled.of(keys, self.rarity)), np.arange(len(keys), dtype=np.int32)
        known, strange = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
        met = joined_rows(self._meet([keys[at] for at in strange.tolist()]), len(self))
        rows = np.empty(len(keys), np.int32)
        rows[known], rows[strange] = np.arange(len(known)), np.arange(len(known), len(keys))
        return below(taken(self.related, places[known]), met, len(self)), rows

    def _meet(self, keys: Sequence[str]) -> list[tuple[Ints, Floats]]:
        """Columns that words from elsewhere resemble, and how much; remembered, for such words come back."""
        remembered = {key: self._met[key] for key in keys if key in self._met}
        new = [key for key in dict.fromkeys(keys) if key not in remembered]
        if new:
            found = self._resembling(Spelled.of(new, self.rarity))
            ends = found.indptr.tolist()
            for key, start, end in zip(new, ends, ends[1:], strict=False):
                remembered[key] = (found.indices[start:end].copy(), found.data[start:end].copy())
            if len(self._met) > MOST_MET:
                self._met.clear()
            self._met.update(remembered)
        return [remembered[key] for key in keys]

    def _cosines(self, spelled: Spelled) -> Matrix:
        """Words by their grams, of length one."""
        ends = np.concatenate([[0], np.cumsum(spelled.many, dtype=np.int64)])
        whole = compressed(self.rarity.grams[spelled.buckets], spelled.buckets, ends, self.rarity.recipe.gram_buckets)
        lengths = row_norms(whole)
        return with_values(whole, whole.data / np.where(lengths > 0, lengths, 1)[row_numbers(whole)])

    def _resembling(self, spelled: Spelled) -> Matrix:
        found = strong_products(self._cosines(spelled), self._by_gram, self.rarity.recipe.related_least)
        return within(found, spelled.languages[row_numbers(found)] == self.spelled.languages[found.indices])
