"""Units: an organisation is one of another when both have said so, or the secretariat."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.profiles import lock, tell_changed
from services.matching.tables import Organisation
from shared.problems import NotFound, WrongStatus


async def list_of(session: AsyncSession, organisation_id: UUID) -> list[Organisation]:
    """Those it has accepted, and those that say they belong to it; by name."""
    its = or_(Organisation.parent == organisation_id, Organisation.stated_parent == organisation_id)
    units = select(Organisation).where(its, col(Organisation.merged_into).is_(None))
    return list(await session.exec(units.order_by(col(Organisation.name_key), col(Organisation.id))))


async def accept(session: AsyncSession, organisation_id: UUID, unit_id: UUID) -> Organisation:
    """Says that it is one. Again it changes nothing."""
    unit = await _locked(session, organisation_id, unit_id)
    if unit.parent == organisation_id:
        return unit
    above = await session.get_one(Organisation, organisation_id)
    has_units = select(Organisation.id).where(col(Organisation.parent) == unit.id).limit(1)
    if above.parent is not None or (await session.exec(has_units)).first() is not None:
        raise WrongStatus("A parent has no parent itself.")
    unit.parent, unit.stated_parent = organisation_id, None
    tell_changed(session, unit)
    return unit


async def part(session: AsyncSession, organisation_id: UUID, unit_id: UUID) -> Organisation:
    """Says that it is none, or is one no longer."""
    unit = await _locked(session, organisation_id, unit_id)
    cut(session, unit)
    return unit


def cut(session: AsyncSession, unit: Organisation) -> None:
    """Leaves the unit standing alone."""
    unit.parent = unit.stated_parent = None
    tell_changed(session, unit)


async def _locked(session: AsyncSession, organisation_id: UUID, unit_id: UUID) -> Organisation:
    """Both, the lower id first, as everybody locks two."""
    locked = {each: await lock(session, each) for each in sorted((organisation_id, unit_id))}
    unit = locked[unit_id]
    if organisation_id not in (unit.parent, unit.stated_parent):
        raise NotFound("There is no such unit.")
    return unit


async def of_those(session: AsyncSession, ids: Sequence[UUID]) -> list[Organisation]:
    """The units of any of these, stated or accepted, locked."""
    its = or_(col(Organisation.parent).in_(ids), col(Organisation.stated_parent).in_(ids))
    units = select(Organisation).where(its).order_by(col(Organisation.id)).with_for_update()
    return list(await session.exec(units.execution_options(populate_existing=True)))
