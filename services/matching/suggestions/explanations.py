"""Why a partner is proposed, as one plain sentence in the reader's language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.matching.similarity import Ground, Reason
from shared.fields import Language
from shared.language import text_of
from shared.vocabulary import label

LONGEST_QUOTE = 140
MOST_WORDS = 3

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """A reason with the texts it rests on, as far as the reader may see them; `like` names whom a partner resembles."""

    reason: Reason
    need: dict[str, Any] | None = None
    offer: dict[str, Any] | None = None
    like: str | None = None


def quoted(texts: Texts, language: Language) -> str:
    """A text as it stands within a sentence: short, in quotation marks, without its full stop."""
    text = " ".join(text_of(texts, language).split())
    if len(text) > LONGEST_QUOTE:
        text = text[:LONGEST_QUOTE].rsplit(" ", 1)[0].rstrip(".,;:–- ") + " …"
    text = text.removesuffix(".")
    return f"»{text}«" if language == "da" else f"“{text}”"


def listed(words: Sequence[str], language: Language) -> str:
    """a, b and c."""
    shown = list(dict.fromkeys(words))[:MOST_WORDS]
    if len(shown) < 2:
        return "".join(shown)
    return ", ".join(shown[:-1]) + (" og " if language == "da" else " and ") + shown[-1]


def explain(name: str, told: Sequence[Told], language: Language) -> str:
    """To an organisation, why `name` is proposed to it. The strongest reason that can be shown is told."""
    for each in told:
        sentence = _TO_ONE[each.reason.ground](name, each, language)
        if sentence:
            return sentence
    if language == "da":
        return f"Det, {name} skriver om sig selv, ligger tæt på det, I skriver."
    return f"What {name} says of itself is close to what you say."


def explain_to_both(asks: str, asked: str, told: Sequence[Told], asks_id: object, language: Language) -> str | None:
    """The same for readers of either side; None when no offer meets a need."""
    for each in told:
        if each.need is None or each.offer is None:
            continue
        gives, takes = (asked, asks) if each.reason.need_owner == asks_id else (asks, asked)
        offer, need = quoted(each.offer["text"], language), quoted(each.need["text"], language)
        if language == "da":
            return f"{gives} tilbyder {offer}, og {takes} søger {need}."
        return f"{gives} offers {offer}, and {takes} looks for {need}."
    return None


def _their_offer(name: str, told: Told, language: Language) -> str | None:
    if told.offer is None:
        return None
    offer = quoted(told.offer["text"], language)
    if told.need is None:
        return f"{name} tilbyder {offer}." if language == "da" else f"{name} offers {offer}."
    need = quoted(told.need["text"], language)
    if language == "da":
        return f"{name} tilbyder {offer}, og I søger {need}."
    return f"{name} offers {offer}, and you look for {need}."


def _my_offer(name: str, told: Told, language: Language) -> str | None:
    if told.offer is None or told.need is None:
        return None
    offer, need = quoted(told.offer["text"], language), quoted(told.need["text"], language)
    if language == "da":
        return f"{name} søger {need}, og I tilbyder {offer}."
    return f"{name} looks for {need}, and you offer {offer}."


def _text(name: str, told: Told, language: Language) -> str | None:
    words = listed([tie.yours for tie in told.reason.terms], language)
    if not words:
        return None
    if language == "da":
        return f"Både I og {name} skriver om {words}."
    return f"Both you and {name} write about {words}."


def _sectors(name: str, told: Told, language: Language) -> str | None:
    names = [label("sectors", tie.yours, language) for tie in told.reason.terms]
    if not names:
        return None
    if language == "da":
        return f"I og {name} arbejder begge inden for {listed([each.lower() for each in names], language)}."
    return f"You and {name} both work in {listed([each.lower() for each in names], language)}."


def _focus_areas(name: str, told: Told, language: Language) -> str | None:
    names = [label("focus_areas", tie.yours, language) for tie in told.reason.terms]
    if not names:
        return None
    area = quoted({language: names[0]}, language)
    if language == "da":
        return f"I og {name} har begge valgt fokusområdet {area}."
    return f"You and {name} have both chosen the focus area {area}."


def _alike(name: str, told: Told, language: Language) -> str | None:
    if told.reason.liked:
        return (
            f"{name} ligner {told.like}, som I har sagt ja til."
            if language == "da"
            else f"{name} is like {told.like}, to whom you said yes."
        )
    if language == "da":
        return f"{name} ligner {told.like}, som passer godt til jer."
    return f"{name} is like {told.like}, which fits you well."


def _partnerships(name: str, _: Told, language: Language) -> str | None:
    if language == "da":
        return f"{name} arbejder allerede sammen med flere i netværket."
    return f"{name} already works with several others in the network."


_TO_ONE: dict[Ground, Callable[[str, Told, Language], str | None]] = {
    Ground.THEIR_OFFER: _their_offer,
    Ground.MY_OFFER: _my_offer,
    Ground.TEXT: _text,
    Ground.SECTORS: _sectors,
    Ground.FOCUS_AREAS: _focus_areas,
    Ground.ALIKE: _alike,
    Ground.PARTNERSHIPS: _partnerships,
}
