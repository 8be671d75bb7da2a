"""Merging two organisations over HTTP; for the secretariat."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.matching.merging import merging
from services.matching.merging.merging import AlreadyMerged, Plan, UnitOfAnother
from services.matching.merging.profile import TooManyStatements
from services.matching.routes.organisations import OWN, OrganisationId
from shared.fields import Input
from shared.http.callers import KnownCaller
from shared.http.rendering import documented
from shared.http.sessions import Transaction

router = APIRouter(prefix="/v1/organisations", tags=["organisations"])

# What matching keeps for itself of a profile.
_INTERNAL = frozenset(("publish_when_claimed", "cvr_proven", "imported"))


class MergeInput(Input):
    """`into` is the organisation that it goes on as."""

    into: UUID


class Following(BaseModel):
    """How many of each go on with the other organisation. What both have of one person or partner stays once."""

    units: int = 0
    members: int = 0
    claims: int = 0
    answers: int = 0
    introductions: int = 0
    going: int = 0

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            units=len(plan.units),
            members=len(plan.people.members),
            claims=len(plan.people.claims),
            answers=len(plan.pairs.answers),
            introductions=len(plan.pairs.introductions),
            going=plan.going,
        )


class MergeView(BaseModel):
    """`takes_over` names the fields of the profile that change by it. Both are empty when it was done before."""

    organisation: UUID
    into: UUID
    dry_run: bool
    takes_over: list[str]
    follow: Following


@router.post(
    "/{organisation}/merge",
    responses={**OWN, **documented(AlreadyMerged, UnitOfAnother, TooManyStatements)},
)
async def merge_organisation(
    organisation: OrganisationId,
    body: MergeInput,
    caller: KnownCaller,
    session: Transaction,
    dry_run: Annotated[bool, Query(description="Only say what would follow")] = False,
) -> MergeView:
    """Makes one of an organisation that was registered twice. All that the one has follows to the other, and its id,
    its tokens and its links mean the other from then on. It cannot be undone; done again, nothing changes."""
    caller.require(caller.is_admin, may_see=True)
    make = merging.plan if dry_run else merging.merge
    done = await make(session, organisation, body.into)
    return MergeView(
        organisation=organisation,
        into=body.into,
        dry_run=dry_run,
        takes_over=sorted(set(done.fields) - _INTERNAL) if done else [],
        follow=Following.of(done) if done else Following(),
    )
