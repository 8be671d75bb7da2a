"""The letters about an event itself. Those to everybody on its roll have no single recipient: see `write_to_roll`."""

from typing import Any

from services.notify.contacts import Person
from services.notify.letters.letter import Letter, Opens
from services.notify.tables import Event
from shared.contracts.events import EventCancelled, EventFacts, EventPublished, EventUpdated

# What a letter shows of an event, in groups that are shown together.
_SHOWN = (("title",), ("starts_at", "ends_at", "timezone"), ("venue",), ("online_url",))


def published(told: EventPublished) -> list[Letter]:
    if told.contact is None:
        return []
    organiser = Person(told.contact.email, told.contact.name, told.contact.language)
    return [
        Letter(
            "event_published",
            organiser,
            {"name": organiser.name},
            event_id=told.event_id,
            opens=Opens("event", told.event_id),
        )
    ]


def facts_of_update(told: EventUpdated, before: Event | None) -> dict[str, Any]:
    """What is different for those who come: `before` holds the old values that a letter shows.

    The organiser's service says what they were last told; messages of old do not, and then our copy is what was.
    """
    if told.before is not None:
        return {"before": told.before.model_dump(mode="json", exclude_unset=True)}
    if before is None or before.version >= told.version:
        return {"before": {}}
    was, now = before.model_dump(mode="json"), told.model_dump(mode="json")
    changed = [group for group in _SHOWN if any(_said(was[name]) != _said(now[name]) for name in group)]
    return {"before": {name: was[name] for group in changed for name in group}}


def reasons_of(told: EventFacts) -> dict[str, str] | None:
    """Why it was called off, by language; None for other messages, and for those of old that say it in one only."""
    return dict(told.reasons.items()) if isinstance(told, EventCancelled) and told.reasons else None


def _said(value: Any) -> Any:
    """Without what is left empty: a copy may lack an empty field that a message has."""
    return {key: part for key, part in value.items() if part is not None} if isinstance(value, dict) else value


def copied(told: EventFacts) -> Event:
    """The event as the message tells it, for wording before it is kept."""
    title: dict[str, str] = dict(told.title.items())
    return Event(
        id=told.event_id,
        title=title,
        cancel_reason=told.reason if isinstance(told, EventCancelled) else None,
        cancel_reasons=reasons_of(told),
        venue=told.venue.model_dump() if told.venue else None,
        **told.model_dump(
            include={
                "organisation_id",
                "version",
                "slug",
                "status",
                "starts_at",
                "ends_at",
                "timezone",
                "online_url",
            }
        ),
    )
