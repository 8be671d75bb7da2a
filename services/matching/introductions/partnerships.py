"""Which organisations are known to work together: what the engine learns how well connected one is from.

Known is what either side has said: `already_partners` to a suggestion, `working_together` of an introduction.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, union
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.changes import mark_changed
from services.matching.tables import Answer, Organisation, Outcome

_SAID = ((Answer, col(Answer.answer) == "already_partners"), (Outcome, col(Outcome.outcome) == "working_together"))


# What an organisation has answered is its own: a count is told from three on, and in steps, so that nobody learns from
# it who said what, or that somebody has just said it.
STEPS = (20, 10, 5, 3)


def told(count: int) -> int:
    """As many of so many partners as others may learn of."""
    return next((step for step in STEPS if count >= step), 0)


async def partnerships(session: AsyncSession, among: Collection[UUID] | None = None) -> dict[UUID, int]:
    """How many distinct partners each organisation has, counted from the rows; those without any are left out.

    `among` bounds whose are counted.
    """
    known = union(*_pairs(among)).subquery()
    counted = select(known.c.mine, func.count()).group_by(known.c.mine)
    found = await (await session.connection()).execute(counted)
    return {mine: count for mine, count in found}  # noqa: C416 -- `dict` knows rows for no pairs


def _pairs(among: Collection[UUID] | None) -> list[Any]:
    """Each side with the other: one who says it makes both partners. A union leaves out what is said twice."""
    found: list[Any] = []
    for table, said in _SAID:
        for mine, other in ((table.organisation_id, table.other_id), (table.other_id, table.organisation_id)):
            pairs: Any = select(col(mine).label("mine"), col(other).label("other")).where(said)
            found.append(pairs if among is None else pairs.where(col(mine).in_(among)))
    return found


def is_partner_of(organisation_id: UUID) -> ColumnElement[bool]:
    """Organisations known to work with this one."""
    known = union(*_pairs((organisation_id,))).subquery()
    return col(Organisation.id).in_(select(known.c.other))


async def keep_counts(session: AsyncSession, *organisations: Organisation) -> None:
    """Writes down how many partners they have after an answer or outcome; their rows are locked by whoever says it.

    A count that changed is a change of the profile to the indexes, and to nobody else: no version, no message.
    """
    await session.flush()
    counts = await partnerships(session, [each.id for each in organisations])
    for each in organisations:
        count = counts.get(each.id, 0)
        if each.partnerships != count:
            each.partnerships = count
            session.add(each)
            mark_changed(session, each.id)
