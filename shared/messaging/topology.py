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
