"""Learns which Danish stem means which English one from sentences in both languages.

    python3 -m bench.learn_terms PAIRS.tsv.gz services/matching/similarity/learnt_terms.tsv

PAIRS has three columns: source, Danish, English. Only short pairs are used: whole sentences of Tatoeba and one-line
package synopses of Debian. IBM model 1 is fitted in both directions; a pair of stems is kept where both agree.
"""

import argparse
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.matching.similarity.language import stem, stop_words, words

SOURCES = {"tatoeba", "debsyn"}
ROUNDS = 5
LEAST_AGREEMENT = 0.01  # product of the two probabilities
LEAST_SEEN = 0.5  # expected number of times, in the direction that saw it less
MOST = 3  # translations of one stem

HEADER = """\
# Danish stem, English stem, how far the two directions agree. Made by bench/learn_terms.py; not edited by hand.
# Learnt from sentences of Tatoeba (https://tatoeba.org, its contributors, CC BY 2.0 FR) and from package synopses of
# Debian and their Danish translations (https://www.debian.org, its contributors, under each package's free licence).
"""

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Every Danish stem beside every English stem of its sentence."""

    sentences: Numbers
    danish: Numbers
    english: Numbers
    stems: tuple[list[str], list[str]]


def read(path: Path) -> Cells:
    numbers: tuple[dict[str, int], dict[str, int]] = ({}, {})
    danish, english, sentences = [], [], []
    for at, texts in enumerate(_pairs(path)):
        da, en = (
            [known.setdefault(stem(word, code), len(known)) for word in dict.fromkeys(words(text))]
            for known, text, code in zip(numbers, texts, ("da", "en"), strict=True)
        )
        danish.append(np.repeat(np.array(da, np.int64), len(en)))
        english.append(np.tile(np.array(en, np.int64), len(da)))
        sentences.append(np.full(len(da) * len(en), at))
    stems = (list(numbers[0]), list(numbers[1]))
    return Cells(np.concatenate(sentences), np.concatenate(danish), np.concatenate(english), stems)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            source, danish, english = line.rstrip("\n").split("\t")
            if source in SOURCES:
                yield danish, english


def fitted(sentences: Numbers, given: Numbers, told: Numbers, pair: Numbers) -> tuple[Values, Values]:
    """IBM model 1: how likely each pair's `given` stem is to be told by the other, and how often it was."""
    pairs, words_given = int(pair.max()) + 1, int(given.max()) + 1
    owner = np.zeros(pairs, np.int64)
    owner[pair] = given
    _, place = np.unique(sentences * (int(told.max()) + 1) + told, return_inverse=True)
    likely: Values = np.ones(pairs)
    seen: Values = likely
    for _ in range(ROUNDS):
        cells = likely[pair]
        seen = np.asarray(np.bincount(pair, cells / np.bincount(place, cells)[place], pairs), np.float64)
        likely = seen / np.bincount(owner, seen, words_given)[owner]
    return likely, seen


def learn(cells: Cells) -> Iterator[tuple[str, str, float]]:
    """Pairs that both directions agree on, the best of each Danish stem first."""
    width = int(cells.english.max()) + 1
    both, pair = np.unique(cells.danish * width + cells.english, return_inverse=True)
    to_english, seen = fitted(cells.sentences, cells.danish, cells.english, pair)
    to_danish, seen_back = fitted(cells.sentences, cells.english, cells.danish, pair)
    agreed = to_english * to_danish
    kept = np.flatnonzero((agreed >= LEAST_AGREEMENT) & (np.minimum(seen, seen_back) >= LEAST_SEEN))
    stops = [{stem(word, code) for word in stop_words(code)} for code in ("da", "en")]
    found: dict[str, list[tuple[float, str]]] = {}
    for at in kept.tolist():
        danish, english = cells.stems[0][both[at] // width], cells.stems[1][both[at] % width]
        if danish not in stops[0] and english not in stops[1] and danish.isalpha() and english.isalpha():
            found.setdefault(danish, []).append((-float(agreed[at]), english))
    for danish in sorted(found):
        best = sorted(found[danish])[:MOST]
        if best[0][1] != danish:  # a word that is the same in both is looked for as it stands
            yield from ((danish, english, -less) for less, english in best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("table", type=Path)
    arguments = parser.parse_args()
    lines = [f"{danish}\t{english}\t{value:.2f}\n" for danish, english, value in learn(read(arguments.pairs))]
    arguments.table.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{len(lines)} pairs")


if __name__ == "__main__":
    main()
