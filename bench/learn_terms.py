"""Learns which Danish stem means which English one from sentences in both languages.

    python3 -m bench.learn_terms PAIRS.tsv.gz services/matching/similarity/text/learnt_terms.tsv

PAIRS has three columns: source, Danish, English: sentences of Tatoeba, package synopses and descriptions of Debian. A
word is told by one that stands about as far into the other text: IBM model 2 as C. Dyer, V. Chahuneau and N. A. Smith
simplify it ("A Simple, Fast, and Effective Reparameterization of IBM Model 2", NAACL 2013). It is fitted in both
directions; a pair of stems is kept where both agree.
"""

import argparse
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.matching.similarity.text.language import stem, stop_words, words

ROUNDS = 5
TENSION = 8.0  # how firmly words keep to their place; without it, mixed texts lose 1.5 % and exact translations 1 point
MOST_WORDS = 60  # of a text
LEAST_AGREEMENT = 0.01  # product of the two probabilities
LEAST_SEEN = 0.5  # expected number of times, in the direction that saw it less
MOST = 3  # translations of one stem

HEADER = """\
# Danish stem, English stem, how far the two directions agree. Made by bench/learn_terms.py; not edited by hand.
# Learnt from sentences of Tatoeba (https://tatoeba.org, its contributors, CC BY 2.0 FR) and from package descriptions
# of Debian in Danish and English (https://www.debian.org, its contributors, under each package's free licence).
"""

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, of all texts one after another."""

    texts: Numbers
    stems: Numbers
    depths: Values  # how far into its text a word stands, 0 to 1
    known: list[str]


@dataclass(frozen=True, slots=True)
class Cells:
    """Every Danish word beside every English word of the same text."""

    danish: Numbers  # positions among the Danish words
    english: Numbers
    near: Values  # how much their places speak for them


def read(path: Path) -> tuple[Words, Words]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [line.rstrip("\n").split("\t")[1:] for line in lines]
    return _words([pair[0] for pair in texts], "da"), _words([pair[1] for pair in texts], "en")


def _words(texts: Sequence[str], code: str) -> Words:
    numbers: dict[str, int] = {}
    found = [
        [numbers.setdefault(stem(word, code), len(numbers)) for word in words(text)[:MOST_WORDS]] for text in texts
    ]
    many = np.array([len(one) for one in found])
    depths = np.concatenate([(np.arange(length) + 0.5) / length for length in many])
    return Words(np.repeat(np.arange(len(texts)), many), np.concatenate(found).astype(np.int64), depths, list(numbers))


def beside(danish: Words, english: Words) -> Cells:
    start, end = (np.searchsorted(english.texts, danish.texts, side=side) for side in ("left", "right"))
    many = end - start
    here = np.repeat(np.arange(len(danish.texts)), many)
    there = np.arange(len(here)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(start, many)
    return Cells(here, there, np.exp(-TENSION * np.abs(danish.depths[here] - english.depths[there])))


def fitted(told: Numbers, given: Numbers, pair: Numbers, near: Values) -> tuple[Values, Values]:
    """How likely each pair's `given` stem is to be told by the other, and how often it was.

    A cell each: the position of the word `told`, the stem that is `given`, the two stems as a `pair`.
    """
    pairs = int(pair.max()) + 1
    owner = np.zeros(pairs, np.int64)
    owner[pair] = given
    likely: Values = np.ones(pairs)
    seen: Values = likely
    for _ in range(ROUNDS):
        cells = likely[pair] * near
        seen = np.asarray(np.bincount(pair, cells / np.bincount(told, cells)[told], pairs), np.float64)
        likely = seen / np.bincount(owner, seen)[owner]
    return likely, seen


def learn(danish: Words, english: Words) -> Iterator[tuple[str, str, float]]:
    """Pairs that both directions agree on, the best of each Danish stem first."""
    cells, width = beside(danish, english), len(english.known)
    both, pair = np.unique(danish.stems[cells.danish] * width + english.stems[cells.english], return_inverse=True)
    to_english, seen = fitted(cells.english, danish.stems[cells.danish], pair, cells.near)
    to_danish, seen_back = fitted(cells.danish, english.stems[cells.english], pair, cells.near)
    agreed = to_english * to_danish
    kept = np.flatnonzero((agreed >= LEAST_AGREEMENT) & (np.minimum(seen, seen_back) >= LEAST_SEEN))
    stops = [{stem(word, code) for word in stop_words(code)} for code in ("da", "en")]
    found: dict[str, list[tuple[float, str]]] = {}
    for at in kept.tolist():
        one, other = danish.known[both[at] // width], english.known[both[at] % width]
        if one not in stops[0] and other not in stops[1] and one.isalpha() and other.isalpha():
            found.setdefault(one, []).append((-float(agreed[at]), other))
    for one in sorted(found):
        best = sorted(found[one])[:MOST]
        if best[0][1] != one:  # a word that is the same in both is looked for as it stands
            yield from ((one, other, -less) for less, other in best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("table", type=Path)
    arguments = parser.parse_args()
    lines = [f"{danish}\t{english}\t{value:.2f}\n" for danish, english, value in learn(*read(arguments.pairs))]
    arguments.table.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{len(lines)} pairs")


if __name__ == "__main__":
    main()
