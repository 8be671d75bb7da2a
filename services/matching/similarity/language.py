"""Which language a text is in, and which of its words say nothing of its subject."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

from services.matching.similarity.recipe import LANGUAGES

WORD = re.compile(r"[^\W_]+")
# Words of one language that are function words of the other: town and ice; humans and a lair.
CONTENT = {"da": frozenset({"by", "is", "so"}), "en": frozenset({"man", "men", "den", "dig", "far"})}


def normal(text: str) -> str:
    """Composed letters and plain digits (CO₂ is CO2), so that texts from any keyboard are equal."""
    return unicodedata.normalize("NFKC", text)


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order."""
    return WORD.findall(normal(text).lower())


@cache
def function_words(language: str) -> frozenset[str]:
    """The function words of one language, from the file beside this module."""
    text = (files(__package__) / f"stop_{language}.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


@cache
def stop_words(language: str) -> frozenset[str]:
    """What is left out of a text: function words of both languages, for texts mix them."""
    others = frozenset().union(*(function_words(other) for other in LANGUAGES))
    return function_words(language) | (others - CONTENT[language])


@cache
def telling_words() -> dict[str, frozenset[str]]:
    """Function words that occur in one language only."""
    danish, english = function_words("da"), function_words("en")
    return {"da": danish - english, "en": english - danish}


def evidence(text: str) -> dict[str, float]:
    """How much speaks for each language: its function words, and Danish letters."""
    found = words(text)
    score = {language: float(sum(word in telling_words()[language] for word in found)) for language in LANGUAGES}
    score["da"] += 0.7 * sum(any(letter in "æøå" for letter in word) for word in found)
    return score


def language_of(text: str, *, otherwise: str | None = None) -> str | None:
    """`da` or `en`; `otherwise` where a text is too short to tell."""
    score = evidence(text)
    if score["da"] == score["en"]:
        return otherwise
    return "da" if score["da"] > score["en"] else "en"
