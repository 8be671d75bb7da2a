"""The words of a text, its language, which words say nothing of its subject, and their stems."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from threading import Lock

import snowballstemmer

from services.matching.similarity.recipe import LANGUAGES

WORD = re.compile(r"[^\W_]+")
DANISH = re.compile("[æøå]")
# Words of one language that are function words of the other: town and ice; humans and a lair.
CONTENT = {"da": frozenset({"by", "is", "so"}), "en": frozenset({"man", "men", "den", "dig", "far"})}
DANISH_LETTER = 0.7  # what a word with æ, ø or å speaks for Danish, beside a function word

_stemmers = {"da": snowballstemmer.stemmer("danish"), "en": snowballstemmer.stemmer("english")}
_stemming = Lock()  # a Snowball stemmer holds the word it works on


def normal(text: str) -> str:
    """Composed letters and plain digits (CO₂ is CO2), so that texts from any keyboard are equal."""
    return unicodedata.normalize("NFKC", text)


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order."""
    return WORD.findall(normal(text).lower())


@lru_cache(maxsize=200_000)
def stem(word: str, code: str) -> str:
    """The Snowball stem of a word in lower case."""
    with _stemming:
        return str(_stemmers[code].stemWord(word))


def stem_phrase(phrase: str, code: str) -> str:
    """The stems of a phrase, word by word."""
    return " ".join(stem(word, code) for word in phrase.split())


@cache
def function_words(code: str) -> frozenset[str]:
    """The function words of one language, from the file beside this module."""
    text = (files(__package__) / f"stop_{code}.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


@cache
def stop_words(code: str) -> frozenset[str]:
    """What is left out of a text: function words of both languages, for texts mix them."""
    others = frozenset().union(*(function_words(other) for other in LANGUAGES))
    return function_words(code) | (others - CONTENT[code])


@cache
def telling_words() -> dict[str, frozenset[str]]:
    """Function words that occur in one language only."""
    danish, english = function_words("da"), function_words("en")
    return {"da": danish - english, "en": english - danish}


def language_of(found: Sequence[str], *, otherwise: str | None = None) -> str | None:
    """`da` or `en` by function words and Danish letters; `otherwise` where words are too few to tell."""
    telling = telling_words()
    danish, english = (float(sum(map(telling[code].__contains__, found))) for code in LANGUAGES)
    danish += DANISH_LETTER * sum(DANISH.search(word) is not None for word in found if not word.isascii())
    if danish == english:
        return otherwise
    return "da" if danish > english else "en"
