"""A part of the index that does not change: rows of weights, the same turned by column, and who they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from uuid import UUID

import numpy as np

from services.matching.similarity.columns import Columns
from services.matching.similarity.matrices import (
    Floats,
    Ints,
    Mask,
    Matrix,
    Names,
    added,
    matrix,
    product,
    stacked,
    taken,
    turned,
    widened,
)
from services.matching.similarity.profile import Profile
from services.matching.similarity.recipe import LANGUAGES, Recipe
from services.matching.similarity.texts import Bags, Unit, bags, counted, joined
from services.matching.similarity.units import about, needs_of, offers_of
from services.matching.similarity.weights import Rarity, weigh


def marks_of(units: Sequence[Unit], of_unit: Ints, columns: Columns, *, grow: bool) -> Matrix:
    """The marks of every unit, on each of its rows."""
    found = [
        (row, columns.mark(name, grow=grow), weight)
        for row, unit in enumerate(of_unit)
        for name, weight in units[unit].marks.items()
    ]
    known = [one for one in found if one[1] >= 0]
    rows, cols, weights = zip(*known, strict=True) if known else ((), (), ())
    return matrix(weights, rows, cols, (len(of_unit), len(columns)))


@dataclass(frozen=True)
class Field:
    """All offers, all needs, or all that organisations say as a whole."""

    units: tuple[Unit, ...]
    owners: Ints  # of every unit: position of the profile in the segment
    bags: Bags
    counts: Matrix
    rows: Matrix
    columns: Columns

    @classmethod
    def of(cls, units: Sequence[Sequence[Unit]], columns: Columns) -> "Field":
        """The units of each profile, counted, not yet weighed."""
        flat = tuple(chain.from_iterable(units))
        owners = np.repeat(np.arange(len(units), dtype=np.int32), [len(one) for one in units])
        held = bags(flat, columns.terms)
        counts = counted(held, columns)
        return cls(flat, owners, held, counts, counts, columns)

    def weighed(self, rarity: Rarity, text_weight: float) -> "Field":
        marks = marks_of(self.units, self.bags.unit, self.columns, grow=True)
        counts = widened(self.counts, len(self.columns))
        known = rarity.of(self.columns)
        rows = weigh(counts, known, self.columns.parts, self.columns.recipe, length=text_weight**0.5)
        return replace(self, counts=counts, rows=added(rows, marks))

    def joined(self, newer: "Field", owners: int) -> "Field":
        """These units and newer ones, whose profiles come after `owners` earlier ones."""
        width = len(self.columns)
        return Field(
            self.units + newer.units,
            np.concatenate([self.owners, newer.owners + np.int32(owners)]),
            joined(self.bags, newer.bags, len(self.units)),
            stacked([self.counts, newer.counts], width),
            stacked([self.rows, newer.rows], width),
            self.columns,
        )

    @cached_property
    def by_column(self) -> Matrix:
        """Columns by rows: the inverted index."""
        return turned(self.rows)

    @cached_property
    def starts(self) -> Ints:
        """The first row of every unit."""
        return np.searchsorted(self.bags.unit, np.arange(len(self.units))).astype(np.int32)

    @cached_property
    def bilingual(self) -> Mask:
        """Rows whose unit says the same in another language too."""
        return np.array([len(self.units[unit].texts) > 1 for unit in self.bags.unit], np.bool_)

    @cached_property
    def categories(self) -> Names:
        return np.array([unit.statement.category if unit.statement else "" for unit in self.units], np.str_)

    @cached_property
    def streams(self) -> Names:
        return np.array([(unit.statement and unit.statement.stream) or "" for unit in self.units], np.str_)

    @cached_property
    def public(self) -> Mask:
        return np.array([unit.statement is None or unit.statement.public for unit in self.units], np.bool_)

    def per_owner(self, values: Floats, owners: int, join: np.ufunc) -> Floats:
        """Values of units (the last axis) joined to values of owners; 0 for an owner without any."""
        result = np.zeros((*values.shape[:-1], owners), np.float32)
        if len(self.units):
            present, first = np.unique(self.owners, return_index=True)
            result[..., present] = join.reduceat(values, first, axis=-1)
        return result


@dataclass(frozen=True)
class Segment:
    """Profiles and their three fields."""

    profiles: tuple[Profile, ...]
    offers: Field
    needs: Field
    about: Field

    @classmethod
    def counted(cls, profiles: Iterable[Profile], columns: Columns) -> "Segment":
        chosen = tuple(profiles)
        terms, recipe = columns.terms, columns.recipe
        return cls(
            chosen,
            Field.of([offers_of(one, terms, recipe) for one in chosen], columns),
            Field.of([needs_of(one, terms, recipe) for one in chosen], columns),
            Field.of([[about(one, terms, recipe)] for one in chosen], columns),
        )

    def joined(self, newer: "Segment") -> "Segment":
        """These profiles and newer ones after them."""
        count = len(self.profiles)
        return Segment(
            self.profiles + newer.profiles,
            self.offers.joined(newer.offers, count),
            self.needs.joined(newer.needs, count),
            self.about.joined(newer.about, count),
        )

    def weighed(self, rarity: Rarity, recipe: Recipe) -> "Segment":
        return Segment(
            self.profiles,
            self.offers.weighed(rarity, 1.0),
            self.needs.weighed(rarity, 1.0),
            self.about.weighed(rarity, recipe.text_ground),
        )

    def documents(self, columns: Columns) -> Mapping[str, Matrix]:
        """One document per profile and language: everything it says there."""
        fields = (self.about, self.needs)
        counts = stacked([field.counts for field in fields], len(columns))
        owners = np.concatenate([field.owners[field.bags.unit] for field in fields])
        language = np.concatenate([field.bags.language for field in fields])
        return {code: _joined(counts, owners, language == at) for at, code in enumerate(LANGUAGES)}

    @cached_property
    def positions(self) -> Mapping[UUID, int]:
        return {one.id: at for at, one in enumerate(self.profiles)}

    @cached_property
    def kinds(self) -> Names:
        return np.array([one.kind for one in self.profiles], np.str_)

    @cached_property
    def hubs(self) -> Names:
        return np.array([one.hub or "" for one in self.profiles], np.str_)

    @cached_property
    def published(self) -> Mask:
        return np.array([one.published for one in self.profiles], np.bool_)

    @cached_property
    def families(self) -> Mapping[UUID, Ints]:
        """Positions by the organisation at the top: itself, its units."""
        found: dict[UUID, list[int]] = {}
        for at, one in enumerate(self.profiles):
            found.setdefault(one.parent or one.id, []).append(at)
        return {top: np.array(places, np.int32) for top, places in found.items()}


def _joined(counts: Matrix, owners: Ints, chosen: Mask) -> Matrix:
    rows = np.flatnonzero(chosen)
    present, position = np.unique(owners[rows], return_inverse=True)
    join = matrix(np.ones(len(rows)), position, np.arange(len(rows)), (len(present), len(rows)))
    return product(join, taken(counts, rows))
