"""Merging an organisation registered twice: all it has becomes the other's, and its id means that one from then on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions import partnerships
from services.matching.merging import notices
from services.matching.merging import pairs as merged_pairs
from services.matching.merging import people as merged_people
from services.matching.merging.pairs import Pairs
from services.matching.merging.people import People
from services.matching.merging.profile import taken_over
from services.matching.organisations import cases, domains
from services.matching.organisations.changes import mark_changed
from services.matching.organisations.profiles import derive, facts_of, tell_changed
from services.matching.organisations.sight import NoOrganisation
from services.matching.tables import Event, Going, IssuedKey, Organisation
from shared.contracts.matching import OrganisationMerged
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.problems import Invalid, NextStep, Problem
from shared.telemetry import get_logger

log = get_logger()


class AlreadyMerged(Problem):
    """`organisation` is the one that was merged, `merged_into` what it goes on as."""

    status, slug, title = 409, "already-merged", "It was merged into another organisation"


class UnitOfAnother(Problem):
    """A parent's units cannot follow it into a unit: a parent has no parent itself."""

    status, slug, title = 409, "unit-of-another", "A unit cannot have units"


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from one organisation to the other, and which fields of its profile are taken over."""

    merged: Organisation
    into: Organisation
    fields: Mapping[str, Any]
    units: Sequence[Organisation]
    people: People
    pairs: Pairs
    going: int


async def merge(session: AsyncSession, organisation_id: UUID, into_id: UUID) -> Plan | None:
    """Makes two organisations one. None when that was done before."""
    planned = await plan(session, organisation_id, into_id)
    if planned is not None:
        await _carry_out(session, planned)
        log.info("organisations merged", merged=str(organisation_id), into=str(into_id))
    return planned


async def plan(session: AsyncSession, organisation_id: UUID, into_id: UUID) -> Plan | None:
    """What a merge would do, both rows locked. Raises what stands in its way; None when it was done before."""
    merged, into = await _lock_both(session, organisation_id, into_id)
    if merged.merged_into == into.id:
        return None
    _require_unmerged(merged, into)
    units = list(await session.exec(select(Organisation).where(col(Organisation.parent) == merged.id)))
    if into.parent not in (None, merged.id) and units:
        raise UnitOfAnother("The one has units and the other is a unit itself: merge the other way round.")
    going = select(func.count()).select_from(Going).where(Going.organisation_id == merged.id)
    return Plan(
        merged=merged,
        into=into,
        fields=taken_over(merged, into),
        units=[unit for unit in units if unit.id != into.id],
        people=await merged_people.plan(session, merged.id, into.id),
        pairs=await merged_pairs.plan(session, merged.id, into.id),
        going=(await session.exec(going)).one(),
    )


async def _lock_both(session: AsyncSession, organisation_id: UUID, into_id: UUID) -> tuple[Organisation, Organisation]:
    """With its units and partners, the lower id first, as answers lock their pair; new ones wait for us."""
    if organisation_id == into_id:
        raise Invalid.field("/into", "an organisation cannot be merged into itself")
    both = col(Organisation.id).in_((organisation_id, into_id))
    follow = or_(col(Organisation.parent) == organisation_id, partnerships.is_partner_of(organisation_id))
    statement = select(Organisation).where(or_(both, follow))
    statement = statement.order_by(col(Organisation.id)).with_for_update().execution_options(populate_existing=True)
    found = {each.id: each for each in await session.exec(statement)}
    if organisation_id not in found:
        raise NoOrganisation()
    if into_id not in found:
        raise Invalid.field("/into", "no such organisation")
    return found[organisation_id], found[into_id]


def _require_unmerged(*organisations: Organisation) -> None:
    for each in organisations:
        if each.merged_into is not None:
            href = f"/v1/organisations/{each.merged_into}"
            step = NextStep(action="see_organisation", label="See what it goes on as, and name that one", href=href)
            raise AlreadyMerged(
                f"{each.name} was merged before.",
                organisation=str(each.id),
                merged_into=str(each.merged_into),
                next_steps=[step],
            )


async def _carry_out(session: AsyncSession, planned: Plan) -> None:
    merged, into = planned.merged, planned.into
    await _end(session, merged, into.id, planned.fields)
    await domains.hand_over(session, merged.id, into)
    await cases.follow_merge(session, merged.id, into.id)
    _take_over(session, into, planned)
    tell(session, OrganisationMerged(**facts_of(into), merged_id=merged.id))
    for unit in planned.units:
        unit.parent = into.id
        tell_changed(session, unit)
    says_so = update(Organisation).where(col(Organisation.stated_parent) == merged.id, col(Organisation.id) != into.id)
    await session.exec(says_so.values(stated_parent=into.id))
    if into.stated_parent == merged.id:
        into.stated_parent = None
    merged.stated_parent = None
    await merged_people.carry_out(session, planned.people, into.id)
    partners = list(await session.exec(select(Organisation).where(partnerships.is_partner_of(merged.id))))
    await merged_pairs.carry_out(session, planned.pairs, merged.id, into.id)
    await partnerships.keep_counts(session, merged, into, *partners)
    await notices.carry_out(session, merged.id, into.id)
    connection = await session.connection()
    for kind in (Going, Event, IssuedKey):
        its = col(kind.organisation_id) == merged.id
        await connection.execute(update(kind).where(its).values(organisation_id=into.id))


async def _end(session: AsyncSession, merged: Organisation, into: UUID, handed_on: Mapping[str, Any]) -> None:
    """The row stays, in no list and no index, and keeps no people. What was merged into it before goes on likewise."""
    merged.merged_into, merged.published, merged.lapses_on, merged.contacts = into, False, None, []
    merged.proven_domains = []
    if "import_key" in handed_on:
        merged.import_key = None
    merged.version += 1
    merged.updated_at = utc_now()
    session.add(merged)
    mark_changed(session, merged.id)
    # Its key must be free before it is taken.
    await session.flush()
    earlier = update(Organisation).where(col(Organisation.merged_into) == merged.id)
    await (await session.connection()).execute(earlier.values(merged_into=into))


def _take_over(session: AsyncSession, into: Organisation, planned: Plan) -> None:
    for name, value in planned.fields.items():
        setattr(into, name, value)
    if into.parent == planned.merged.id:
        into.parent = None
    derive(into)
    into.version += 1
    into.updated_at = utc_now()
    session.add(into)
    mark_changed(session, into.id)
