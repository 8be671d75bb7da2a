"""Who listens to whom. Imports nothing, so that whoever starts or configures services may read it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.settings import ServiceName

# By the owner of a stream.
LISTENERS: "dict[ServiceName, tuple[ServiceName, ...]]" = {
    "events": ("matching", "notify"),
    "matching": ("events", "notify"),
    "notify": ("matching",),
}


def heard_by(listener: str) -> "list[ServiceName]":
    """The services it listens to."""
    return [owner for owner, listeners in LISTENERS.items() if listener in listeners]
