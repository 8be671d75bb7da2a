"""Who may be suggested at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matching.similarity.matrices import Mask
from services.matching.similarity.profile import Profile
from services.matching.similarity.segment import Segment


@dataclass(frozen=True, slots=True)
class Filters:
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


def known(segment: Segment, filters: Filters) -> Mask:
    """Whom the one that asks may hear of at all: one truth per profile of the segment."""
    return segment.published & ~_at(segment, filters.without)


def allowed(segment: Segment, filters: Filters) -> Mask:
    """Those of them that the caller asks for."""
    mask = known(segment, filters)
    if filters.kinds is not None:
        mask &= np.isin(segment.kinds, list(filters.kinds))
    if filters.hub is not None:
        mask &= segment.hubs == filters.hub
    if filters.categories is not None:
        mask &= _stating(segment, filters.categories, members_parts=filters.members_parts)
    if filters.among is not None:
        mask &= _at(segment, filters.among)
    return mask


def _stating(segment: Segment, categories: frozenset[str], *, members_parts: bool) -> Mask:
    """Who has an offer or a need of one of these categories."""
    mask = np.zeros(len(segment.profiles), np.bool_)
    for name in ("offers", "needs"):
        held = segment.fields[name]
        chosen = np.isin(held.facts.categories, list(categories))
        if not members_parts:
            chosen &= held.facts.public
        mask[held.owners[chosen]] = True
    return mask


def _at(segment: Segment, profiles: Iterable[UUID]) -> Mask:
    mask = np.zeros(len(segment.profiles), np.bool_)
    mask[[segment.positions[one] for one in profiles if one in segment.positions]] = True
    return mask


def relatives(mine: Profile, segments: Iterable[Segment]) -> frozenset[UUID]:
    """Oneself, one's parent, one's units and the other units of one's parent."""
    top = mine.parent or mine.id
    found = {mine.id, top}
    for segment in segments:
        found.update(segment.profiles.id_of(place) for place in segment.families.get(top, ()))
    return frozenset(found)
