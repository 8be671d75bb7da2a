"""Sparse rows of float32. SciPy is used here and nowhere else, so that its types are told once.

Of a matrix `(rows, columns)` the arrays `(stored,)` hold the values that are there, row after row, and their columns.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix = sparse.csr_array[np.float32, tuple[int, int]]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]

PORTION = 1024  # rows of a product held at a time before the small values are dropped


def compressed(values: npt.ArrayLike, columns: npt.ArrayLike, ends: npt.ArrayLike, width: int) -> Matrix:
    """Rows one after another, `(rows, width)`: where row `i` ends is `ends[i + 1]`.

    Values and columns are `(stored,)`, ends `(rows + 1,)`.
    """
    starts = np.asarray(ends, np.int32)
    parts = (np.asarray(values, np.float32), np.asarray(columns, np.int32), starts)
    made: Any = sparse.csr_array(parts, shape=(len(starts) - 1, width))
    return cast(Matrix, made)


def ones_at(rows: Ints, columns: Ints, width: int) -> Matrix:
    """1 wherever a row has a column, once: both `(stored,)`, to `(rows, width)`; rows that have none are left out."""
    _, row = np.unique(rows, return_inverse=True)
    places: Any = (row.astype(np.int32), columns)
    made: Any = sparse.csr_array((np.ones(len(row), np.float32), places), shape=(int(row.max(initial=-1)) + 1, width))
    made.data[:] = 1
    return cast(Matrix, made)


def joined_rows(rows: Sequence[tuple[Ints, Floats]], width: int) -> Matrix:
    """Rows of columns and values, `(stored in the row,)` each, as `(rows, width)`."""
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([np.empty(0, np.int32), *(columns for columns, _ in rows)])
    values = np.concatenate([np.empty(0, np.float32), *(values for _, values in rows)])
    return compressed(values, columns, ends, width)


def stacked(upper: Matrix, lower: Matrix, width: int) -> Matrix:
    """Rows of the one, then rows of the other: `(upper + lower, width)`."""
    ends = np.concatenate([upper.indptr, lower.indptr[1:] + upper.indptr[-1]])
    data, indices = np.concatenate([upper.data, lower.data]), np.concatenate([upper.indices, lower.indices])
    return compressed(data, indices, ends, width)


def with_values(like: Matrix, values: npt.ArrayLike) -> Matrix:
    """Other values `(stored,)` at the same places of `(rows, columns)`."""
    return compressed(values, like.indices, like.indptr, like.shape[1])


def transposed(held: Matrix) -> Matrix:
    """From `(rows, columns)` to `(columns, rows)`."""
    made: Any = held.T.tocsr()
    return cast(Matrix, made)


def taken(held: Matrix, rows: npt.ArrayLike) -> Matrix:
    """Some rows `(chosen,)` of `(rows, columns)`, in the order asked for: `(chosen, columns)`."""
    made: Any = cast(Any, held)[np.asarray(rows, np.int64)]
    return cast(Matrix, made)


def within(held: Matrix, kept: Mask) -> Matrix:
    """The stored values that are kept, where they are in `(rows, columns)`; the mask is `(stored,)`."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return compressed(held.data[kept], held.indices[kept], before[held.indptr], held.shape[1])


def row_numbers(held: Matrix) -> Ints:
    """The row of every stored value of `(rows, columns)`: `(stored,)`."""
    return np.repeat(np.arange(held.shape[0], dtype=np.int32), np.diff(held.indptr))


def row_norms(held: Matrix) -> Floats:
    """The Euclidean length of every row of `(rows, columns)`: `(rows,)`."""
    squares = np.bincount(row_numbers(held), held.data.astype(np.float64) ** 2, held.shape[0])
    return np.sqrt(squares).astype(np.float32)


def strong_products(left: Matrix, right: Matrix, least: float) -> Matrix:
    """What is at least so large of `(rows, n)` times `(n, columns)`: `(rows, columns)`, a portion of rows at a time."""
    parts = [empty(0, right.shape[1])]
    for start in range(0, left.shape[0], PORTION):
        made: Any = cast(Any, left)[start : start + PORTION] @ right
        made.data[made.data < least] = 0
        made.eliminate_zeros()
        parts.append(made)
    whole: Any = sparse.vstack(parts, format="csr") if len(parts) > 2 else parts[-1]
    return cast(Matrix, whole)


def strong_pairs(held: Matrix, least: float) -> tuple[Ints, Ints, Floats]:
    """Rows of `(rows, columns)` whose product is at least so large: each two once, and every row with itself.

    The upper row, the lower row, the product: all `(pairs,)`.
    """
    found: list[tuple[Ints, Ints, Floats]] = []
    for block in range(0, held.shape[0], PORTION * 8):
        later = transposed(cast(Matrix, cast(Any, held)[block:]))
        for start in range(block, min(block + PORTION * 8, held.shape[0]), PORTION):
            made: Any = cast(Any, held)[start : start + PORTION] @ later
            rows, columns = row_numbers(made) + np.int32(start), made.indices + np.int32(block)
            kept = (made.data >= least) & (columns >= rows)
            found.append((rows[kept], columns[kept], made.data[kept]))
    found.append((np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)))
    first, second, values = zip(*found, strict=True)
    return np.concatenate(first), np.concatenate(second), np.concatenate(values)


def mirrored(rows: Ints, columns: Ints, values: Floats, many: int) -> Matrix:
    """A square matrix `(many, many)` of pairs told once, all `(pairs,)`."""
    other = np.flatnonzero(rows != columns)
    both = np.concatenate([rows, columns[other]]), np.concatenate([columns, rows[other]])
    made: Any = sparse.csr_array((np.concatenate([values, values[other]]), both), shape=(many, many))
    made.sort_indices()
    return cast(Matrix, made)


def empty(rows: int, width: int) -> Matrix:
    """Nothing stored in `(rows, width)`."""
    return compressed((), (), np.zeros(rows + 1), width)


def gathered(held: Matrix, rows: Ints) -> tuple[Ints, Ints, Floats]:
    """What some rows `(chosen,)` of `(rows, columns)` store: position in `rows`, column, value, all `(stored,)`."""
    starts, many = held.indptr[rows], held.indptr[rows + 1] - held.indptr[rows]
    position = np.repeat(np.arange(len(rows), dtype=np.int32), many)
    before = np.cumsum(many) - many
    places = np.arange(len(position)) + (starts - before)[position]
    return position, held.indices[places], held.data[places]


def times(columns: Ints, weights: Floats, by_column: Matrix) -> Floats:
    """Inner products through an inverted index, of which only the postings of the columns asked for are read.

    `columns` is `(asked columns,)`, `weights` `(asked columns, asked)`, `by_column` `(columns, rows)`: `(asked, rows)`.
    """
    postings: Any = taken(by_column, columns)
    scores: Floats = np.ascontiguousarray((postings.T @ weights).T)
    return scores


def with_each_other(rows: Matrix) -> Floats:
    """The products of a few rows `(rows, columns)`, each with each: `(rows, rows)`."""
    product: Any = cast(Any, rows) @ cast(Any, rows).T
    return cast(Floats, product.toarray())
