"""The secretariat's work over HTTP: what has to be settled, and settling it."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from services.matching.merging import merging
from services.matching.merging.merging import AlreadyMerged, UnitOfAnother
from services.matching.organisations import cases, claims
from services.matching.organisations.cases import CaseKind
from services.matching.routes.organisations import OWN
from services.matching.tables import Case
from shared.fields import Input
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, write_cursor
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import NextStep, WrongStatus

router = APIRouter(prefix="/v1/cases", tags=["cases"])

SettledAs = Literal["same", "another", "done"]


class CaseView(BaseModel):
    """`twin`: two that are called alike; `claim`: somebody asks for a link; `domain`: one domain, two that say it is
    theirs; `name`: another name at a held domain; `nobody_to_ask`: a yes waits for somebody to be found."""

    id: UUID
    kind: CaseKind
    organisation: UUID
    other: UUID | None
    domain: str | None
    opened_at: datetime
    settled_at: datetime | None
    settled_as: str | None
    settled_by: str | None
    next_steps: list[NextStep]

    @classmethod
    def of(cls, case: Case) -> Self:
        fields = case.model_dump(exclude={"about", "organisation_id", "other_id"})
        steps = [] if case.settled_at else _steps(case)
        return cls(**fields, organisation=case.organisation_id, other=case.other_id, next_steps=steps)


def _steps(case: Case) -> list[NextStep]:
    settle, organisation = f"/v1/cases/{case.id}/settle", f"/v1/organisations/{case.organisation_id}"
    match case.kind:
        case "twin":
            return [
                NextStep(action="settle_same", label="They are one: merge the first into the other", href=settle),
                NextStep(
                    action="settle_another", label="They are two: mail the first one's maker its link", href=settle
                ),
            ]
        case "claim":
            return [NextStep(action="decide_claims", label="Approve or reject who asks", href=f"{organisation}/claims")]
        case "nobody_to_ask":
            return [NextStep(action="add_contact", label="Add a contact; then they are asked", href=organisation)]
    return [NextStep(action="settle_done", label="Say that it is settled", href=settle)]


@router.get("", responses=OWN)
async def list_cases(
    caller: KnownCaller,
    session: Reading,
    links: TheLinks,
    kind: Annotated[CaseKind | None, Query()] = None,
    settled: Annotated[bool, Query()] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CaseView]:
    """What the secretariat has to settle, the oldest first, each with what can be done."""
    caller.require(caller.is_admin, may_see=True)
    found, go_on = await cases.list_cases(
        session, kind=kind, settled=settled, after=id_after(links, cursor), limit=limit
    )
    items = [CaseView.of(each) for each in found]
    return Page(items=items, next_cursor=write_cursor(links, [str(go_on)]) if go_on else None)


class Settlement(Input):
    """`same` and `another` are said of twins and carried out; of the others `done`."""

    settled_as: SettledAs = Field(alias="as")


CaseId = Annotated[UUID, Path(description="The case's id")]


@router.post("/{case}/settle", responses={**OWN, **documented(WrongStatus, AlreadyMerged, UnitOfAnother)})
async def settle_case(case: CaseId, body: Settlement, caller: KnownCaller, session: Transaction) -> CaseView:
    """Settles it, with what follows: `same` merges the first into the other, `another` mails its maker the link."""
    caller.require(caller.is_admin, may_see=True)
    by = caller.email or "admin"
    settled, new = await cases.settle(session, case, body.settled_as, by)
    if (settled.kind == "twin") == (body.settled_as == "done"):
        raise WrongStatus("Twins are settled as `same` or `another`, everything else as `done`.")
    if new and body.settled_as == "same" and settled.other_id is not None:
        await session.flush()
        await merging.merge(session, settled.organisation_id, settled.other_id)
    elif new and body.settled_as == "another":
        await claims.approve_makers(session, settled.organisation_id, by)
    return CaseView.of(settled)
