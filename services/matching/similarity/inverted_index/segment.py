"""A part of the index that does not change: profiles, the columns of their words, and three fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matching.similarity.inverted_index.columns import MARK, Columns
from services.matching.similarity.inverted_index.field import Field, FieldWriter, Pivots, Places, pivots_of, weighed
from services.matching.similarity.inverted_index.idf import Idf
from services.matching.similarity.inverted_index.matrices import (
    Floats,
    Ints,
    Mask,
    Matrix,
    Names,
    compressed,
    ones_at,
    row_numbers,
)
from services.matching.similarity.inverted_index.profile_store import ProfileStore
from services.matching.similarity.profile import Profile
from services.matching.similarity.recipe import LANGUAGES, Recipe
from services.matching.similarity.text.terms import Terms
from services.matching.similarity.text.units import units_of

FIELDS = ("offers", "needs", "about")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a rebuild learns and all segments share."""

    idf: Idf
    pivots: Mapping[str, Pivots]  # by field


@dataclass(frozen=True)
class Segment:
    """Profiles and their three fields."""

    profiles: ProfileStore
    columns: Columns
    fields: Mapping[str, Field]

    @classmethod
    def of(cls, profiles: Iterable[Profile], terms: Terms, fitted: Fitted) -> "Segment":
        """Read profiles and weigh them by what was fitted before."""
        writer = _SegmentWriter.of(profiles, terms, fitted.idf.recipe)
        return writer.segment(Columns.of(dict(writer.places), fitted.idf), fitted)

    @classmethod
    def fitted(cls, profiles: Iterable[Profile], terms: Terms, recipe: Recipe) -> tuple["Segment", Fitted]:
        """Read profiles, fit on them, weigh them, and learn which words resemble each other."""
        writer = _SegmentWriter.of(profiles, terms, recipe)
        places = dict(writer.places)
        columns = Columns.of(places, Idf.fitted(places, writer.documents(), recipe)).remembering()
        pivots = {name: pivots_of(one.counts(), columns) for name, one in writer.fields.items()}
        fitted = Fitted(columns.idf, pivots)
        return writer.segment(columns, fitted), fitted

    def joined(self, newer: "Segment") -> "Segment":
        """These profiles and newer ones after them."""
        columns = self.columns.joined(newer.columns.keys)
        moved = columns.places_of(newer.columns.keys)
        fields = {}
        for name, held in newer.fields.items():
            rows = compressed(held.rows.data, moved[held.rows.indices], held.rows.indptr, len(columns))
            fields[name] = self.fields[name].joined(Field(held.owners, held.facts, rows), len(self.profiles))
        return Segment(self.profiles.joined(newer.profiles), columns, fields)

    @property
    def positions(self) -> Mapping[UUID, int]:
        return self.profiles.positions

    @property
    def kinds(self) -> Names:
        """Of every profile: `(profiles,)`."""
        return self.profiles.kinds

    @property
    def kinds_known(self) -> tuple[list[str], Ints]:
        """The kinds there are, and the position of each profile's among them: `(profiles,)`."""
        return self.profiles.kinds_known

    @property
    def hubs(self) -> Names:
        """Of every profile, empty where it has none: `(profiles,)`."""
        return self.profiles.hubs

    @property
    def partnerships(self) -> Floats:
        """How many are known of every profile: `(profiles,)`."""
        return self.profiles.partnerships

    @property
    def published(self) -> Mask:
        """Whether a profile may be suggested at all: `(profiles,)`."""
        return self.profiles.published

    @property
    def families(self) -> Mapping[UUID, list[int]]:
        return self.profiles.families


@dataclass(frozen=True, slots=True)
class _SegmentWriter:
    """Profiles read into fields that share their columns."""

    profiles: ProfileStore
    places: Places
    fields: Mapping[str, FieldWriter]

    @classmethod
    def of(cls, profiles: Iterable[Profile], terms: Terms, recipe: Recipe) -> "_SegmentWriter":
        places = Places()
        fields = {name: FieldWriter(places) for name in FIELDS}
        kept = []
        for owner, profile in enumerate(profiles):
            units = units_of(profile, terms, recipe)
            fields["offers"].add(owner, units.offers)
            fields["needs"].add(owner, units.needs)
            fields["about"].add(owner, (units.about,))
            kept.append(profile)
        return cls(ProfileStore.of(kept), places, fields)

    def segment(self, columns: Columns, fitted: Fitted) -> Segment:
        fields = {
            name: one.made(weighed(one.counts(), columns, fitted.pivots[name])) for name, one in self.fields.items()
        }
        return Segment(self.profiles, columns, fields)

    def documents(self) -> dict[str, Matrix]:
        """The words that every profile has, by language: `(profiles, columns)`."""
        counts = {name: self.fields[name].counts() for name in FIELDS}
        owners = {name: np.array(self.fields[name].owners, np.int32) for name in counts}
        rows = np.concatenate([owners[name][row_numbers(one)] for name, one in counts.items()])
        columns = np.concatenate([one.indices for one in counts.values()])
        code = np.array(["" if key.startswith(MARK) else key[:2] for key in self.places], np.str_)[columns]
        return {one: ones_at(rows[code == one], columns[code == one], len(self.places)) for one in LANGUAGES}
