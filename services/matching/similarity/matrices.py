"""Sparse rows of float32. SciPy is used here and nowhere else, so that its types are told once."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix = sparse.csr_array[np.float32, tuple[int, int]]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Codes = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]


def matrix(values: npt.ArrayLike, rows: npt.ArrayLike, columns: npt.ArrayLike, shape: tuple[int, int]) -> Matrix:
    """Values at places; several at one place are added."""
    places = (np.asarray(rows, np.int32), np.asarray(columns, np.int32))
    listed: Any = (np.asarray(values, np.float32), places)
    made: Any = sparse.csr_array(listed, shape=shape)
    return cast(Matrix, made)


def compressed(values: npt.ArrayLike, columns: npt.ArrayLike, ends: npt.ArrayLike, shape: tuple[int, int]) -> Matrix:
    """Rows one after another: where row `i` ends is `ends[i + 1]`."""
    parts = (np.asarray(values, np.float32), np.asarray(columns, np.int32), np.asarray(ends, np.int32))
    made: Any = sparse.csr_array(parts, shape=shape)
    return cast(Matrix, made)


def with_values(like: Matrix, values: npt.ArrayLike) -> Matrix:
    """Other values at the same places."""
    return compressed(values, like.indices, like.indptr, like.shape)


def empty(rows: int, columns: int) -> Matrix:
    return compressed((), (), np.zeros(rows + 1), (rows, columns))


def widened(held: Matrix, width: int) -> Matrix:
    """The same rows with room for columns that came later."""
    return compressed(held.data, held.indices, held.indptr, (held.shape[0], width))


def narrowed(held: Matrix, width: int) -> Matrix:
    """The same rows without columns that came later."""
    return held if held.shape[1] == width else cast(Matrix, cast(Any, held)[:, :width])


def product(left: Matrix, right: Matrix) -> Matrix:
    made: Any = left @ right
    return _sorted(made)


def product_turned(left: Matrix, right: Matrix) -> Matrix:
    """Left times right turned."""
    made: Any = sparse.csr_array(left @ right.T)
    return _sorted(made)


def added(left: Matrix, right: Matrix) -> Matrix:
    made: Any = left + right
    return _sorted(made)


def turned(held: Matrix) -> Matrix:
    made: Any = held.T.tocsr()
    return _sorted(made)


def stacked(parts: Sequence[Matrix], width: int) -> Matrix:
    """Rows of all parts below each other."""
    made: Any = sparse.vstack([empty(0, width), *(widened(part, width) for part in parts)], format="csr")
    return _sorted(made)


def beside(left: Matrix, right: Matrix) -> Matrix:
    """Rows of the left, then rows of the right with columns of their own."""
    width = left.shape[1] + right.shape[1]
    moved = compressed(right.data, right.indices + left.shape[1], right.indptr, (right.shape[0], width))
    return stacked([left, moved], width)


def taken(held: Matrix, rows: npt.ArrayLike) -> Matrix:
    """Some rows, in the order asked for."""
    made: Any = cast(Any, held)[np.asarray(rows, np.int64)]
    return _sorted(made)


def taken_columns(held: Matrix, columns: Ints) -> Matrix:
    made: Any = cast(Any, held)[:, columns]
    return _sorted(made)


def row_factors(held: Matrix, factors: Floats) -> Matrix:
    """Every row times its factor."""
    return with_values(held, held.data * np.repeat(factors.astype(np.float32), np.diff(held.indptr)))


def row_numbers(held: Matrix) -> Ints:
    """The row of every stored value."""
    return np.repeat(np.arange(held.shape[0], dtype=np.int32), np.diff(held.indptr))


def _sorted(made: Any) -> Matrix:
    made.sort_indices()
    return cast(Matrix, made)
