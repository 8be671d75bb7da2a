"""Cursors of lists that are ordered by id alone."""

from uuid import UUID

from shared.auth import Links
from shared.lists import read_cursor
from shared.problems import Invalid


def id_after(links: Links, cursor: str | None) -> UUID | None:
    """The last id given; None at the start. Raises Invalid for a cursor of another list."""
    key = read_cursor(links, cursor)
    if key is None:
        return None
    try:
        (last,) = key
        return UUID(last)
    except (ValueError, TypeError, AttributeError) as other:
        raise Invalid.field("?cursor", "a cursor of another list; leave it out to start from the first page") from other
