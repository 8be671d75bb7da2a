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
    """What a caller asks for. `None` leaves it open."""

    limit: int = 20
    kinds: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    hub: str | None = None
    among: frozenset[UUID] | None = None
    without: frozenset[UUID] = frozenset()
    hidden_needs: bool = True


def allowed(segment: Segment, filters: Filters) -> Mask:
    """One truth per profile of the segment."""
    mask: Mask = segment.published.copy()
    if filters.kinds is not None:
        mask &= np.isin(segment.kinds, list(filters.kinds))
    if filters.hub is not None:
        mask &= segment.hubs == filters.hub
    if filters.categories is not None:
        mask &= _stating(segment, filters.categories, hidden_needs=filters.hidden_needs)
    if filters.among is not None:
        mask &= _at(segment, filters.among)
    return mask & ~_at(segment, filters.without)


def _stating(segment: Segment, categories: frozenset[str], *, hidden_needs: bool) -> Mask:
    """Who has an offer or a need of one of these categories."""
    mask = np.zeros(len(segment.profiles), np.bool_)
    for name in ("offers", "needs"):
        held = segment.fields[name]
        chosen = np.isin(held.facts.categories, list(categories))
        if not hidden_needs:
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
