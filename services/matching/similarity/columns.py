"""The columns of the index: stems and grams of each language, and what is not text (streams, sectors)."""

from collections.abc import Sequence
from copy import copy
from enum import IntEnum
from threading import Lock

import numpy as np

from services.matching.similarity import language
from services.matching.similarity.matrices import Codes, Floats, Ints, Matrix, matrix
from services.matching.similarity.recipe import LANGUAGES, Recipe
from services.matching.similarity.stems import grams, stem, stem_phrase
from services.matching.similarity.terms import OTHER, Terms


class Part(IntEnum):
    """Which part of a row's weight a column belongs to; each part has length one by itself."""

    WORD = 0
    GRAM = 1
    MARK = 2


class Columns:
    """Names to column numbers. Grows only, so a reader of an older index never sees a number change."""

    def __init__(self, recipe: Recipe, terms: Terms) -> None:
        self.recipe, self.terms = recipe, terms
        self.growing = Lock()
        self._names: dict[str, int] = {}
        self._grams = {code: np.full(recipe.gram_buckets, -1, np.int32) for code in LANGUAGES}
        self._count = 0
        self._parts = np.zeros(1024, np.int8)
        self._languages = np.zeros(1024, np.int8)

    def __len__(self) -> int:
        return self._count

    @property
    def parts(self) -> Codes:
        return self._parts[: self._count]

    @property
    def languages(self) -> Codes:
        """Position in LANGUAGES, -1 for marks."""
        return self._languages[: self._count]

    def frozen(self) -> "Columns":
        """The columns there are now, for readers, while the original grows."""
        return copy(self)

    def mark(self, name: str, *, grow: bool) -> int:
        """The column of a stream, a sector or a focus area; -1 where nobody has it."""
        return self._named(f"|{name}", Part.MARK, -1, grow=grow)

    def word(self, stemmed: str, code: str, *, grow: bool) -> int:
        return self._named(f"{code} {stemmed}", Part.WORD, LANGUAGES.index(code), grow=grow)

    def of_grams(self, word: str, code: str, *, grow: bool) -> Ints:
        buckets, table = grams(word, self.recipe.gram_length, self.recipe.gram_buckets), self._grams[code]
        if grow:
            for bucket in buckets[table[buckets] < 0]:
                if table[bucket] < 0:
                    table[bucket] = self._add(Part.GRAM, LANGUAGES.index(code))
        found: Ints = table[buckets]
        return found

    def _named(self, name: str, part: Part, code: int, *, grow: bool) -> int:
        column = self._names.get(name, -1)
        if column >= self._count:
            return -1
        if column < 0 and grow:
            column = self._add(part, code)
            self._names[name] = column
        return column

    def _add(self, part: Part, code: int) -> int:
        if self._count == len(self._parts):
            self._parts = np.concatenate([self._parts, np.zeros_like(self._parts)])
            self._languages = np.concatenate([self._languages, np.zeros_like(self._languages)])
        self._parts[self._count], self._languages[self._count] = part, code
        self._count += 1
        return self._count - 1

    def native(self, tokens: Sequence[str], code: str, *, grow: bool) -> Matrix:
        """What one occurrence of each token counts for in its own language: tokens by columns."""
        found = [self._of_token(token, code, grow=grow) for token in tokens]
        return self._matrix(found, [np.ones(len(one), np.float32) for one in found])

    def _of_token(self, token: str, code: str, *, grow: bool) -> Ints:
        if token in language.stop_words(code):
            return np.empty(0, np.int32)
        if " " in token:
            return np.array([self.word(stem_phrase(token, code), code, grow=grow)], np.int32)
        own = self.word(stem(token, code), code, grow=grow)
        return np.concatenate([np.array([own], np.int32), self.of_grams(token, code, grow=grow)])

    def translated(self, tokens: Sequence[str], code: str) -> Matrix:
        """The same in the other language: translations by the term table, unknown words as they are."""
        found = [self._of_translation(token, code) for token in tokens]
        return self._matrix([columns for columns, _ in found], [weights for _, weights in found])

    def _of_translation(self, token: str, code: str) -> tuple[Ints, Floats]:
        if token in language.stop_words(code):
            return np.empty(0, np.int32), np.empty(0, np.float32)
        to = OTHER[code]
        phrase = " " in token
        key = stem_phrase(token, code) if phrase else stem(token, code)
        meanings = self.terms.meanings[code].get(key) or ((stem_phrase(token, to), 1.0),)
        columns = [self.word(stemmed, to, grow=False) for stemmed, _ in meanings]
        own = np.empty(0, np.int32) if phrase else self.of_grams(token, to, grow=False)
        weights = np.array([weight for _, weight in meanings], np.float32)
        return (
            np.concatenate([np.array(columns, np.int32), own]),
            np.concatenate([weights, np.ones(len(own), np.float32)]),
        )

    def _matrix(self, columns: list[Ints], weights: list[Floats]) -> Matrix:
        lengths = np.fromiter((len(one) for one in columns), np.int64, len(columns))
        rows = np.repeat(np.arange(len(columns)), lengths)
        flat = np.concatenate([*columns, np.empty(0, np.int32)])
        values = np.concatenate([*weights, np.empty(0, np.float32)])
        known = (flat >= 0) & (flat < len(self))
        return matrix(values[known], rows[known], flat[known], (len(columns), len(self)))
