"""Lists: a page at a time, continued by a signed cursor that names the last row's sort key."""

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.access.links import Links
from shared.problems import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")


class HasId(Protocol):
    id: UUID


Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[Item]):
    """`next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = None

    @classmethod
    def of(
        cls,
        links: Links,
        rows: Sequence[Row],
        limit: int,
        view: Callable[[Row], Item],
        place: Callable[[Row], list[Any]],
        **more: Any,
    ) -> Self:
        """The page of rows of which one more was read than it holds; `place` is a row's sort key as JSON has it."""
        shown = rows[:limit]
        next_cursor = write_cursor(links, place(shown[-1])) if len(rows) > limit else None
        return cls(items=[view(row) for row in shown], next_cursor=next_cursor, **more)


def write_cursor(links: Links, sort_key: list[Any]) -> str:
    data = orjson.dumps(sort_key)
    return base64.urlsafe_b64encode(links.cursor_proof(data) + data).decode().rstrip("=")


def read_cursor(links: Links, cursor: str | None, *parts: Callable[[Any], Any]) -> list[Any] | None:
    """The sort key of the last row given; None at the start.

    `parts` read each part of the key; with them a cursor of another list is found out too. Raises Invalid for a cursor
    we did not write, or not for this list.
    """
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        proof, data = raw[:8], raw[8:]
        if proof == links.cursor_proof(data):
            key: list[Any] = orjson.loads(data)
            return [read(part) for read, part in zip(parts, key, strict=True)] if parts else key
    except (ValueError, TypeError, AttributeError):
        pass
    raise Invalid.field("?cursor", "not a cursor of this list; leave it out to start from the first page")


def id_after(links: Links, cursor: str | None) -> UUID | None:
    """Of a list sorted by id, the last one given; None at the start. Raises Invalid for a cursor of another list."""
    key = read_cursor(links, cursor, UUID)
    return key[0] if key else None


def id_of(row: HasId) -> list[Any]:
    """The place of a row in a list sorted by id."""
    return [str(row.id)]
