"""A profile as the engine reads it: whatever of an organisation holds today."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from services.matching.index.amounts import amount_of
from services.matching.introductions.partnerships import told
from services.matching.organisations.statements import holding, texts_of, today
from services.matching.similarity import Profile, Statement
from services.matching.tables import Organisation

# What `profile_of` reads; whole organisations take twice the time.
COLUMNS: tuple[Any, ...] = (
    Organisation.id,
    Organisation.kind,
    Organisation.parent,
    Organisation.merged_into,
    Organisation.summary,
    Organisation.offers,
    Organisation.needs,
    Organisation.sectors,
    Organisation.focus_areas,
    Organisation.hub,
    Organisation.published,
    Organisation.partnerships,
)


def profiles_of(organisations: Sequence[Row[Any]]) -> list[Profile]:
    """Of those that were merged, none: they go on in another's."""
    return [profile_of(each) for each in organisations if each.merged_into is None]


def profile_of(organisation: Organisation | Row[Any]) -> Profile:
    """What the engine compares of an organisation: whatever holds today."""
    day = today()
    return Profile(
        id=organisation.id,
        kind=organisation.kind or "",
        texts=tuple((organisation.summary or {}).values()),
        offers=tuple(_statement(each) for each in holding(organisation.offers, day)),
        needs=tuple(_statement(each) for each in holding(organisation.needs, day)),
        sectors=frozenset(organisation.sectors),
        focus_areas=frozenset(organisation.focus_areas),
        hub=organisation.hub,
        parent=organisation.parent,
        published=organisation.published,
        partnerships=told(organisation.partnerships),
    )


def _statement(stored: dict[str, object]) -> Statement:
    resource = stored.get("resource") or {}
    assert isinstance(resource, dict)
    return Statement(
        id=str(stored["id"]),
        category=str(stored["category"]),
        texts=texts_of(stored),
        stream=resource.get("stream"),
        direction=resource.get("direction"),
        public=stored["visibility"] == "public",
        amount=amount_of(resource),
    )
