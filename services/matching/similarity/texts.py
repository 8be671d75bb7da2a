"""Profiles to bags of words: which texts form one row, in which language."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from services.matching.similarity.columns import Columns
from services.matching.similarity.matrices import (
    Codes,
    Ints,
    Matrix,
    beside,
    compressed,
    product,
    stacked,
    taken,
    taken_columns,
)
from services.matching.similarity.profile import Profile, Statement
from services.matching.similarity.recipe import LANGUAGES
from services.matching.similarity.terms import Terms


@dataclass(frozen=True, slots=True)
class Unit:
    """What is compared as one: an offer, a need, or all that an organisation says of what it is and gives."""

    texts: dict[str, str]  # by language
    marks: dict[str, float] = field(default_factory=dict)  # columns that are no text, with weights
    statement: Statement | None = None


@dataclass(frozen=True, slots=True)
class Bags:
    """Counts of tokens, a row for each unit and language. A unit without text has one row of marks alone."""

    tokens: list[str]
    counts: Matrix  # rows by tokens
    language: Codes  # position in LANGUAGES, -1 without text
    unit: Ints


def by_language(texts: Iterable[str], terms: Terms, *, otherwise: str) -> dict[str, str]:
    """Texts of one unit joined by language."""
    joined: dict[str, list[str]] = {}
    for text in texts:
        if text.strip():
            joined.setdefault(terms.language_of(text, otherwise=otherwise) or otherwise, []).append(text)
    return {code: "\n".join(joined[code]) for code in LANGUAGES if code in joined}


def main_language(profile: Profile, terms: Terms) -> str:
    """The language of what a profile says as a whole; Danish where nothing tells."""
    statements = chain.from_iterable(one.texts for one in chain(profile.offers, profile.needs))
    return terms.language_of("\n".join(chain(profile.texts, statements))) or "da"


def bags(units: Sequence[Unit], terms: Terms) -> Bags:
    """Count the words of every unit, language by language."""
    numbers: dict[str, int] = {}
    indices: list[int] = []
    values: list[int] = []
    ends, languages, of_unit = [0], [], []
    for position, unit in enumerate(units):
        for code, text in unit.texts.items() or (("", ""),):
            found = Counter(terms.tokens(text, code)) if text else Counter[str]()
            indices.extend(numbers.setdefault(token, len(numbers)) for token in found)
            values.extend(found.values())
            ends.append(len(indices))
            languages.append(LANGUAGES.index(code) if text else -1)
            of_unit.append(position)
    counts = compressed(values, indices, ends, (len(of_unit), len(numbers)))
    return Bags(list(numbers), counts, np.array(languages, np.int8), np.array(of_unit, np.int32))


def counted(held: Bags, columns: Columns) -> Matrix:
    """Counts of tokens to counts of columns, each row in its own language. New terms get new columns."""
    done, order = [], []
    for at in range(-1, len(LANGUAGES)):
        rows = np.flatnonzero(held.language == at)
        counts = taken(held.counts, rows)
        used = np.unique(counts.indices)
        code = LANGUAGES[max(at, 0)]
        native = columns.native([held.tokens[token] for token in used], code, grow=True)
        done.append(product(taken_columns(counts, used), native))
        order.append(rows)
    return taken(stacked(done, len(columns)), np.argsort(np.concatenate(order)))


def joined(held: Bags, newer: Bags, units: int) -> Bags:
    """These rows and newer ones, whose units come after `units` earlier ones."""
    return Bags(
        held.tokens + newer.tokens,
        beside(held.counts, newer.counts),
        np.concatenate([held.language, newer.language]),
        np.concatenate([held.unit, newer.unit + np.int32(units)]),
    )
