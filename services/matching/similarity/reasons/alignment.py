"""Two units aligned word by word: which of my terms hits which of their words, and what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

import numpy as np

from services.matching.similarity.inverted_index.columns import MARK
from services.matching.similarity.inverted_index.field import Field, word_key
from services.matching.similarity.inverted_index.matrices import Floats, Ints, Longs
from services.matching.similarity.inverted_index.segment import Segment
from services.matching.similarity.profile import Tie
from services.matching.similarity.scoring.query import Clause, Expansion, QueryTerm
from services.matching.similarity.text.language import WORD, normal, stem

MOST_HITS = 40
Point = tuple[int, int]  # a term of the clause, by its number, and a column


@dataclass(frozen=True, slots=True)
class Hit:
    """A term of mine, a key of theirs, and the value of the two."""

    mine: QueryTerm
    key: str
    value: float

    @property
    def is_mark(self) -> bool:
        return self.key.startswith(MARK)

    @property
    def is_weak(self) -> bool:
        """A word that is true of everybody counts in the score, but tells nobody anything."""
        if self.is_mark:
            return False
        return not weak_keys().isdisjoint((self.key, word_key(self.mine.written, self.mine.code)))


@dataclass(frozen=True, slots=True)
class Hits:
    """What ties two units: the value of all words, the strongest words, and the marks, the strongest first."""

    worded: float
    words: list[Hit]
    marks: list[Hit]

    @property
    def value(self) -> float:
        return self.worded + sum(one.value for one in self.marks)


@dataclass(frozen=True)
class Alignment:
    """The units of a clause beside the units of a field."""

    clause: Clause
    expansion: Expansion
    segment: Segment
    field: Field

    @cached_property
    def _sorted(self) -> tuple[Longs, Ints, Floats]:
        """The expansion in the order of asking unit and column, told as one number; term; weight: all `(reached,)`."""
        places = self.expansion.units.astype(np.int64) * len(self.segment.columns) + self.expansion.columns
        order = np.argsort(places, kind="stable")
        return places[order], self.expansion.terms[order], self.expansion.weights[order]

    def hits(self, mine: int, theirs: int, most: int | None = MOST_HITS) -> Hits:
        """What ties two units; of words the strongest, unless all are asked for. The values add up to their score."""
        keys, words, marks = self.segment.columns.keys, dict[Point, float](), dict[Point, float]()
        for term, column, value in zip(*self._points(mine, theirs), strict=True):
            bag = marks if keys[column].startswith(MARK) else words
            bag[term, column] = bag.get((term, column), 0.0) + value
        worded = sum(words.values())
        least = 0.0 if most is None else self.segment.columns.idf.recipe.tie_least * worded
        return Hits(worded, self._read(words, least)[:most], self._read(marks, 0.0))

    def _read(self, bag: Mapping[Point, float], least: float) -> list[Hit]:
        """Pairs of a term and a column, the strongest first."""
        keys, terms = self.segment.columns.keys, self.clause.terms
        strong = sorted((each for each in bag.items() if each[1] >= least), key=lambda each: -each[1])
        return [Hit(terms[mine], keys[column], value) for (mine, column), value in strong]

    def _points(self, mine: int, theirs: int) -> tuple[list[int], list[int], list[float]]:
        """Where a term of one unit hits a word of the other: term, column, value.

        A term may hit the same word more than once: exactly and by resemblance, or by several translations.
        """
        (places, terms, weights), rows = self._sorted, self.field.rows
        here = slice(rows.indptr[theirs], rows.indptr[theirs + 1])
        columns = rows.indices[here]
        wanted = columns + np.int64(mine) * len(self.segment.columns)
        first = places.searchsorted(wanted)
        many = places.searchsorted(wanted, side="right") - first
        at = np.repeat(np.arange(len(wanted)), many)
        reached = np.arange(len(at)) + np.repeat(first - many.cumsum() + many, many)
        values = weights[reached] * rows.data[here][at]
        return terms[reached].tolist(), columns[at].tolist(), values.tolist()

    def tie(self, hit: Hit, factor: float, yours: Sequence[str], theirs: Sequence[str]) -> Tie:
        """A hit as people read it, beside the texts it comes from."""
        share = hit.value * factor
        if hit.is_mark:
            return _same_mark(hit.key, share)
        term = hit.mine
        code, stemmed = hit.key.split(" ", 1)
        mine = " ".join(as_written(stem(word, term.code), term.code, yours) for word in term.written.split())
        return Tie(mine, as_written(stemmed, code, theirs), share)


def _same_mark(key: str, share: float) -> Tie:
    name = key.removeprefix(MARK).split(":")[1]
    return Tie(name, name, share)


def tells(key: str) -> bool:
    """Whether a word or mark says more than most organisations say of themselves."""
    return key not in weak_keys()


def shared_word(key: str, share: float, one: Sequence[str], other: Sequence[str]) -> Tie:
    """A word that both texts have, as each writes it; or a mark of both."""
    if key.startswith(MARK):
        return _same_mark(key, share)
    code, stemmed = key.split(" ", 1)
    return Tie(as_written(stemmed, code, one), as_written(stemmed, code, other), share)


@cache
def weak_keys() -> frozenset[str]:
    """Words that most organisations say of themselves."""
    lines = (files(__package__) / "weak_words.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return frozenset(f"{code} {stem(word, code)}" for code, several in pairs for word in several.split())


def as_written(stemmed: str, code: str, texts: Sequence[str]) -> str:
    """The first word of the texts with this stem; the stem where none has it."""
    return _as_written(stemmed, code, tuple(texts))


@lru_cache(maxsize=10_000)
def _as_written(stemmed: str, code: str, texts: tuple[str, ...]) -> str:
    start = stemmed[:-1] or stemmed  # Snowball may change the last letter: companies, compani
    for text in texts:
        plain, lower = _plain(text)
        at = lower.find(start)
        while at >= 0:
            found = WORD.match(plain, at)
            if found and not lower[at - 1 : at].isalnum() and stem(found.group().lower(), code) == stemmed:
                return found.group()
            at = lower.find(start, at + 1)
    return stemmed


@lru_cache(maxsize=1_000)
def _plain(text: str) -> tuple[str, str]:
    """As words are read from it, and in lower case."""
    plain = normal(text)
    return plain, plain.lower()
