"""Erasing an organisation: what goes here at once, and what the other services answer that they erased.

What was merged into it goes with it, each by a message of its own. A row each is left, without a name: it is what keeps
messages told late from making a new profile of that id.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, delete, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions.partnerships import is_partner_of, keep_counts
from services.matching.leaving.exports import drop_of
from services.matching.organisations import units
from services.matching.organisations.changes import mark_erased
from services.matching.organisations.sight import NoOrganisation
from services.matching.tables import (
    Answer,
    Case,
    Claim,
    Domain,
    ErasedOrganisation,
    Erasure,
    ErasurePart,
    Event,
    Going,
    Introduction,
    Member,
    Organisation,
    Outcome,
)
from services.matching.ways_in import keys
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.contracts.matching import OrganisationErased
from shared.contracts.message import ErasureReport
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.problems import NextStep, NotFound, Problem, WrongStatus
from shared.settings import SERVICES, ServiceName

AskedBy = Literal["manager", "link", "secretariat"]
MOST_NAMED = 20


class OrganisesEvents(Problem):
    """`events` names those that are still to come."""

    status, slug, title = 409, "organises-events", "It organises events that have not ended"


@dataclass(frozen=True, slots=True)
class ErasedBy:
    """What one service erased, by what it is, what it kept and why, and when it was done."""

    service: str
    erased: dict[str, int]
    kept: list[dict[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """An erasure and what is known of it so far; a service answers for each of the organisations."""

    erasure: Erasure
    organisations: Sequence[ErasedOrganisation]
    answers: Sequence[ErasurePart]

    @property
    def erased_here(self) -> dict[str, int]:
        return next(answer.erased for answer in self.answers if answer.service == "matching")

    @property
    def missing(self) -> tuple[ServiceName, ...]:
        answered = Counter(answer.service for answer in self.answers)
        others = len(self.organisations)
        return tuple(each for each in SERVICES if answered[each] < (1 if each == "matching" else others))

    @property
    def parts(self) -> list[ErasedBy]:
        services = sorted({answer.service for answer in self.answers})
        return [_together([each for each in self.answers if each.service == service]) for service in services]


def _together(answers: Sequence[ErasurePart]) -> ErasedBy:
    erased, kept = Counter[str](), Counter[tuple[str, str | None]]()
    for answer in answers:
        erased.update(answer.erased)
        kept.update({(each["what"], each["why"]): each["count"] for each in answer.kept})
    return ErasedBy(
        service=answers[0].service,
        erased=dict(erased),
        kept=[{"what": what, "count": count, "why": why} for (what, why), count in kept.items()],
        at=max(answer.at for answer in answers),
    )


async def preview(session: AsyncSession, organisation_id: UUID) -> dict[str, int]:
    """What would be erased here, by what it is. Raises what `erase` raises."""
    await _require_free(session, organisation_id)
    ids = [each.id for each in await _merged_into(session, organisation_id)] + [organisation_id]
    return {what: await _count(session, *which) for what, which in _belongings(ids).items()}


async def erase(session: AsyncSession, organisation_id: UUID, *, asked_by: AskedBy) -> dict[str, int]:
    """Erases the organisation here and has the others do so; answers what went here, also when another just did it.

    Raises OrganisesEvents, NoOrganisation.
    """
    partners = await _lock_with_partners(session, organisation_id)
    organisation = partners.pop(organisation_id, None)
    if organisation is None:
        return await _erased_by_another(session, organisation_id)
    if organisation.merged_into is not None:
        raise WrongStatus(f"It was merged into {organisation.merged_into} just now; ask again, if that is to go.")
    await _require_free(session, organisation_id)
    leaving = [*await _merged_into(session, organisation_id), organisation]
    gone = await _leave_behind(session, leaving, asked_by)
    part = ErasurePart(
        organisation_id=organisation_id,
        service="matching",
        erased=await _erase_all(session, [each.organisation_id for each in gone]),
        kept=await _kept(session, organisation_id),
        at=utc_now(),
    )
    session.add(part)
    await keep_counts(session, *partners.values())
    for each in gone:
        mark_erased(session, each.organisation_id)
        tell(session, told_of(each))
    return part.erased


async def _lock_with_partners(session: AsyncSession, organisation_id: UUID) -> dict[UUID, Organisation]:
    """The lower id first, as answers lock their pair; also against new rows that refer to it, which they allow."""
    its = or_(Organisation.parent == organisation_id, Organisation.stated_parent == organisation_id)
    both = or_(col(Organisation.id) == organisation_id, its, is_partner_of(organisation_id))
    statement = select(Organisation).where(both).order_by(col(Organisation.id)).with_for_update()
    found = await session.exec(statement.execution_options(populate_existing=True))
    return {each.id: each for each in found}


async def _erased_by_another(session: AsyncSession, organisation_id: UUID) -> dict[str, int]:
    part = await session.get(ErasurePart, (organisation_id, "matching"))
    if part is None:
        raise NoOrganisation()
    return part.erased


async def _merged_into(session: AsyncSession, organisation_id: UUID) -> Sequence[Organisation]:
    merged = select(Organisation).where(Organisation.merged_into == organisation_id).order_by(col(Organisation.id))
    return (await session.exec(merged)).all()


async def _leave_behind(
    session: AsyncSession, leaving: Sequence[Organisation], asked_by: AskedBy
) -> list[ErasedOrganisation]:
    erasure = Erasure(asked_by=asked_by)
    session.add(erasure)
    await session.flush()
    gone = [
        ErasedOrganisation(
            organisation_id=each.id, erasure_id=erasure.id, version=each.version + 1, link_version=each.link_version
        )
        for each in leaving
    ]
    session.add_all(gone)
    await session.flush()
    return gone


async def _erase_all(session: AsyncSession, ids: Sequence[UUID]) -> dict[str, int]:
    for each in ids:
        await drop_of(session, each)
    await keys.leave(session, ids)
    # Nobody's leaving is held up by who belongs to it, or says so: the tie is cut.
    for unit in await units.of_those(session, ids):
        if unit.id in ids or unit.merged_into is not None:
            unit.parent = unit.stated_parent = None
        else:
            units.cut(session, unit)
    await session.flush()
    return {what: await _delete(session, *which) for what, which in _belongings(ids).items()}


_Rows = tuple[type[Any], ColumnElement[bool]]


def _belongings(ids: Sequence[UUID]) -> dict[str, _Rows]:
    """What goes, in this order: an answer and `expire` lock introductions before answers, and profiles are last."""
    sides = or_(col(Introduction.low_id).in_(ids), col(Introduction.high_id).in_(ids))
    about = or_(col(Answer.organisation_id).in_(ids), col(Answer.other_id).in_(ids))
    become = or_(col(Outcome.organisation_id).in_(ids), col(Outcome.other_id).in_(ids))
    return {
        "introductions": (Introduction, sides),
        "answers": (Answer, about),
        "outcomes": (Outcome, become),
        "cases": (Case, or_(col(Case.organisation_id).in_(ids), col(Case.other_id).in_(ids))),
        "domains": (Domain, col(Domain.organisation_id).in_(ids)),
        "members": (Member, col(Member.organisation_id).in_(ids)),
        "claims": (Claim, col(Claim.organisation_id).in_(ids)),
        "going": (Going, col(Going.organisation_id).in_(ids)),
        "profiles": (Organisation, col(Organisation.id).in_(ids)),
    }


async def _count(session: AsyncSession, kind: type[Any], condition: ColumnElement[bool]) -> int:
    return (await session.exec(select(func.count()).select_from(kind).where(condition))).one()


async def _delete(session: AsyncSession, kind: type[Any], condition: ColumnElement[bool]) -> int:
    done: Any = await session.exec(delete(kind).where(condition))
    return int(done.rowcount)


async def _kept(session: AsyncSession, organisation_id: UUID) -> list[dict[str, Any]]:
    held = await _count(session, Event, col(Event.organisation_id) == organisation_id)
    return [{"what": "events", "count": held, "why": "others were there"}] if held else []


async def _require_free(session: AsyncSession, organisation_id: UUID) -> None:
    """Raises OrganisesEvents: others rely on it."""
    coming = (Event.organisation_id == organisation_id, Event.status == "published", col(Event.ends_at) > utc_now())
    events = (await session.exec(select(Event).where(*coming).order_by(col(Event.ends_at)).limit(MOST_NAMED))).all()
    if events:
        raise OrganisesEvents(
            "Cancel them, or wait until they have ended; then it can be erased.",
            events=[event.model_dump(include={"id", "slug", "title", "ends_at"}) for event in events],
            next_steps=[
                NextStep(action="cancel_event", label="Cancel the event", href=f"/v1/events/{event.id}/cancel")
                for event in events
            ],
        )


def told_of(gone: ErasedOrganisation) -> OrganisationErased:
    return OrganisationErased(organisation_id=gone.organisation_id, version=gone.version, erasure_id=gone.erasure_id)


async def is_erased(session: AsyncSession, organisation_id: UUID) -> bool:
    return await session.get(ErasedOrganisation, organisation_id) is not None


async def tell_again(session: AsyncSession, organisation_id: UUID) -> bool:
    """Whether the organisation was erased; then whoever still speaks of it is told so once more."""
    gone = await session.get(ErasedOrganisation, organisation_id)
    if gone is not None:
        tell(session, told_of(gone))
    return gone is not None


async def report_for(session: AsyncSession, caller: Caller, organisation_id: UUID) -> Report:
    """For the secretariat, and for who could ask for it: its manager and its link, as they were."""
    gone = await session.get(ErasedOrganisation, organisation_id)
    same = () if gone is None else (await session.exec(_of(gone.erasure_id))).all()
    if gone is None or not any(_could_ask(caller, each) for each in same):
        caller.require(False)
        raise NotFound("There is no report of an erasure that you may see.")
    answers = select(ErasurePart).where(col(ErasurePart.organisation_id).in_([each.organisation_id for each in same]))
    erasure = await session.get_one(Erasure, gone.erasure_id)
    return Report(erasure, same, (await session.exec(answers)).all())


def _of(erasure_id: UUID) -> Any:
    return select(ErasedOrganisation).where(ErasedOrganisation.erasure_id == erasure_id)


def _could_ask(caller: Caller, gone: ErasedOrganisation) -> bool:
    by_link = caller.holds(Purpose.PROFILE, gone.organisation_id, gone.link_version)
    return by_link or caller.manages(gone.organisation_id)


async def collect(session: AsyncSession, service: ServiceName, told: ErasureReport) -> None:
    """A service's answer. One that erased again, for it was told again, adds to what it erased before."""
    if not await is_erased(session, told.organisation_id):
        return
    erased = {each.what: each.count for each in told.erased}
    kept = [each.model_dump() for each in told.kept]
    part = await session.get(ErasurePart, (told.organisation_id, service), with_for_update=True)
    if part is None:
        part = ErasurePart(organisation_id=told.organisation_id, service=service, erased=erased, kept=kept, at=told.at)
        session.add(part)
        return
    part.erased = dict(Counter(part.erased) + Counter(erased))
    if told.at >= part.at:
        part.kept, part.at = kept, told.at
    session.add(part)
