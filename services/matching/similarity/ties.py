"""Two units word by word: which of my words meets which of theirs, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import numpy as np

from services.matching.similarity.columns import MARK
from services.matching.similarity.field import Field, word_key
from services.matching.similarity.language import WORD, normal, stem
from services.matching.similarity.matrices import Floats, Longs
from services.matching.similarity.profile import Tie
from services.matching.similarity.question import Asked, Reach, Said
from services.matching.similarity.segment import Segment

MOST_CONTACTS = 40


@dataclass(frozen=True, slots=True)
class Contact:
    """A word or mark of mine, a key of theirs, and the value of the two."""

    mine: Said
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
class Contacts:
    """What ties two units: the value of all words, the strongest words, and the marks, the strongest first."""

    worded: float
    words: list[Contact]
    marks: list[Contact]

    @property
    def value(self) -> float:
        return self.worded + sum(one.value for one in self.marks)


@dataclass(frozen=True)
class Meeting:
    """Asking units beside the units of a field."""

    asked: Asked
    reach: Reach
    segment: Segment
    field: Field

    @cached_property
    def _order(self) -> tuple[Longs, Longs]:
        """The order of the reach by unit that asks and column, and unit and column as one number in that order."""
        places = self.reach.units.astype(np.int64) * len(self.segment.columns) + self.reach.columns
        order = np.argsort(places, kind="stable")
        return order, places[order]

    def contacts(self, mine: int, theirs: int, most: int | None = MOST_CONTACTS) -> Contacts:
        """What ties two units, as many words as asked for. The values add up to their score."""
        rows, width = self.field.rows, len(self.segment.columns)
        here = slice(rows.indptr[theirs], rows.indptr[theirs + 1])
        at, reached = self._reached(rows.indices[here] + np.int64(mine) * width)
        pairs = self.reach.said[reached].astype(np.int64) * width + rows.indices[here][at]
        both, place = np.unique(pairs, return_inverse=True)
        values = np.bincount(place, self.reach.weights[reached] * rows.data[here][at], len(both))
        is_mark = self.segment.columns.spelled.languages[both % width] < 0
        return Contacts(
            float(values[~is_mark].sum()),
            self._read(both[~is_mark], values[~is_mark], most),
            self._read(both[is_mark], values[is_mark], most),
        )

    def _read(self, both: Longs, values: Floats, most: int | None) -> list[Contact]:
        """The strongest pairs of what is said and a column."""
        keys, said, width = self.segment.columns.keys, self.asked.said, len(self.segment.columns)
        strongest = np.argsort(-values, kind="stable")[:most].tolist()
        return [Contact(said[both[one] // width], keys[both[one] % width], float(values[one])) for one in strongest]

    def _reached(self, wanted: Longs) -> tuple[Longs, Longs]:
        """Positions in `wanted` and in the reach that are of one unit and column."""
        order, places = self._order
        first, last = np.searchsorted(places, wanted), np.searchsorted(places, wanted, side="right")
        many = last - first
        at = np.repeat(np.arange(len(wanted)), many)
        return at, order[np.arange(len(at)) + np.repeat(first - np.cumsum(many) + many, many)]

    def tie(self, contact: Contact, factor: float, yours: Sequence[str], theirs: Sequence[str]) -> Tie:
        """A contact as people read it, beside the texts it comes from."""
        share = contact.value * factor
        if contact.is_mark:
            return _same_mark(contact.key, share)
        said = contact.mine
        code, stemmed = contact.key.split(" ", 1)
        mine = " ".join(as_written(stem(word, said.code), said.code, yours) for word in said.written.split())
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
    start = stemmed[:-1] or stemmed  # Snowball may change the last letter: companies, compani
    for text in texts:
        plain = normal(text)
        lower = plain.lower()
        at = lower.find(start)
        while at >= 0:
            found = WORD.match(plain, at)
            if found and not lower[at - 1 : at].isalnum() and stem(found.group().lower(), code) == stemmed:
                return found.group()
            at = lower.find(start, at + 1)
    return stemmed
