"""An inverted index over all offers of a segment, over all its needs, or over all that its organisations say."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from services.matching.similarity.inverted_index.columns import MARK, Columns
from services.matching.similarity.inverted_index.matrices import (
    Floats,
    Ints,
    Mask,
    Matrix,
    Names,
    compressed,
    row_norms,
    row_numbers,
    stacked,
    transposed,
    with_values,
)
from services.matching.similarity.profile import Amount, Statement
from services.matching.similarity.recipe import LANGUAGES
from services.matching.similarity.text.language import stem
from services.matching.similarity.text.units import Unit

Pivots = tuple[float, ...]  # mean length of a text before scaling, by language
Fact = tuple[str, str, bool, str, float]  # category, stream, whether public, measure and amount of a statement


@lru_cache(maxsize=200_000)
def word_key(word: str, code: str) -> str:
    """How a word is named among the columns: its language and its stem."""
    return f"{code} {stem(word, code)}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters and rules ask of the statements behind the units: an array each, all `(units,)`."""

    categories: Names
    streams: Names
    public: Mask
    measures: Names
    amounts: Floats

    @classmethod
    def of(cls, several: Sequence[Fact]) -> Facts:
        categories, streams, public, measures, amounts = zip(*several, strict=True) if several else ((),) * 5
        return cls(
            np.array(categories, np.str_),
            np.array(streams, np.str_),
            np.array(public, np.bool_),
            np.array(measures, np.str_),
            np.array(amounts, np.float32),
        )

    def joined(self, newer: Facts) -> Facts:
        return Facts(
            np.concatenate([self.categories, newer.categories]),
            np.concatenate([self.streams, newer.streams]),
            np.concatenate([self.public, newer.public]),
            np.concatenate([self.measures, newer.measures]),
            np.concatenate([self.amounts, newer.amounts]),
        )


class Places(dict[str, int]):
    """Words and marks by the number of their column. One that is asked for and new gets the next."""

    def __init__(self) -> None:
        super().__init__()
        self.written = {code: Written(self, code) for code in LANGUAGES}

    def __missing__(self, key: str) -> int:
        place = self[key] = len(self)
        return place


class Written(dict[str, int]):
    """The columns of words as they are written in a language: a stem is looked for once."""

    def __init__(self, places: Places, code: str) -> None:
        super().__init__()
        self._places, self._code = places, code

    def __missing__(self, word: str) -> int:
        place = self[word] = self._places[word_key(word, self._code)]
        return place


def _fact(one: Statement | None) -> Fact:
    """Of what is no statement nothing is asked."""
    if one is None:
        return "", "", True, "", 0.0
    amount = one.amount or Amount("", 0.0)
    return one.category, one.stream or "", one.public, amount.measure, amount.value


@dataclass(slots=True)
class FieldWriter:
    """Units read one after another: counts of their words, weights of their marks, facts, owners."""

    places: Places  # shared by the fields of a segment
    columns: array[int] = field(default_factory=lambda: array("i"))
    values: array[float] = field(default_factory=lambda: array("f"))
    ends: array[int] = field(default_factory=lambda: array("i", [0]))
    owners: array[int] = field(default_factory=lambda: array("i"))
    facts: list[Fact] = field(default_factory=list)

    def add(self, owner: int, units: Iterable[Unit]) -> None:
        for unit in units:
            for code, found in unit.words.items():
                self._put(Counter(map(self.places.written[code].__getitem__, found)))
            self._put({self.places[MARK + name]: weight for name, weight in unit.marks.items()})
            self.ends.append(len(self.columns))
            self.owners.append(owner)
            self.facts.append(_fact(unit.statement))

    def _put(self, bag: Mapping[int, float]) -> None:
        self.columns.extend(bag)
        self.values.extend(bag.values())

    def counts(self) -> Matrix:
        """Counts of words and weights of marks, `(units, columns)`; to be asked when every field is read."""
        return compressed(self.values, self.columns, self.ends, len(self.places))

    def made(self, rows: Matrix) -> Field:
        """The field, with the weights of its units: `(units, columns)`."""
        return Field(np.array(self.owners, np.int32), Facts.of(self.facts), rows)


@dataclass(frozen=True)
class Field:
    """Weights `(units, columns)`, and whose they are `(units,)`. The units of an owner stand together, in order."""

    owners: Ints
    facts: Facts
    rows: Matrix

    def joined(self, newer: Field, owners: int) -> Field:
        """These units and newer ones of the same columns, whose owners come after `owners` earlier ones."""
        return Field(
            np.concatenate([self.owners, newer.owners + np.int32(owners)]),
            self.facts.joined(newer.facts),
            stacked(self.rows, newer.rows, newer.rows.shape[1]),
        )

    @cached_property
    def categories(self) -> tuple[dict[str, int], Ints]:
        """Numbers of the categories there are, and that of every unit: `(units,)`."""
        return numbered(self.facts.categories)

    @cached_property
    def streams(self) -> tuple[dict[str, int], Ints]:
        """Numbers of the streams there are, and that of every unit: `(units,)`."""
        return numbered(self.facts.streams)

    @cached_property
    def lengths(self) -> Floats:
        """Of every row, 1 where there is nothing: `(units,)`."""
        found = row_norms(self.rows)
        return np.where(found > 0, found, np.float32(1))

    @cached_property
    def by_column(self) -> Matrix:
        """The postings of every column: `(columns, units)`."""
        return transposed(self.rows)

    def units_of(self, owner: int) -> range:
        start, end = np.searchsorted(self.owners, (owner, owner + 1))
        return range(int(start), int(end))

    def per_owner(self, values: Floats, owners: int, join: np.ufunc) -> Floats:
        """From `(units,)` to `(owners,)`; 0 for an owner without any."""
        result = np.zeros(owners, np.float32)
        some = np.flatnonzero(values)
        join.at(result, self.owners[some], values[some])
        return result


def numbered(names: Names) -> tuple[dict[str, int], Ints]:
    """A number for each different name, and that of every one: `(units,)`, as the names are."""
    known, number = np.unique(names, return_inverse=True)
    return {str(name): at for at, name in enumerate(known)}, number.astype(np.int32)


def pivots_of(counts: Matrix, columns: Columns) -> Pivots:
    """The mean length of `(units, columns)` in each language, `(languages,)`; 1 where there is none."""
    _, lengths = _measured(counts, columns)
    present = (lengths[lengths[:, at] > 0, at] for at in range(len(LANGUAGES)))
    return tuple(float(some.mean()) if len(some) else 1.0 for some in present)


def weighed(counts: Matrix, columns: Columns, pivots: Pivots) -> Matrix:
    """Counts to weights, `(units, columns)` both: 1 + log of the count, times idf, by pivoted length normalisation.

    A text that says its things in two languages is shorter in each, and is scaled for it.
    """
    data, lengths = _measured(counts, columns)
    recipe = columns.idf.recipe
    spoken = np.maximum((lengths > 0).sum(axis=1), 1) ** recipe.two_languages
    scale = ((1 - recipe.slope) * np.array(pivots, np.float32) + recipe.slope * lengths) * spoken[:, None]
    language = columns.spelled.languages[counts.indices]
    scaled = data / scale[row_numbers(counts), np.maximum(language, 0)]
    return with_values(counts, np.where(language < 0, counts.data, scaled))


def _measured(counts: Matrix, columns: Columns) -> tuple[Floats, Floats]:
    """Weights of `(units, columns)` before scaling, and the length of each row in each language.

    `(stored,)` and `(units, languages)`.
    """
    language = columns.spelled.languages[counts.indices]
    data = (1 + np.log(counts.data)) * columns.weights[counts.indices]
    rows, many = row_numbers(counts), counts.shape[0]
    squares = [np.bincount(rows, np.where(language == at, data, 0) ** 2, many) for at in range(len(LANGUAGES))]
    return data, np.sqrt(np.stack(squares, axis=1)).astype(np.float32)
