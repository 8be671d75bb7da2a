"""The letters about an event itself. Those to everybody on its roll have no single recipient: see `roll_letters`."""

from typing import Any

from services.notify.contacts import Person
from services.notify.letters.letter import Letter, Opens
from services.notify.tables import Event
from shared.contracts.events import EventFacts, EventPublished, EventUpdated

SHOWN = ("title", "starts_at", "ends_at", "timezone", "venue", "online_url")


def published(told: EventPublished) -> list[Letter]:
    if told.contact is None:
        return []
    organiser = Person(told.contact.email, told.contact.name, told.contact.language, by_itself=True)
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
    """What is different for those who come: `before` holds the old value of each field that a letter shows."""
    if before is None or before.version >= told.version:
        return {"before": {}}
    was, now = _shown(before.model_dump(mode="json")), _shown(told.model_dump(mode="json"))
    return {"before": {name: was[name] for name in SHOWN if not _same(name, was[name], now[name])}}


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event.get(name) for name in SHOWN}


def _same(name: str, was: Any, now: Any) -> bool:
    if name == "venue" and was and now:
        return {key: value for key, value in was.items() if value} == {key: value for key, value in now.items() if value}
    return bool(was == now)


def copied(told: EventFacts, reason: str | None = None) -> Event:
    """The event as the message tells it, for wording before it is kept."""
    return Event(
        id=told.event_id,
        cancel_reason=reason,
        venue=told.venue.model_dump() if told.venue else None,
        title=dict(told.title),
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
