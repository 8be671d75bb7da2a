"""The query: what each term of the profile that asks weighs, in its own language and translated into the other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log, sqrt

import numpy as np

from services.matching.similarity.inverted_index.columns import MARK, Columns
from services.matching.similarity.inverted_index.field import word_key
from services.matching.similarity.inverted_index.idf import Idf
from services.matching.similarity.inverted_index.matrices import Floats, Ints, Matrix, gathered
from services.matching.similarity.profile import Profile
from services.matching.similarity.text.language import stem
from services.matching.similarity.text.terms import OTHER, Terms
from services.matching.similarity.text.units import Unit, units_of

MOST_QUERIES = 100  # some 50 KiB each
MOST_WEIGHTS = 100_000
MOST_WORDS = 400  # of a text that asks; a longer one is told by those it says most


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A word or a phrase of a unit, or a mark."""

    unit: int
    written: str
    code: str  # its language; nothing for a mark


@dataclass(slots=True)
class Clause:
    """The units of one role that ask one field, and their terms: what each weighs where a text has a key."""

    units: tuple[Unit, ...]
    terms: list[QueryTerm] = field(default_factory=list)
    term_of: list[int] = field(default_factory=list)  # the term, for each weight
    keys: list[str] = field(default_factory=list)
    exactly: list[float] = field(default_factory=list)  # weight where a text has the key
    nearly: list[float] = field(default_factory=list)  # weight where it has a word that resembles it wholly


@dataclass(frozen=True, slots=True)
class Expansion:
    """The terms of a clause over the columns of a segment, those that resemble them included: all `(reached,)`."""

    terms: Ints
    columns: Ints
    weights: Floats
    units: Ints

    @classmethod
    def of(cls, clause: Clause, places: Ints, rows: Ints, alike: Matrix) -> "Expansion":
        """The keys of a clause have their columns at `places`, and what resembles them in `rows` of `alike`.

        Both `(keys,)`; `alike` is `(words, columns)`.
        """
        terms, exactly = np.array(clause.term_of, np.int32), np.array(clause.exactly, np.float32)
        here = np.flatnonzero(places >= 0)
        key, near, likeness = gathered(alike, rows)
        reached = np.concatenate([terms[here], terms[key]])
        weights = np.concatenate([exactly[here], np.array(clause.nearly, np.float32)[key] * likeness])
        units = np.fromiter((one.unit for one in clause.terms), np.int32, len(clause.terms))[reached]
        return cls(reached, np.concatenate([places[here], near]), weights, units)

    def by_unit(self, many: int) -> tuple[Ints, Floats]:
        """The columns that are reached `(columns,)`, and what each unit gives to each of them `(columns, asked)`."""
        columns, place = np.unique(self.columns, return_inverse=True)
        summed = np.bincount(place * many + self.units, self.weights, len(columns) * many)
        return columns, summed.reshape(len(columns), many).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Query:
    """A profile that asks, ready to be compared with any segment."""

    profile: Profile
    offers: Clause
    needs: Clause
    about: Clause

    def expanded(self, columns: Columns) -> dict[str, Expansion]:
        """By field: the clause that asks it. My needs ask their offers, and my offers their needs."""
        clauses = {"offers": self.needs, "needs": self.offers, "about": self.about}
        numbers: dict[str, int] = {}
        at = {name: [numbers.setdefault(key, len(numbers)) for key in one.keys] for name, one in clauses.items()}
        places = columns.places_of(list(numbers))
        alike, rows = columns.resembling(list(numbers), places)
        asking = {name: np.array(each, np.int32) for name, each in at.items()}
        return {
            name: Expansion.of(one, places[asking[name]], rows[asking[name]], alike) for name, one in clauses.items()
        }


@dataclass(frozen=True, slots=True)
class TermWeight:
    """One key that a term reaches before its text is scaled: its weight, and that of resembling it."""

    key: str
    exactly: float
    nearly: float


Weighed = tuple[str, int, tuple[TermWeight, ...]]  # a term as written, how often it occurs, and what it reaches


@dataclass(frozen=True, slots=True)
class QueryReader:
    """Turns profiles into queries."""

    terms: Terms
    idf: Idf
    _translations: dict[tuple[str, str], tuple[TermWeight, ...]] = field(default_factory=dict)  # remembered
    _natives: dict[tuple[str, str], tuple[TermWeight, ...]] = field(default_factory=dict)
    _queries: dict[Profile, Query] = field(default_factory=dict)

    def query(self, profile: Profile) -> Query:
        """Remembered for those who asked last: they ask again with other filters, or look at the next page."""
        found = self._queries.get(profile)
        if found is None:
            found = self._read(profile)
            if len(self._queries) >= MOST_QUERIES:
                self._queries.clear()
            self._queries[profile] = found
        return found

    def _read(self, profile: Profile) -> Query:
        recipe = self.idf.recipe
        units = units_of(profile, self.terms, recipe)
        about = self._clause((units.about,), recipe.text_ground)
        return Query(profile, self._clause(units.offers, 1.0), self._clause(units.needs, 1.0), about)

    def _clause(self, units: Sequence[Unit], text_weight: float) -> Clause:
        clause, recipe = Clause(tuple(units)), self.idf.recipe
        for number, unit in enumerate(units):
            share = text_weight / (1 + recipe.related) / max(len(unit.words), 1) ** recipe.two_languages
            for code, found in unit.words.items():
                _add(clause, number, code, list(self._native(found, code)), share)
                _add(clause, number, code, list(self._translated(found, code)), share * recipe.translated)
            for name, weight in unit.marks.items():
                _add(clause, number, "", [(name, 1, (TermWeight(MARK + name, 1, 0),))], weight)
        return clause

    def _native(self, found: Sequence[str], code: str) -> Iterator[Weighed]:
        related = self.idf.recipe.related
        for word, count in _counted(found, code):
            known = self._natives.get((word, code))
            if known is None:
                if len(self._natives) >= MOST_WEIGHTS:
                    self._natives.clear()
                key = word_key(word, code)
                idf = self.idf.of(key)
                known = self._natives[word, code] = (TermWeight(key, idf, idf * related),)
            yield word, count, known

    def _translated(self, found: Sequence[str], code: str) -> Iterator[Weighed]:
        for word, count in _counted(found, code):
            yield word, count, self._translation(word, code)
        stems = [stem(word, code) for word in found]
        for phrase, count in Counter(self.terms.phrases_in(stems, code)).items():
            yield phrase, count, self._translation(phrase, code)

    def _translation(self, written: str, code: str) -> tuple[TermWeight, ...]:
        """What a word or a phrase of stems means. Without a translation it is looked for as it stands."""
        remembered = self._translations.get((written, code))
        if remembered is None:
            if len(self._translations) >= MOST_WEIGHTS:
                self._translations.clear()
            recipe, to = self.idf.recipe, OTHER[code]
            key = written if " " in written else stem(written, code)
            known = self.terms.meanings[code].get(key)
            near = recipe.related * (recipe.related_to_translation if known else 1.0)
            remembered = tuple(
                TermWeight(f"{to} {meaning}", weight * idf, weight * idf * near)
                for meaning, weight in known or ((stem(written, to), 1.0),)
                for idf in (self.idf.of(f"{to} {meaning}"),)
            )
            self._translations[written, code] = remembered
        return remembered


def _counted(found: Sequence[str], code: str) -> Iterator[tuple[str, int]]:
    """How often each stem occurs, told by the first word that has it."""
    first: dict[str, str] = {}
    counts = Counter(first.setdefault(word_key(word, code), word) for word in found)
    yield from counts.most_common(MOST_WORDS)


def _add(clause: Clause, unit: int, code: str, weighed: Sequence[Weighed], length: float) -> None:
    """Add the terms of a unit in one language, scaled so that all of them together are of that length."""
    scales = [1 + log(count) for _, count, _ in weighed]
    squares = sum(
        (scale * one.exactly) ** 2 for scale, (_, _, reached) in zip(scales, weighed, strict=True) for one in reached
    )
    for scale, (written, _, reached) in zip(scales, weighed, strict=True):
        factor = scale * length / sqrt(squares)
        for one in reached:
            clause.term_of.append(len(clause.terms))
            clause.keys.append(one.key)
            clause.exactly.append(one.exactly * factor)
            clause.nearly.append(one.nearly * factor)
        clause.terms.append(QueryTerm(unit, written, code))
