"""The words of a text, its language, which words say nothing of its subject, and their stems."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import repeat
from threading import Lock

import snowballstemmer

from services.matching.similarity.recipe import LANGUAGES

WORD = re.compile(r"[^\W_]+")
DANISH = re.compile(r"[æøå]\S*")  # once a word
# Words of one language that are function words of the other: town and ice; humans and a lair.
CONTENT = {
    "da": frozenset({"by", "is", "so", "let", "last"}),
    "en": frozenset({"man", "men", "den", "dig", "far", "dog", "store", "hen", "ham", "god", "set"}),
}
FUNCTION_WORD, DANISH_LETTER = 10, 7  # what it speaks for a language to have one; whole numbers, so that sums are exact

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
def telling_words() -> dict[str, int]:
    """Function words that occur in one language only, and what they speak for Danish."""
    danish, english = function_words("da"), function_words("en")
    return dict.fromkeys(danish - english, FUNCTION_WORD) | dict.fromkeys(english - danish, -FUNCTION_WORD)


def danishness(found: Sequence[str]) -> int:
    """By function words and Danish letters: above 0 Danish, below 0 English. Of several texts it is the sum."""
    told = sum(map(telling_words().get, found, repeat(0)))
    together = " ".join(found)
    return told if together.isascii() else told + DANISH_LETTER * len(DANISH.findall(together))


def language_of(found: Sequence[str]) -> str | None:
    """`da` or `en`; None where words are too few to tell."""
    told = danishness(found)
    return None if told == 0 else "da" if told > 0 else "en"
