"""The side that asks: its units in its own language, translated for texts of the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from services.matching.similarity.columns import Columns
from services.matching.similarity.matrices import (
    Floats,
    Mask,
    Matrix,
    added,
    empty,
    matrix,
    product,
    row_factors,
    stacked,
    taken,
    with_values,
)
from services.matching.similarity.recipe import LANGUAGES
from services.matching.similarity.segment import marks_of
from services.matching.similarity.terms import OTHER
from services.matching.similarity.texts import Unit, bags
from services.matching.similarity.weights import scale, sublinear


@dataclass(frozen=True, slots=True)
class Spoken:
    """A unit as texts of one language meet it: what each of its tokens gives to the weight of each column."""

    tokens: list[str]
    row: Matrix  # one row of columns
    parts: Matrix  # tokens by columns; adds up to the row
    own: bool  # False: translated


@dataclass(frozen=True, slots=True)
class Asked:
    """The asking units of one role and their weights."""

    units: tuple[Unit, ...]
    spoken: tuple[dict[str, Spoken], ...]
    rows: Matrix  # units by columns

    def translated_to(self, code: str) -> Mask:
        return np.array([code in one and not one[code].own for one in self.spoken], np.bool_)


def ask(units: Sequence[Unit], columns: Columns, rarity: Floats, text_weight: float) -> Asked:
    """Prepare units to be compared with rows of either language."""
    spoken = tuple(_speak(unit, columns, rarity, text_weight**0.5) for unit in units)
    marks = marks_of(units, np.arange(len(units), dtype=np.int32), columns, grow=False)
    nothing = empty(1, len(columns))
    rows = [reduce(added, (one.row for one in saying.values()), nothing) for saying in spoken]
    return Asked(tuple(units), spoken, added(stacked(rows, len(columns)), marks))


def _speak(unit: Unit, columns: Columns, rarity: Floats, length: float) -> dict[str, Spoken]:
    said: dict[str, Spoken] = {}
    held = bags([unit], columns.terms)
    for row, at in enumerate(held.language):
        if at < 0:
            continue
        counts = taken(held.counts, [row])
        tokens = [held.tokens[token] for token in counts.indices]
        code = LANGUAGES[at]
        said[code] = _native(tokens, counts.data, code, columns, rarity, length)
        if OTHER[code] not in unit.texts:
            said[OTHER[code]] = _translated(tokens, counts.data, code, columns, rarity, length)
    return said


def _native(tokens: list[str], counts: Floats, code: str, columns: Columns, rarity: Floats, length: float) -> Spoken:
    given = row_factors(columns.native(tokens, code, grow=False), counts)
    return _spoken(tokens, given, sublinear(_sum(given)), columns, rarity, length, own=True)


def _translated(
    tokens: list[str], counts: Floats, code: str, columns: Columns, rarity: Floats, length: float
) -> Spoken:
    given = row_factors(columns.translated(tokens, code), 1 + np.log(counts))
    cross = columns.recipe.cross_factor * length
    return _spoken(tokens, given, _sum(given), columns, rarity, cross, own=False)


def _spoken(
    tokens: list[str], given: Matrix, total: Matrix, columns: Columns, rarity: Floats, length: float, *, own: bool
) -> Spoken:
    row = scale(total, rarity, columns.parts, columns.recipe, length=length)
    return Spoken(tokens, row, split(given, row), own)


def _sum(given: Matrix) -> Matrix:
    count = given.shape[0]
    return product(matrix(np.ones(count), np.zeros(count), np.arange(count), (1, count)), given)


def split(given: Matrix, row: Matrix) -> Matrix:
    """What each token gives (tokens by columns) so scaled that it adds up to the row's weights."""
    total = np.bincount(given.indices, given.data, row.shape[1])
    weights = np.zeros(row.shape[1], np.float32)
    weights[row.indices] = row.data
    data = given.data * weights[given.indices] / np.where(total > 0, total, 1)[given.indices]
    return with_values(given, data)


def said_by_row(tokens: list[str], counts: Floats, code: str, row: Matrix, columns: Columns) -> Matrix:
    """The same split for a row of the index: its tokens by columns."""
    return split(row_factors(columns.native(tokens, code, grow=False), counts), row)
