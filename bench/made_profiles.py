"""Profiles in any number, for measuring: pieces of the sample's texts, the project's own terms, and made-up names.

The same number always gives the same profile. Three in ten write Danish, three English, four both; as in real texts,
few words are in most profiles and most words in few (a tenth of them in one only).
"""

import json
import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from uuid import UUID

from services.matching.similarity import Profile, Statement

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("startup", "startup", "research", "producer", "supplier", "public", "network", "investor")
CATEGORIES = ("technology", "knowledge", "facility", "project", "market", "capital", "resource")
STREAMS = ("steam", "co2", "biomass", "heat", "water")
HUBS = ("odense", "kalundborg", "aarhus", None, None)
LANGUAGES = (
    ("da",),
    ("da",),
    ("da",),
    ("en",),
    ("en",),
    ("en",),
    ("da", "en"),
    ("da", "en"),
    ("da", "en"),
    ("en", "da"),
)
ONSETS = (
    *"bdfklmnrstvpghjxz",
    "bl",
    "br",
    "dr",
    "fl",
    "fr",
    "gr",
    "kl",
    "kr",
    "kv",
    "pl",
    "pr",
    "sk",
    "sl",
    "sm",
    "sn",
)
ONSETS += ("sp", "st", "str", "sv", "tr", "tv", "ch", "th")
RIMES = ("a", "e", "i", "o", "u", "an", "er", "in", "os", "ul", "ax", "en", "il", "or", "um", "ek", "at", "id", "ov")


@cache
def pieces() -> dict[str, list[list[str]]]:
    """The words of every text of the sample, by language."""
    found: dict[str, list[list[str]]] = {"da": [], "en": []}
    for line in (ROOT / "deploy" / "sample" / "organisations.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        for texts in (one["summary"], *(each["text"] for each in (*one["offers"], *one["needs"]))):
            for code, text in (texts or {}).items():
                found[code].append(text.split())
    return found


@cache
def terms() -> dict[str, tuple[list[str], list[float]]]:
    """The words of both term tables by language, and the sums of how common they are (Zipf)."""
    here = ROOT / "services" / "matching" / "similarity" / "text"
    found: dict[str, dict[str, None]] = {"da": {}, "en": {}}
    for name in ("terms.tsv", "learnt_terms.tsv"):
        for line in (here / name).read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                for code, several in zip(found, line.split("\t"), strict=False):
                    found[code].update(dict.fromkeys(several.replace("|", " ").split()))
    shuffled = {code: random.Random(code).sample(list(words), len(words)) for code, words in found.items()}
    return {
        code: (words, list(accumulate(1 / (at + 8) for at in range(len(words))))) for code, words in shuffled.items()
    }


def text(dice: random.Random, code: str, many: int) -> str:
    """About so many words of a language."""
    words: list[str] = []
    known, common = terms()[code]
    while len(words) < many:
        if dice.random() < 0.5:
            piece = dice.choice(pieces()[code])
            start = dice.randrange(len(piece))
            words += piece[start : start + 8]
        else:
            words += dice.choices(known, cum_weights=common, k=4)
        if dice.random() < 0.15:
            words.append(_name(dice) if dice.random() < 0.35 else "".join(dice.choices(known, k=2)))
    return " ".join(words)


def _name(dice: random.Random) -> str:
    """Such as products have; some are common, most are not."""
    common = dice.random() < 0.3
    return "".join(dice.choice(ONSETS[: 9 if common else 40]) + dice.choice(RIMES) for _ in range(2 if common else 3))


def made(number: int) -> Profile:
    """One profile of about the size of those in the sample: some 120 words."""
    dice = random.Random(number)
    languages = dice.choice(LANGUAGES)
    offers = tuple(_statement(dice, f"o{at}", languages) for at in range(dice.choice((1, 2, 2, 3))))
    needs = tuple(_statement(dice, f"n{at}", languages) for at in range(dice.choice((0, 1, 1, 2))))
    return Profile(
        UUID(int=number + 1),
        dice.choice(KINDS),
        tuple(text(dice, code, 45) for code in languages),
        offers,
        needs,
        frozenset(dice.sample(("biotech", "pharma", "medtech", "foodtech", "biosolutions"), dice.choice((1, 2)))),
        frozenset(dice.sample(("sustainability_green_transition", "health", "ai"), 1)),
        dice.choice(HUBS),
    )


def _statement(dice: random.Random, identity: str, languages: tuple[str, ...]) -> Statement:
    category = dice.choice(CATEGORIES)
    stream = dice.choice(STREAMS) if category == "resource" else None
    return Statement(identity, category, tuple(text(dice, code, 14) for code in languages[:1]), stream)


def profiles(many: int) -> Iterator[Profile]:
    return (made(number) for number in range(many))
