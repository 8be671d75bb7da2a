"""What the secretariat has to settle: opened by the rules that meet it, settled once."""

from typing import Literal
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.tables import Case, Organisation
from shared.fields import utc_now
from shared.problems import NotFound, WrongStatus

CaseKind = Literal["twin", "claim", "domain", "name", "nobody_to_ask"]


async def open_case(
    session: AsyncSession,
    kind: CaseKind,
    organisation_id: UUID,
    other_id: UUID | None = None,
    domain: str | None = None,
) -> None:
    """Unless the same one is open."""
    about = "/".join(str(each) for each in (organisation_id, other_id, domain) if each)
    same = select(Case.id).where(Case.kind == kind, Case.about == about, col(Case.settled_at).is_(None))
    if (await session.exec(same)).first() is None:
        session.add(Case(kind=kind, about=about, organisation_id=organisation_id, other_id=other_id, domain=domain))


async def list_cases(
    session: AsyncSession, *, kind: CaseKind | None, settled: bool, after: UUID | None, limit: int
) -> tuple[list[Case], UUID | None]:
    """The oldest first, and the id to go on from."""
    statement = select(Case).where(col(Case.settled_at).is_not(None) if settled else col(Case.settled_at).is_(None))
    if kind is not None:
        statement = statement.where(Case.kind == kind)
    if after is not None:
        statement = statement.where(col(Case.id) > after)
    found = list(await session.exec(statement.order_by(col(Case.id)).limit(limit + 1)))
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def settle(session: AsyncSession, case_id: UUID, settled_as: str, by: str) -> tuple[Case, bool]:
    """The case, and whether that is news: the same word again changes nothing."""
    case = await session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise NotFound("There is no such case.")
    if case.settled_at is not None:
        if case.settled_as == settled_as:
            return case, False
        raise WrongStatus(f"It was settled as `{case.settled_as}`.")
    case.settled_at, case.settled_as, case.settled_by = utc_now(), settled_as, by
    session.add(case)
    return case, True


async def namesake_of(session: AsyncSession, organisation: Organisation) -> UUID | None:
    """Another organisation that people would take it for."""
    same = (Organisation.name_form == organisation.name_form, Organisation.id != organisation.id)
    known = select(Organisation.id).where(*same, col(Organisation.merged_into).is_(None))
    return (await session.exec(known.order_by(col(Organisation.id)).limit(1))).first()


async def follow_merge(session: AsyncSession, merged: UUID, into: UUID) -> None:
    """What was open between the two is settled by it, and what was open about the one merged is about the other."""
    about = or_(col(Case.organisation_id) == merged, col(Case.other_id) == merged)
    for case in await session.exec(select(Case).where(about, col(Case.settled_at).is_(None))):
        if into in (case.organisation_id, case.other_id):
            case.settled_at, case.settled_as, case.settled_by = utc_now(), "same", "merge"
        else:
            case.organisation_id = into if case.organisation_id == merged else case.organisation_id
            case.other_id = into if case.other_id == merged else case.other_id
        session.add(case)


async def close_cases(session: AsyncSession, kind: CaseKind, organisation_id: UUID, settled_as: str) -> None:
    """What it was about is no longer so."""
    still = (Case.kind == kind, Case.organisation_id == organisation_id, col(Case.settled_at).is_(None))
    for case in await session.exec(select(Case).where(*still)):
        case.settled_at, case.settled_as, case.settled_by = utc_now(), settled_as, "matching"
        session.add(case)
