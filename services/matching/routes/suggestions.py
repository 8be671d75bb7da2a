"""Suggestions and answers over HTTP."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.matching.introductions import answers
from services.matching.introductions.pairs import AnswerKind, Pair
from services.matching.organisations.fields import Category, EventReference
from services.matching.organisations.sight import find_own
from services.matching.routes.calculations import CalculationView
from services.matching.routes.organisations import OWN, OrganisationCard, OrganisationId, StatementView
from services.matching.service import matching_of
from services.matching.similarity import Ground, Index, Suggestion
from services.matching.suggestions import suggestions
from services.matching.suggestions.explanations import Told
from services.matching.suggestions.suggestions import Filters, Partner, Strength
from services.matching.tables import Introduction
from shared.fields import Input, Language, LongText
from shared.http.callers import KnownCaller
from shared.http.lists import Limit, Page
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction, database_of
from shared.pages import page_language
from shared.problems import NextStep, WrongStatus
from shared.vocabulary import Hub, Kind

router = APIRouter(prefix="/v1/organisations/{organisation}/suggestions", tags=["suggestions"])

OtherId = Annotated[UUID, Path(description="The other organisation's id")]


async def _index(request: Request, _: KnownCaller) -> Index:
    return await matching_of(request).index.now()


# Before a session, always: who waits for the first index would else hold the connection that building it needs.
TheIndex = Annotated[Index, Depends(_index)]


class Fit(BaseModel):
    """The parts of the score; they add up to it. `alike`: what it gains by resembling partners that fit, or that you
    said yes to; `partnerships`: by those already known of it."""

    their_offers_my_needs: float
    my_offers_their_needs: float
    common_ground: float
    alike: float
    partnerships: float


class TermView(BaseModel):
    """Two words that tie the texts, also across Danish and English, and their share of the score."""

    yours: str
    theirs: str
    share: float


class LikeView(BaseModel):
    """Whom the partner resembles, and whether you said yes to that one."""

    id: UUID
    name: str
    answered_yes: bool


class ReasonView(BaseModel):
    """One cause of a suggestion. `share` is what the terms and `rest`, the small ties, give to the score."""

    ground: Ground
    share: float
    need: StatementView | None
    offer: StatementView | None
    covers: float | None = Field(ge=0, le=1, description="How much of the amount needed is offered")
    like: LikeView | None
    partnerships: int | None = Field(description="How many partners are known of it, in steps from 3 to 20")
    terms: list[TermView]
    rest: float


class SuggestionView(BaseModel):
    """A partner as proposed. `answer` is your own; nobody else sees it."""

    organisation: OrganisationCard
    score: float = Field(ge=0, le=1)
    strength: Strength
    fit: Fit
    reasons: list[ReasonView]
    explanation: str
    answer: AnswerKind | None
    calculation: CalculationView | None = Field(description="With `explain=full`: every number of the score")

    @classmethod
    def of(cls, partner: Partner) -> Self:
        return cls.model_validate(
            {
                "organisation": OrganisationCard.of(partner.organisation),
                "score": partner.suggestion.score,
                "strength": partner.strength,
                "fit": fit_of(partner.suggestion),
                "reasons": reasons_of(partner),
                "explanation": partner.explanation,
                "answer": partner.answer,
                "calculation": calculation_of(partner),
            }
        )


def fit_of(suggestion: Suggestion) -> Fit:
    return Fit.model_validate(suggestion.fit, from_attributes=True)


def calculation_of(partner: Partner) -> CalculationView | None:
    done = partner.suggestion.calculation
    return CalculationView.model_validate(done, from_attributes=True) if done is not None else None


def reasons_of(partner: Partner) -> list[ReasonView]:
    return [
        ReasonView(
            ground=told.reason.ground,
            share=told.reason.share,
            need=StatementView(**told.need) if told.need else None,
            offer=StatementView(**told.offer) if told.offer else None,
            covers=told.reason.covers,
            like=_like(told),
            partnerships=told.reason.partnerships,
            terms=[TermView.model_validate(tie, from_attributes=True) for tie in told.reason.terms],
            rest=max(told.reason.rest, 0.0),
        )
        for told in partner.told
    ]


def _like(told: Told) -> LikeView | None:
    if told.like is None or told.reason.like is None:
        return None
    return LikeView(id=told.reason.like, name=told.like, answered_yes=told.reason.liked)


Explain = Literal["reasons", "full"]


@router.get("", responses=OWN)
async def list_suggestions(
    organisation: OrganisationId,
    caller: KnownCaller,
    index: TheIndex,
    session: Reading,
    request: Request,
    kind: Annotated[list[Kind] | None, Query(max_length=7, description="May be given several times")] = None,
    category: Annotated[Category | None, Query()] = None,
    hub: Annotated[Hub | None, Query()] = None,
    event: Annotated[EventReference | None, Query(description="Id or slug: whom to meet there")] = None,
    limit: Limit = 20,
    partnerships: Annotated[bool, Query(description="Whether partnerships already known count")] = True,
    diverse: Annotated[bool, Query(description="Units of one house and near-copies come last")] = True,
    explain: Annotated[Explain, Query(description="`full` with the whole calculation")] = "reasons",
) -> Page[SuggestionView]:
    """Partners for an organisation, the best first, each with what ties it to this one."""
    categories = frozenset((category,)) if category else frozenset[str]()
    filters = Filters(
        limit, frozenset(kind or ()), categories, hub, event, partnerships, diverse, full=explain == "full"
    )
    asking = await suggestions.asking_for(session, caller, organisation, filters)
    found = await suggestions.rank(index, asking, filters)
    partners = await suggestions.partners(session, asking, found, page_language(request))
    return Page(items=[SuggestionView.of(partner) for partner in partners])


class AnswerInput(Input):
    """`yes` puts you in touch when the other side says yes, too; `not_for_us` is never told to anybody."""

    answer: AnswerKind
    message: LongText | None = Field(default=None, max_length=2_000, description="To the other side, with a yes")


def wait_step(one: Introduction) -> NextStep:
    """For who said yes: either somebody is asked, or first somebody has to be found."""
    href = f"/v1/introductions/{one.id}"
    if one.nobody_to_ask:
        label = "We know nobody to ask there yet; the secretariat looks for somebody, and then they are asked"
        return NextStep(action="wait_for_contact", label=label, href=href)
    label = "They are asked; you hear from us when they say yes"
    return NextStep(action="wait_for_answer", label=label, href=href, by=one.expires_at.isoformat())


class AnswerView(BaseModel):
    """`introduction` is null unless you said yes."""

    answer: AnswerKind
    introduction: UUID | None
    status: str | None
    next_steps: list[NextStep]

    @classmethod
    def of(cls, pair: Pair) -> Self:
        assert pair.my_answer is not None
        one = pair.introduction if pair.my_answer.answer == "yes" else None
        if one is None:
            return cls.model_validate(
                {"answer": pair.my_answer.answer, "introduction": None, "status": None, "next_steps": []}
            )
        completed = one.status == "completed"
        href = f"/v1/introductions/{one.id}"
        step = (
            NextStep(action="write_to_them", label="You have been put in touch: see whom to write to", href=href)
            if completed
            else wait_step(one)
        )
        # What the other side has said, if not yes, shows nowhere.
        status = "completed" if completed else "requested"
        return cls.model_validate({"answer": "yes", "introduction": one.id, "status": status, "next_steps": [step]})


Why = dict[Language, str] | None


async def _why(organisation: UUID, other: UUID, body: AnswerInput, index: TheIndex, request: Request) -> Why:
    """The sentence for the other side, found before the transaction: ranking is no work for a write lock."""
    if body.answer != "yes":
        return None
    async with database_of(request).reading() as session:
        return await suggestions.why_introduced(session, index, organisation, other)


@router.put("/{other}/answer", responses=OWN)
async def answer_suggestion(
    organisation: OrganisationId,
    other: OtherId,
    body: AnswerInput,
    caller: KnownCaller,
    why: Annotated[Why, Depends(_why)],
    session: Transaction,
    request: Request,
) -> AnswerView:
    """The one way to answer: the first yes asks the other side, the second puts both in touch."""
    settings = matching_of(request).settings
    found = await find_own(session, caller, organisation)
    pair = await answers.answer(
        session,
        found.id,
        other,
        body.answer,
        message=body.message,
        explanation=why,
        days=settings.introduction_days,
    )
    return AnswerView.of(pair)


@router.delete("/{other}/answer", status_code=204, responses={**OWN, **documented(WrongStatus)})
async def take_answer_back(
    organisation: OrganisationId, other: OtherId, caller: KnownCaller, session: Transaction
) -> Response:
    """Forgets an answer; a yes that has put both in touch stays."""
    found = await find_own(session, caller, organisation)
    await answers.take_back(session, found.id, other)
    return Response(status_code=204)
