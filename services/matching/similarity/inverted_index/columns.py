"""The term dictionary of a segment: a column for each word of a language or mark, and which words are alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from services.matching.similarity.inverted_index.idf import Idf
from services.matching.similarity.inverted_index.matrices import (
    Codes,
    Floats,
    Ints,
    Matrix,
    compressed,
    joined_rows,
    mirrored,
    row_norms,
    row_numbers,
    stacked,
    strong_pairs,
    strong_products,
    taken,
    transposed,
    with_values,
    within,
)
from services.matching.similarity.recipe import LANGUAGES

MARK = "| "  # before the name of a mark, where a word has its language
MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Spelled:
    """Words and their grams: how many each has, `(words,)`, and their buckets one after another, `(grams,)`."""

    languages: Codes  # `(words,)`, the position in LANGUAGES, -1 for a mark
    many: Ints
    buckets: Ints

    @classmethod
    def of(cls, keys: Sequence[str], idf: Idf) -> "Spelled":
        number = {code: at for at, code in enumerate(LANGUAGES)}
        found = [idf.grams_of(key) for key in keys]
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
    idf: Idf
    spelled: Spelled
    # How much each word resembles every other of its language, the cosine of their grams, itself 1: (columns, columns).
    # None where few ask.
    related: Matrix | None = None
    _remembered: dict[str, tuple[Ints, Floats]] = field(default_factory=dict)  # what words from elsewhere resemble

    @classmethod
    def of(cls, places: Mapping[str, int], idf: Idf) -> "Columns":
        return cls(places, idf, Spelled.of(list(places), idf))

    def joined(self, keys: Sequence[str]) -> "Columns":
        """With further words and marks, as far as they are new."""
        places = dict(self.places)
        new = [key for key in keys if places.setdefault(key, len(places)) >= len(self.places)]
        return Columns(places, self.idf, self.spelled.joined(Spelled.of(new, self.idf)))

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def keys(self) -> list[str]:
        return list(self.places)

    @cached_property
    def weights(self) -> Floats:
        """The idf of every column, 1 for a mark: `(columns,)`."""
        found = (1.0 if key.startswith(MARK) else self.idf.of(key) for key in self.places)
        return np.fromiter(found, np.float32, len(self.places))

    @cached_property
    def _by_gram(self) -> Matrix:
        """The words that have a gram: `(buckets, columns)`."""
        return transposed(self._cosines(self.spelled))

    def remembering(self) -> "Columns":
        """With all resemblances computed now, so that no query waits for them."""
        cosines, found = self._cosines(self.spelled), []
        for language in range(len(LANGUAGES)):
            words = np.flatnonzero(self.spelled.languages == language).astype(np.int32)
            first, second, values = strong_pairs(taken(cosines, words), self.idf.recipe.related_least)
            found.append((words[first], words[second], values))
        rows, columns, values = (np.concatenate(each) for each in zip(*found, strict=True))
        related = mirrored(rows, columns, values, len(self))
        related.sort_indices()
        return replace(self, related=related)

    def places_of(self, keys: Sequence[str]) -> Ints:
        """The columns of words or marks, -1 for what is not here: `(keys,)`."""
        return np.fromiter((self.places.get(key, -1) for key in keys), np.int32, len(keys))

    def resembling(self, keys: Sequence[str], places: Ints) -> tuple[Matrix, Ints]:
        """Words, whose columns are `places` `(keys,)`, by the columns that resemble them: `(words, columns)`.

        And in which row each key stands: `(keys,)`.
        """
        if self.related is None:
            return self._resembling(Spelled.of(keys, self.idf)), np.arange(len(keys), dtype=np.int32)
        known, strange = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
        others = joined_rows(self._resembled([keys[at] for at in strange.tolist()]), len(self))
        rows = np.empty(len(keys), np.int32)
        rows[known], rows[strange] = np.arange(len(known)), np.arange(len(known), len(keys))
        return stacked(taken(self.related, places[known]), others, len(self)), rows

    def _resembled(self, keys: Sequence[str]) -> list[tuple[Ints, Floats]]:
        """Columns that words from elsewhere resemble, and how much: `(stored,)`. Remembered, for they come back."""
        remembered = {key: self._remembered[key] for key in keys if key in self._remembered}
        new = [key for key in dict.fromkeys(keys) if key not in remembered]
        if new:
            found = self._resembling(Spelled.of(new, self.idf))
            ends = found.indptr.tolist()
            for key, start, end in zip(new, ends, ends[1:], strict=False):
                remembered[key] = (found.indices[start:end].copy(), found.data[start:end].copy())
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered.update(remembered)
        return [remembered[key] for key in keys]

    def _cosines(self, spelled: Spelled) -> Matrix:
        """Words by their grams, of length one: `(words, buckets)`."""
        ends = np.concatenate([[0], np.cumsum(spelled.many, dtype=np.int64)])
        whole = compressed(self.idf.grams[spelled.buckets], spelled.buckets, ends, self.idf.recipe.gram_buckets)
        lengths = row_norms(whole)
        return with_values(whole, whole.data / np.where(lengths > 0, lengths, 1)[row_numbers(whole)])

    def _resembling(self, spelled: Spelled) -> Matrix:
        """Words by the columns of their language that resemble them enough: `(words, columns)`."""
        found = strong_products(self._cosines(spelled), self._by_gram, self.idf.recipe.related_least)
        return within(found, spelled.languages[row_numbers(found)] == self.spelled.languages[found.indices])
