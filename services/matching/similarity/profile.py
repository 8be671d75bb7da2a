"""What goes into the engine and what comes out: plain values, without any library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from services.matching.similarity.calculation import Calculation


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of a stream, in a year: `value` in the base unit of its `measure` (mass, volume, energy)."""

    measure: str
    value: float


@dataclass(frozen=True, slots=True)
class Statement:
    """One offer or one need of an organisation."""

    id: str
    category: str
    texts: tuple[str, ...]  # title and text, in every language given
    stream: str | None = None
    direction: str | None = None  # `out` or `in`; an offer without one gives (out), a need takes (in)
    public: bool = True
    amount: Amount | None = None


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
    partnerships: int = 0  # how many partners are known of it

    def seen_by_all(self) -> Profile:
        """Without what is for members only."""
        public = (tuple(one for one in some if one.public) for some in (self.offers, self.needs))
        offers, needs = public
        return replace(self, offers=offers, needs=needs)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for, and what it may know. `None` leaves it open.

    `members_parts`: offers and needs of others that are for members only; `own_parts`: those of the one that asks.
    `liked` were answered with yes. `partnerships`: whether known ones count. `diverse`: near-copies come last. `full`:
    with the whole calculation.
    """

    limit: int = 20
    kinds: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    hub: str | None = None
    among: frozenset[UUID] | None = None
    without: frozenset[UUID] = frozenset()
    members_parts: bool = True
    own_parts: bool = True
    liked: frozenset[UUID] = frozenset()
    partnerships: bool = True
    diverse: bool = True
    full: bool = False


class Ground(StrEnum):
    """What a reason rests on."""

    THEIR_OFFER = "their_offer"
    MY_OFFER = "my_offer"
    TEXT = "text"
    SECTORS = "sectors"
    FOCUS_AREAS = "focus_areas"
    ALIKE = "alike"
    PARTNERSHIPS = "partnerships"


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
    covers: float | None = None  # how much of the amount needed is offered, 1 for all of it
    like: UUID | None = None  # whom it resembles
    liked: bool = False  # whether that one was answered with yes
    partnerships: int | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """The parts of a score; they add up to it."""

    their_offers_my_needs: float = 0.0
    my_offers_their_needs: float = 0.0
    common_ground: float = 0.0
    alike: float = 0.0
    partnerships: float = 0.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposed partner. The parts of the fit add up to the score, and so do the reasons' shares."""

    profile_id: UUID
    score: float
    fit: Fit
    reasons: tuple[Reason, ...]
    calculation: Calculation | None = None


class Unreadable(Exception):
    """A saved index that is damaged, cut short, or of another engine: it is to be built anew."""
