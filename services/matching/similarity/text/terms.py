"""Danish words and their English ones: a table that a domain expert edits, and one learnt from parallel text.

`terms.tsv` has three columns: Danish, English, domain. Several words for one are further lines, or stand with a `|`
between them. A term may be a phrase. `learnt_terms.tsv` holds stems: Danish, English, probability; what the first
table says of a term is not overruled by the second.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from services.matching.similarity.text.language import language_of, stem, stem_phrase, stop_words, words

OTHER = {"da": "en", "en": "da"}
Meanings = Mapping[
    str, tuple[tuple[str, float], ...]
]  # a stem or phrase of stems; stems of the other language, weights


@dataclass(frozen=True, slots=True)
class Terms:
    """Translations, and where phrases start: by language."""

    meanings: Mapping[str, Meanings]
    phrases: Mapping[str, Mapping[str, tuple[tuple[str, ...], ...]]]  # by first stem, the longest first

    def language_of(self, found: Sequence[str]) -> str | None:
        """The language by function words, else by which table knows more of the words."""
        told = language_of(found)
        if told:
            return told
        known = {code: sum(stem(word, code) in table for word in found) for code, table in self.meanings.items()}
        if known["da"] == known["en"]:
            return None
        return "da" if known["da"] > known["en"] else "en"

    def phrases_in(self, stems: Sequence[str], code: str) -> Iterator[str]:
        """The phrases the table knows; where two start at one place, the longest."""
        starts = self.phrases[code]
        for at, first in enumerate(stems):
            for phrase in starts.get(first, ()):
                if tuple(stems[at : at + len(phrase)]) == phrase:
                    yield " ".join(phrase)
                    break


def content(phrase: str, code: str) -> str:
    """A phrase as texts hold it: without stop words, as stems."""
    return stem_phrase(" ".join(word for word in words(phrase) if word not in stop_words(code)), code)


def pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Danish and English stems of every line; remarks start with #."""
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        danish, english, *_ = line.split("\t")
        for one in danish.split("|"):
            for other in english.split("|"):
                da, en = content(one, "da"), content(other, "en")
                if da and en:
                    yield da, en


def spread(alternatives: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """Weights of length one over all alternatives, and over the words of each that is a phrase."""
    weights: dict[str, float] = defaultdict(float)
    chosen = list(dict.fromkeys(alternatives))
    for one in chosen:
        parts = one.split()
        for part in parts:
            weights[part] = max(weights[part], (len(parts) * len(chosen)) ** -0.5)
    return tuple(weights.items())


def learnt(lines: Iterable[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Probabilities of stems, both ways."""
    found: dict[str, dict[str, dict[str, float]]] = {"da": defaultdict(dict), "en": defaultdict(dict)}
    for line in lines:
        if line.startswith("#"):
            continue
        danish, english, probability = line.split("\t")
        found["da"][danish][english] = found["en"][english][danish] = float(probability)
    return found


def read(lines: Iterable[str], learnt_lines: Iterable[str] = ()) -> Terms:
    """Both tables from lines of text."""
    written: dict[str, dict[str, list[str]]] = {"da": defaultdict(list), "en": defaultdict(list)}
    for danish, english in pairs(lines):
        written["da"][danish].append(english)
        written["en"][english].append(danish)
    meanings: dict[str, dict[str, tuple[tuple[str, float], ...]]] = {}
    for code, table in learnt(learnt_lines).items():
        meanings[code] = {key: shares(to) for key, to in table.items()}
        meanings[code] |= {key: spread(to) for key, to in written[code].items()}
    return Terms(meanings, {code: starts(table) for code, table in written.items()})


def shares(to: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(to.values())
    return tuple((key, value / total) for key, value in to.items())


def starts(keys: Iterable[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Phrases by their first stem, the longest first."""
    by_first: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for key in keys:
        if " " in key:
            by_first[key.split()[0]].append(tuple(key.split()))
    return {first: tuple(sorted(them, key=lambda one: (-len(one), one))) for first, them in by_first.items()}


@cache
def shipped() -> Terms:
    """The tables that come with the service."""
    here = files(__package__)
    both = [(here / name).read_text(encoding="utf-8").splitlines() for name in ("terms.tsv", "learnt_terms.tsv")]
    return read(*both)
