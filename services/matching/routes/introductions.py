"""Introductions over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.matching.introductions import outcomes, proposals
from services.matching.introductions import seen as seen_introductions
from services.matching.introductions.outcomes import OutcomeKind
from services.matching.introductions.pairs import AnswerKind
from services.matching.introductions.proposals import NobodyToAsk, NotPublished
from services.matching.introductions.seen import Seen, Side, Status
from services.matching.organisations.sight import sight_of
from services.matching.routes.organisations import OWN, OrganisationCard
from services.matching.routes.suggestions import TheIndex, Why, wait_step
from services.matching.service import matching_of
from services.matching.suggestions import suggestions
from shared.fields import Input, Language, LongText
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction, database_of
from shared.idempotency import KeyReused
from shared.problems import NextStep, WrongStatus

router = APIRouter(prefix="/v1/introductions", tags=["introductions"], route_class=OnceRoute)

IntroductionId = Annotated[UUID, Path(description="The introduction's id")]


class PartyView(BaseModel):
    """One side. `contacts` is empty until both have said yes. `answer` and `outcome` are your own; nobody else sees
    them, but the secretariat sees both sides' `outcome`."""

    organisation: OrganisationCard
    answer: AnswerKind | None
    message: str | None
    contacts: list[dict[str, Any]]
    outcome: OutcomeKind | None

    @classmethod
    def of(cls, side: Side) -> Self:
        return cls(
            organisation=OrganisationCard.of(side.organisation),
            answer=side.answer,
            message=side.message,
            contacts=[contact.model_dump() for contact in side.contacts],
            outcome=side.outcome,
        )


class ProposalView(BaseModel):
    """The secretariat's; `message` is what it wrote to both sides."""

    message: str | None


class IntroductionView(BaseModel):
    """Two organisations, who asked first. With a `proposal` nobody did: the secretariat asked both, and `asked_by` is
    the one it named first. `expires_at` is until when a side may answer; with `nobody_to_ask` that time begins only
    when somebody is known who can be asked."""

    id: UUID
    status: Status
    asked_by: UUID
    parties: list[PartyView]
    explanation: dict[Language, str] | None
    proposal: ProposalView | None
    requested_at: datetime
    completed_at: datetime | None
    nobody_to_ask: bool
    expires_at: datetime
    next_steps: list[NextStep]

    @classmethod
    def of(cls, seen: Seen) -> Self:
        one = seen.introduction
        fields = {"id", "asked_by", "explanation", "requested_at", "completed_at", "expires_at", "nobody_to_ask"}
        return cls(
            **one.model_dump(include=fields),
            status=seen.status,
            parties=[PartyView.of(side) for side in seen.sides],
            proposal=ProposalView(message=one.proposal_message) if one.proposed_at else None,
            next_steps=[step for at in (0, 1) if (step := _step(seen, seen.sides[at], seen.sides[1 - at]))],
        )


def _step(seen: Seen, mine: Side, other: Side) -> NextStep | None:
    """What a side's own people can do next."""
    one = seen.introduction
    if not mine.own:
        return None
    if seen.status == "completed" and mine.outcome is None:
        href = f"/v1/introductions/{one.id}/outcome"
        return NextStep(action="record_outcome", label="When you have talked, say what became of it", href=href)
    if seen.status != "requested":
        return None
    by = one.expires_at.isoformat()
    if mine.answer == "yes":
        return wait_step(one)
    href = f"/v1/organisations/{mine.organisation.id}/suggestions/{other.organisation.id}/answer"
    return NextStep(action="answer", label="Say whether you would like to be put in touch", href=href, by=by)


class IntroductionInput(Input):
    """Two organisations to be proposed to each other, and what the secretariat writes to both."""

    parties: Annotated[list[UUID], Field(min_length=2, max_length=2)]
    message: LongText | None = Field(default=None, max_length=2_000)


async def _why(body: IntroductionInput, caller: KnownCaller, index: TheIndex, request: Request) -> Why:
    """The sentence for both, found before the transaction: ranking is no work for a write lock."""
    caller.require(caller.is_admin, may_see=True)
    async with database_of(request).reading() as session:
        return await suggestions.why_introduced(session, index, *body.parties)


_PROPOSED: dict[int | str, dict[str, Any]] = {
    200: {"model": IntroductionView, "description": "They have been introduced already, or are being so: unchanged"}
}


@router.post("", status_code=201, responses={**OWN, **_PROPOSED, **documented(KeyReused, NotPublished, NobodyToAsk)})
async def propose_introduction(
    body: IntroductionInput,
    caller: KnownCaller,
    why: Annotated[Why, Depends(_why)],
    session: Transaction,
    request: Request,
    response: Response,
    _: IdempotencyKey = None,
) -> IntroductionView:
    """The secretariat proposes two organisations to each other: both are asked, and put in touch when both say yes.
    Whether one of them says no is told to nobody, nor to the secretariat: it looks as if it waited, and expires."""
    settings = matching_of(request).settings
    introduction, new = await proposals.propose(
        session, *body.parties, message=body.message, explanation=why, days=settings.introduction_days
    )
    if not new:
        response.status_code = 200
    sight = await sight_of(session, caller)
    return IntroductionView.of(await seen_introductions.find_seen(session, sight, introduction.id))


@router.get("", responses=OWN)
async def list_introductions(
    caller: KnownCaller,
    session: Reading,
    links: TheLinks,
    status: Annotated[Status | None, Query()] = None,
    outcome: Annotated[
        OutcomeKind | None, Query(description="Your own; for the secretariat, what either side says")
    ] = None,
    nobody_to_ask: Annotated[
        bool | None, Query(description="For the secretariat: where somebody has to be found")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[IntroductionView]:
    """Your introductions, the newest first. Whether the other side declined is never told."""
    sight = await sight_of(session, caller)
    caller.require(caller.is_admin or (bool(sight.own) and nobody_to_ask is None), may_see=True)
    found = await seen_introductions.list_seen(
        session,
        sight,
        status=status,
        outcome=outcome,
        nobody_to_ask=nobody_to_ask,
        after=id_after(links, cursor),
        most=limit + 1,
    )
    return Page.of(links, found, limit, IntroductionView.of, lambda seen: id_of(seen.introduction))


@router.get("/{introduction}", responses=OWN)
async def get_introduction(introduction: IntroductionId, caller: KnownCaller, session: Reading) -> IntroductionView:
    """One of them; with the contacts of both sides once both have said yes."""
    sight = await sight_of(session, caller)
    return IntroductionView.of(await seen_introductions.find_seen(session, sight, introduction))


class OutcomeInput(Input):
    """What became of it, as your organisation sees it. A later word takes the place of the one before."""

    outcome: OutcomeKind
    organisation: UUID | None = Field(default=None, description="Which side is yours, when you act for both")


@router.post("/{introduction}/outcome", responses={**OWN, **documented(KeyReused, WrongStatus)})
async def record_outcome(
    introduction: IntroductionId,
    body: OutcomeInput,
    caller: KnownCaller,
    session: Transaction,
    _: IdempotencyKey = None,
) -> IntroductionView:
    """Says what became of an introduction. The other side is not told; the secretariat sees it."""
    sight = await sight_of(session, caller)
    seen = await seen_introductions.find_seen(session, sight, introduction)
    mine, other = outcomes.side_of(sight, seen.introduction, body.organisation)
    await outcomes.record(session, mine, other, body.outcome)
    return IntroductionView.of(await seen_introductions.find_seen(session, sight, introduction))
