"""What goes into the engine and what comes out: plain values, without any library."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Statement:
    """One offer or one need of an organisation."""

    id: str
    category: str
    texts: tuple[str, ...]  # title and text, in every language given
    stream: str | None = None
    direction: str | None = None  # `out` or `in`; an offer without one gives (out), a need takes (in)
    public: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """What an organisation says of itself."""

    id: UUID
    kind: str
    texts: tuple[str, ...] = ()  # the summary, in every language given
    offers: tuple[Statement, ...] = ()
    needs: tuple[Statement, ...] = ()
    sectors: frozenset[str] = frozenset()
    focus_areas: frozenset[str] = frozenset()
    hub: str | None = None
    parent: UUID | None = None
    published: bool = True


class Ground(StrEnum):
    """What a reason rests on."""

    THEIR_OFFER = "their_offer"
    MY_OFFER = "my_offer"
    TEXT = "text"
    SECTORS = "sectors"
    FOCUS_AREAS = "focus_areas"


@dataclass(frozen=True, slots=True)
class Tie:
    """Two words, as written, that tie the texts, and their share of the score."""

    yours: str
    theirs: str
    share: float


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of a suggestion. `share` is the sum of the shares of `terms` and of `rest`, the small ties."""

    ground: Ground
    share: float
    terms: tuple[Tie, ...] = ()
    rest: float = 0.0
    need_id: str | None = None
    need_owner: UUID | None = None  # None for the text of a search
    offer_id: str | None = None
    offer_owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposed partner. The three parts of the fit add up to the score, and so do the reasons' shares."""

    profile_id: UUID
    score: float
    their_offers_my_needs: float
    my_offers_their_needs: float
    common_ground: float
    reasons: tuple[Reason, ...]


class Unreadable(Exception):
    """A saved index that is damaged, cut short, or of another engine: it is to be built anew."""
