"""Query parameters: those that a call does not know are refused, as unknown fields of a body are."""

from collections.abc import Iterator
from typing import TypeVar

from fastapi import Request
from fastapi.dependencies.models import Dependant

from shared.problems import Invalid

Endpoint = TypeVar("Endpoint")
# Newsletters and calendar programs append parameters of their own to addresses that people follow.
FOLLOWED = (".ics", ".png", ".svg")
# Who calls, also where anybody may, and in which language the texts of an answer are wanted.
EVERYWHERE = {"key", "language"}
_IGNORES = "ignores_unknown_parameters"


def ignores_unknown_parameters(endpoint: Endpoint) -> Endpoint:
    """Marks a call that mail programs make by themselves."""
    setattr(endpoint, _IGNORES, True)
    return endpoint


async def only_known_parameters(request: Request) -> None:
    """Raises Invalid that names a parameter the call does not take, and those that it does."""
    if not request.query_params:
        return
    route = request.scope["route"]
    if route.path.endswith(FOLLOWED) or getattr(route.endpoint, _IGNORES, False):
        return
    known = set(_names(route.dependant))
    unknown = sorted(set(request.query_params) - known - EVERYWHERE)
    if unknown:
        takes = f"this call takes {', '.join(sorted(known))}" if known else "this call takes none"
        raise Invalid.field(f"?{unknown[0]}", f"there is no such parameter; {takes}")


def _names(dependant: Dependant) -> Iterator[str]:
    """Of the query parameters of a call and of all that it depends on."""
    for field in dependant.query_params:
        yield field.alias
    for other in dependant.dependencies:
        yield from _names(other)
