"""The side that asks: what each of its words is worth, in its own language and translated into the other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log, sqrt

import numpy as np

from services.matching.similarity.inverted_index.columns import MARK, Columns
from services.matching.similarity.inverted_index.field import word_key
from services.matching.similarity.inverted_index.idf import Rarity
from services.matching.similarity.inverted_index.matrices import Floats, Ints, Matrix, gathered
from services.matching.similarity.profile import Profile
from services.matching.similarity.text.language import stem
from services.matching.similarity.text.terms import OTHER, Terms
from services.matching.similarity.text.units import Unit, units_of

MOST_QUESTIONS = 100  # some 50 KiB each
MOST_WORTHS = 100_000
MOST_WORDS = 400  # of a text that asks; a longer one is told by those it says most


@dataclass(frozen=True, slots=True)
class Said:
    """A word or a phrase of a unit, or a mark."""

    unit: int
    written: str
    code: str  # its language; nothing for a mark


@dataclass(slots=True)
class Asked:
    """The units of one role and what they say: for each thing said, what it is worth where a text has a key."""

    units: tuple[Unit, ...]
    said: list[Said] = field(default_factory=list)
    of: list[int] = field(default_factory=list)  # what is said, for each worth
    keys: list[str] = field(default_factory=list)
    exactly: list[float] = field(default_factory=list)  # worth where a text has the key
    nearly: list[float] = field(default_factory=list)  # worth where it has a word that resembles it wholly


@dataclass(frozen=True, slots=True)
class Reach:
    """What is said meets these columns of a segment, with these weights."""

    said: Ints
    columns: Ints
    weights: Floats
    units: Ints

    @classmethod
    def of(cls, asked: Asked, places: Ints, rows: Ints, alike: Matrix) -> "Reach":
        """The keys of what is asked have their columns at `places`, and what resembles them in `rows` of `alike`."""
        said, exactly = np.array(asked.of, np.int32), np.array(asked.exactly, np.float32)
        here = np.flatnonzero(places >= 0)
        worth, near, likeness = gathered(alike, rows)
        reached = np.concatenate([said[here], said[worth]])
        weights = np.concatenate([exactly[here], np.array(asked.nearly, np.float32)[worth] * likeness])
        units = np.fromiter((one.unit for one in asked.said), np.int32, len(asked.said))[reached]
        return cls(reached, np.concatenate([places[here], near]), weights, units)

    def by_unit(self, many: int) -> tuple[Ints, Floats]:
        """The columns that are reached, and what each unit gives to each of them."""
        columns, place = np.unique(self.columns, return_inverse=True)
        summed = np.bincount(place * many + self.units, self.weights, len(columns) * many)
        return columns, summed.reshape(len(columns), many).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Question:
    """A profile that asks, ready to be compared with any segment."""

    profile: Profile
    offers: Asked
    needs: Asked
    about: Asked

    def reach(self, columns: Columns) -> dict[str, Reach]:
        """By field: what is asked of it. My needs ask their offers, and my offers their needs."""
        asked = {"offers": self.needs, "needs": self.offers, "about": self.about}
        numbers: dict[str, int] = {}
        at = {name: [numbers.setdefault(key, len(numbers)) for key in one.keys] for name, one in asked.items()}
        places = columns.places_of(list(numbers))
        alike, rows = columns.resembling(list(numbers), places)
        asking = {name: np.array(each, np.int32) for name, each in at.items()}
        return {name: Reach.of(one, places[asking[name]], rows[asking[name]], alike) for name, one in asked.items()}


@dataclass(frozen=True, slots=True)
class Worth:
    """One key that a word reaches before its text is scaled: its weight, and that of resembling it."""

    key: str
    exactly: float
    nearly: float


@dataclass(frozen=True, slots=True)
class Speaker:
    """Turns profiles into what they ask for."""

    terms: Terms
    rarity: Rarity
    _translations: dict[tuple[str, str], tuple[Worth, ...]] = field(default_factory=dict)  # remembered
    _natives: dict[tuple[str, str], tuple[Worth, ...]] = field(default_factory=dict)
    _questions: dict[Profile, Question] = field(default_factory=dict)

    def question(self, profile: Profile) -> Question:
        """Remembered for those who asked last: they ask again with other filters, or look at the next page."""
        found = self._questions.get(profile)
        if found is None:
            found = self._read(profile)
            if len(self._questions) >= MOST_QUESTIONS:
                self._questions.clear()
            self._questions[profile] = found
        return found

    def _read(self, profile: Profile) -> Question:
        recipe = self.rarity.recipe
        units = units_of(profile, self.terms, recipe)
        about = self._asked((units.about,), recipe.text_ground)
        return Question(profile, self._asked(units.offers, 1.0), self._asked(units.needs, 1.0), about)

    def _asked(self, units: Sequence[Unit], text_weight: float) -> Asked:
        asked, recipe = Asked(tuple(units)), self.rarity.recipe
        for number, unit in enumerate(units):
            share = text_weight / (1 + recipe.related) / max(len(unit.words), 1) ** recipe.two_languages
            for code, found in unit.words.items():
                _say(asked, number, code, list(self._native(found, code)), share)
                _say(asked, number, code, list(self._translated(found, code)), share * recipe.translated)
            for name, weight in unit.marks.items():
                _say(asked, number, "", [(name, 1, (Worth(MARK + name, 1, 0),))], weight)
        return asked

    def _native(self, found: Sequence[str], code: str) -> Iterator[tuple[str, int, tuple[Worth, ...]]]:
        related = self.rarity.recipe.related
        for word, count in _counted(found, code):
            known = self._natives.get((word, code))
            if known is None:
                if len(self._natives) >= MOST_WORTHS:
                    self._natives.clear()
                key = word_key(word, code)
                rarity = self.rarity.of(key)
                known = self._natives[word, code] = (Worth(key, rarity, rarity * related),)
            yield word, count, known

    def _translated(self, found: Sequence[str], code: str) -> Iterator[tuple[str, int, tuple[Worth, ...]]]:
        for word, count in _counted(found, code):
            yield word, count, self._translation(word, code)
        stems = [stem(word, code) for word in found]
        for phrase, count in Counter(self.terms.phrases_in(stems, code)).items():
            yield phrase, count, self._translation(phrase, code)

    def _translation(self, written: str, code: str) -> tuple[Worth, ...]:
        """What a word or a phrase of stems means. Without a translation it is looked for as it stands."""
        remembered = self._translations.get((written, code))
        if remembered is None:
            if len(self._translations) >= MOST_WORTHS:
                self._translations.clear()
            recipe, to = self.rarity.recipe, OTHER[code]
            key = written if " " in written else stem(written, code)
            known = self.terms.meanings[code].get(key)
            near = recipe.related * (recipe.related_to_translation if known else 1.0)
            remembered = tuple(
                Worth(f"{to} {meaning}", weight * rarity, weight * rarity * near)
                for meaning, weight in known or ((stem(written, to), 1.0),)
                for rarity in (self.rarity.of(f"{to} {meaning}"),)
            )
            self._translations[written, code] = remembered
        return remembered


def _counted(found: Sequence[str], code: str) -> Iterator[tuple[str, int]]:
    """How often each stem occurs, told by the first word that has it."""
    first: dict[str, str] = {}
    counts = Counter(first.setdefault(word_key(word, code), word) for word in found)
    yield from counts.most_common(MOST_WORDS)


def _say(asked: Asked, unit: int, code: str, said: Sequence[tuple[str, int, tuple[Worth, ...]]], length: float) -> None:
    """Add what a unit says in one language, scaled so that all of it together is of that length."""
    scales = [1 + log(count) for _, count, _ in said]
    squares = sum(
        (scale * one.exactly) ** 2 for scale, (_, _, worth) in zip(scales, said, strict=True) for one in worth
    )
    for scale, (written, _, worth) in zip(scales, said, strict=True):
        factor = scale * length / sqrt(squares)
        for one in worth:
            asked.of.append(len(asked.said))
            asked.keys.append(one.key)
            asked.exactly.append(one.exactly * factor)
            asked.nearly.append(one.nearly * factor)
        asked.said.append(Said(unit, written, code))
