"""Who may be suggested at all."""

from collections.abc import Iterable
from uuid import UUID

import numpy as np

from services.matching.similarity.inverted_index.matrices import Mask
from services.matching.similarity.inverted_index.segment import Segment
from services.matching.similarity.profile import Profile, Wanted


def known(segment: Segment, wanted: Wanted) -> Mask:
    """Whom the one that asks may hear of at all: `(profiles,)`."""
    return segment.published & ~among(segment, wanted.without)


def allowed(segment: Segment, wanted: Wanted) -> Mask:
    """Those of them that the caller asks for: `(profiles,)`."""
    mask = known(segment, wanted)
    if wanted.kinds is not None:
        mask &= np.isin(segment.kinds, list(wanted.kinds))
    if wanted.hub is not None:
        mask &= segment.hubs == wanted.hub
    if wanted.categories is not None:
        mask &= _stating(segment, wanted.categories, members_parts=wanted.members_parts)
    if wanted.among is not None:
        mask &= among(segment, wanted.among)
    return mask


def _stating(segment: Segment, categories: frozenset[str], *, members_parts: bool) -> Mask:
    """Who has an offer or a need of one of these categories: `(profiles,)`."""
    mask = np.zeros(len(segment.profiles), np.bool_)
    for name in ("offers", "needs"):
        held = segment.fields[name]
        chosen = np.isin(held.facts.categories, list(categories))
        if not members_parts:
            chosen &= held.facts.public
        mask[held.owners[chosen]] = True
    return mask


def among(segment: Segment, profiles: Iterable[UUID]) -> Mask:
    """Who of the segment is one of these: `(profiles,)`."""
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
