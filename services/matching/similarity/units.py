"""What of a profile is compared with what: offers, needs, and what it says as a whole."""

from collections.abc import Iterable

from services.matching.similarity.profile import Profile, Statement
from services.matching.similarity.recipe import Recipe
from services.matching.similarity.terms import Terms
from services.matching.similarity.texts import Unit, by_language, main_language

GIVES = {"out": "out", "in": "in"}
TAKES = {"out": "in", "in": "out"}  # a need to be rid of something meets an offer to take it


def offers_of(profile: Profile, terms: Terms, recipe: Recipe) -> list[Unit]:
    """An offer each, marked with the stream it gives or takes."""
    said = main_language(profile, terms)
    return [
        Unit(by_language(one.texts, terms, otherwise=said), _stream(one, GIVES, "out", recipe), one)
        for one in profile.offers
    ]


def needs_of(profile: Profile, terms: Terms, recipe: Recipe) -> list[Unit]:
    """A need each, marked with the offer that would meet it."""
    said = main_language(profile, terms)
    return [
        Unit(by_language(one.texts, terms, otherwise=said), _stream(one, TAKES, "in", recipe), one)
        for one in profile.needs
    ]


def about(profile: Profile, terms: Terms, recipe: Recipe) -> Unit:
    """What an organisation is and gives: summary, offers, sectors and focus areas. Needs are not told here."""
    said = main_language(profile, terms)
    texts = [*profile.texts, *(text for offer in profile.offers for text in offer.texts)]
    marks = _shared("sector", profile.sectors, recipe.sector_ground)
    marks |= _shared("focus_area", profile.focus_areas, recipe.focus_ground)
    return Unit(by_language(texts, terms, otherwise=said), marks)


def _shared(name: str, keys: Iterable[str], weight: float) -> dict[str, float]:
    """Marks of length `weight` squared, however many there are."""
    chosen = sorted(keys)
    return {f"{name}:{key}": (weight / len(chosen)) ** 0.5 for key in chosen}


def _stream(one: Statement, turned: dict[str, str], usual: str, recipe: Recipe) -> dict[str, float]:
    if not one.stream:
        return {}
    direction = turned.get(one.direction or usual, turned[usual])
    return {f"stream:{one.stream}:{direction}": recipe.same_stream**0.5}
