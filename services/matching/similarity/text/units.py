"""What of a profile is compared with what: offers, needs, and what it says as a whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.matching.similarity.profile import Profile, Statement
from services.matching.similarity.recipe import LANGUAGES, Recipe
from services.matching.similarity.text.language import stop_words, words
from services.matching.similarity.text.terms import Terms

OUT, IN = "out", "in"
TURNED = {OUT: IN, IN: OUT}  # a need to be rid of something meets an offer to take it


@dataclass(frozen=True, slots=True)
class Unit:
    """What is compared as one."""

    words: dict[str, list[str]]  # by language, in order, without stop words
    marks: dict[str, float] = field(default_factory=dict)  # what is no text (a stream, a sector), with weights
    statement: Statement | None = None


@dataclass(frozen=True, slots=True)
class Units:
    """A profile taken apart. `about` is what everybody may know of it: summary, public offers, sectors, focus areas."""

    offers: tuple[Unit, ...]
    needs: tuple[Unit, ...]
    about: Unit


def units_of(profile: Profile, terms: Terms, recipe: Recipe) -> Units:
    """Read every text once, in its own language; a text too short to tell is in that of the whole profile."""
    texts = [[words(text) for text in profile.texts]]
    texts += [[words(text) for text in one.texts] for one in (*profile.offers, *profile.needs)]
    told = [[terms.language_of(found) for found in several] for several in texts]
    if any(None in codes for codes in told):
        usual = terms.language_of([word for several in texts for found in several for word in found]) or "da"
        told = [[code or usual for code in codes] for codes in told]
    read = [_by_language(several, codes) for several, codes in zip(texts, told, strict=True)]
    offered = read[1 : 1 + len(profile.offers)]
    offers = [Unit(said, _stream(one, OUT, recipe), one) for said, one in zip(offered, profile.offers, strict=True)]
    needed = read[1 + len(profile.offers) :]
    needs = [Unit(said, _stream(one, IN, recipe), one) for said, one in zip(needed, profile.needs, strict=True)]
    marks = _shared("sector", profile.sectors, recipe.sector_ground)
    marks |= _shared("focus_area", profile.focus_areas, recipe.focus_ground)
    public = [said for said, one in zip(offered, profile.offers, strict=True) if one.public]
    return Units(tuple(offers), tuple(needs), Unit(_joined([read[0], *public]), marks))


def _by_language(several: Sequence[list[str]], codes: Sequence[str | None]) -> dict[str, list[str]]:
    return _joined({code: _content(found, code)} for found, code in zip(several, codes, strict=True) if code)


def _content(found: Iterable[str], code: str) -> list[str]:
    stops = stop_words(code)
    return [word for word in found if word not in stops]


def _joined(several: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    joined: dict[str, list[str]] = {code: [] for code in LANGUAGES}
    for part in several:
        for code, found in part.items():
            joined[code] += found
    return {code: found for code, found in joined.items() if found}


def _shared(name: str, keys: Iterable[str], weight: float) -> dict[str, float]:
    """Marks of length `weight` squared, however many there are."""
    chosen = sorted(keys)
    return {f"{name}:{key}": (weight / len(chosen)) ** 0.5 for key in chosen}


def _stream(one: Statement, usual: str, recipe: Recipe) -> dict[str, float]:
    """The stream and the way it goes, as seen from the offer's side: `out` is given."""
    if not one.stream:
        return {}
    way = one.direction or usual
    given = way if usual == OUT else TURNED[way]
    return {f"stream:{one.stream}:{given}": recipe.same_stream**0.5}
