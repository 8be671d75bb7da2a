"""The term table: Danish terms and their English words, in a plain file that a domain expert edits.

`terms.tsv` has three columns: Danish, English, domain. Several words for one are further lines, or stand
with a `|` between them. A term may be a phrase: "cirkulær økonomi" is read as one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from services.matching.similarity import language
from services.matching.similarity.stems import stem, stem_phrase

OTHER = {"da": "en", "en": "da"}
PART_OF_PHRASE = 0.5  # a phrase's own words weigh this beside the phrase as a whole


@dataclass(frozen=True, slots=True)
class Terms:
    """Stems of one language to weighted stems of the other; phrases are stems with spaces between them."""

    meanings: Mapping[str, Mapping[str, tuple[tuple[str, float], ...]]]  # language, stem, (stem, weight)
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]]  # language, first stem, phrases longest first

    def knows(self, text: str) -> dict[str, int]:
        """How many words of a text each language's column has."""
        found = language.words(text)
        return {code: sum(stem(word, code) in table for word in found) for code, table in self.meanings.items()}

    def language_of(self, text: str, *, otherwise: str | None = None) -> str | None:
        """The language by function words, else by the terms a text holds."""
        told = language.language_of(text)
        if told:
            return told
        known = self.knows(text)
        if known["da"] == known["en"]:
            return otherwise
        return "da" if known["da"] > known["en"] else "en"

    def tokens(self, text: str, code: str) -> list[str]:
        """The words of a text and, after their words, the phrases the table knows."""
        found = language.words(text)
        return found + list(self._phrases_in(found, code))

    def _phrases_in(self, found: list[str], code: str) -> Iterator[str]:
        starts = self.phrases[code]
        stems = [stem(word, code) for word in found]
        for at, first in enumerate(stems):
            for phrase in starts.get(first, ()):
                length = phrase.count(" ") + 1
                if " ".join(stems[at : at + length]) == phrase:
                    yield " ".join(found[at : at + length])
                    break


def pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Danish and English of every line; remarks start with #."""
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        danish, english, *_ = line.split("\t")
        yield from (
            (" ".join(language.words(one)), " ".join(language.words(other)))
            for one in danish.split("|")
            for other in english.split("|")
        )


def spread(targets: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """Weights of the translations of one term: each alternative the same, a phrase and its words share."""
    weights: dict[str, float] = defaultdict(float)
    alternatives = list(dict.fromkeys(targets))
    for target in alternatives:
        weights[target] += 1 / len(alternatives) ** 0.5
        parts = target.split()
        if len(parts) > 1:
            for part in parts:
                weights[part] += PART_OF_PHRASE / len(alternatives) ** 0.5
    return tuple(weights.items())


def read(lines: Iterable[str]) -> Terms:
    """A term table of lines of text."""
    found: dict[str, dict[str, list[str]]] = {"da": defaultdict(list), "en": defaultdict(list)}
    for danish, english in pairs(lines):
        da, en = stem_phrase(danish, "da"), stem_phrase(english, "en")
        found["da"][da].append(en)
        found["en"][en].append(da)
    meanings = {code: {key: spread(to) for key, to in table.items()} for code, table in found.items()}
    return Terms(meanings, {code: starts(table) for code, table in found.items()})


def starts(keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Phrases by their first stem, the longest first."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if " " in key:
            by_first[key.split()[0]].append(key)
    return {first: tuple(sorted(them, key=lambda p: -p.count(" "))) for first, them in by_first.items()}


@cache
def shipped() -> Terms:
    """The table that comes with the service."""
    text = (files(__package__) / "terms.tsv").read_text(encoding="utf-8")
    return read(text.splitlines())
