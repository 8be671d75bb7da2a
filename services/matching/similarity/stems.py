"""Words to stems and to hashed character grams. Both are remembered: the words of a cluster come back."""

from functools import lru_cache
from threading import Lock
from zlib import crc32

import numpy as np
import snowballstemmer

from services.matching.similarity.matrices import Ints

_stemmers = {"da": snowballstemmer.stemmer("danish"), "en": snowballstemmer.stemmer("english")}
_stemming = Lock()  # a Snowball stemmer holds the word it works on


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """The Snowball stem of a word in lower case."""
    with _stemming:
        return str(_stemmers[language].stemWord(word))


def stem_phrase(phrase: str, language: str) -> str:
    """The stems of a phrase, word by word."""
    return " ".join(stem(word, language) for word in phrase.split())


@lru_cache(maxsize=200_000)
def grams(word: str, length: int, buckets: int) -> Ints:
    """Hashed grams of a word between two spaces; the whole of it where it is shorter than a gram."""
    padded = f" {word} "
    cut = [padded[at : at + length] for at in range(max(1, len(padded) - length + 1))]
    return np.fromiter((crc32(gram.encode()) % buckets for gram in cut), np.int32, len(cut))
