"""Who resembles the partners that fit: those answered with yes, and the best found.

This is the feedback of J. J. Rocchio ("Relevance feedback in information retrieval", 1971), added to the scores
instead of to the query, so that each example's share of a score can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.matching.similarity.inverted_index.matrices import Floats, Ints, joined_rows, times, with_each_other
from services.matching.similarity.inverted_index.segment import Segment
from services.matching.similarity.profile import Profile


@dataclass(frozen=True)
class Example:
    """One that speaks for those like it. `weight` is the evidence it gives to who says exactly what it says."""

    profile: Profile
    weight: float
    liked: bool
    keys: Sequence[str]
    values: Floats  # `(keys,)`, of length one

    @cached_property
    def by_key(self) -> dict[str, float]:
        return dict(zip(self.keys, self.values.tolist(), strict=True))

    @classmethod
    def of(cls, segment: Segment, place: int, weight: float, *, liked: bool) -> Example:
        columns, values = row_of(segment, place)
        keys = [segment.columns.keys[column] for column in columns.tolist()]
        return cls(segment.profiles[place], weight, liked, keys, values)


def row_of(segment: Segment, place: int) -> tuple[Ints, Floats]:
    """Columns and values of what a profile says as a whole, of length one: both `(stored,)`."""
    about = segment.fields["about"]
    here = slice(about.rows.indptr[place], about.rows.indptr[place + 1])
    return about.rows.indices[here], about.rows.data[here] / about.lengths[place]


def likeness(examples: Sequence[Example], segment: Segment) -> Floats:
    """The cosine of what they say as a whole, 0 of each with itself: `(examples, profiles)`."""
    about = segment.fields["about"]
    if not examples or not len(segment.profiles):
        return np.zeros((len(examples), len(segment.profiles)), np.float32)
    places = [segment.columns.places_of(one.keys) for one in examples]
    columns, place = np.unique(np.concatenate(places), return_inverse=True)
    weights = np.zeros((len(columns), len(examples)), np.float32)
    numbers = np.repeat(np.arange(len(examples)), [len(one) for one in places])
    weights[place, numbers] = np.concatenate([one.values for one in examples])
    known = columns >= 0
    found = times(columns[known], weights[known], about.by_column) / about.lengths
    for row, one in enumerate(examples):
        if one.profile.id in segment.positions:
            found[row, segment.positions[one.profile.id]] = 0
    return found


def mutual(places: Sequence[tuple[Segment, int]]) -> Floats:
    """The cosines of what several profiles of any two segments say as a whole: `(places, places)`."""
    columns = places[0][0].columns
    rows = []
    for segment, place in places:
        here, values = row_of(segment, place)
        if segment.columns is not columns:
            there = columns.places_of([segment.columns.keys[column] for column in here.tolist()])
            here = np.where(there >= 0, there, here + np.int32(len(columns)))
        rows.append((here, values))
    return with_each_other(joined_rows(rows, int(max(here.max(initial=0) for here, _ in rows)) + 1))


def shared(one: Example, segment: Segment, place: int) -> dict[str, float]:
    """The words and marks that an example and a profile share, and what each gives to their cosine."""
    mine, keys = one.by_key, segment.columns.keys
    columns, values = row_of(segment, place)
    theirs = zip(columns.tolist(), values.tolist(), strict=True)
    return {key: mine[key] * value for column, value in theirs if (key := keys[column]) in mine}
