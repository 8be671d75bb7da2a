"""The search and the vocabulary over HTTP."""

from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, RootModel

from services.matching.organisations.fields import Category, EventReference
from services.matching.routes.calculations import CalculationView
from services.matching.routes.organisations import OWN, OrganisationCard
from services.matching.routes.suggestions import Explain, Fit, ReasonView, TheIndex, calculation_of, fit_of, reasons_of
from services.matching.suggestions import search
from services.matching.suggestions.suggestions import Filters, Partner, Strength
from shared.fields import Input, Language, LongText
from shared.http.callers import KnownCaller
from shared.http.lists import Page
from shared.http.public_reads import UNCHANGED, public_answer
from shared.http.sessions import Reading
from shared.pages import page_language
from shared.vocabulary import Kind, vocabulary

router = APIRouter(prefix="/v1", tags=["search"])


class SearchInput(Input):
    """What is looked for, in Danish or English. `language` is that of the explanations."""

    text: Annotated[LongText, Field(max_length=5_000)]
    language: Language | None = None
    kinds: Annotated[list[Kind], Field(max_length=7)] = []
    categories: Annotated[list[Category], Field(max_length=8)] = []
    event: EventReference | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    partnerships: bool = Field(default=True, description="Whether partnerships already known count")
    diverse: bool = Field(default=True, description="Units of one house and near-copies come last")
    explain: Explain = "reasons"


class FoundView(BaseModel):
    """A partner found for a text; a reason's need is the text itself, so it is null."""

    organisation: OrganisationCard
    score: float = Field(ge=0, le=1)
    strength: Strength
    fit: Fit
    reasons: list[ReasonView]
    explanation: str
    calculation: CalculationView | None = Field(description="With `explain` `full`: every number of the score")

    @classmethod
    def of(cls, partner: Partner) -> Self:
        return cls(
            organisation=OrganisationCard.of(partner.organisation),
            score=partner.suggestion.score,
            strength=partner.strength,
            fit=fit_of(partner.suggestion),
            reasons=reasons_of(partner),
            explanation=partner.explanation,
            calculation=calculation_of(partner),
        )


@router.post("/search", responses=OWN)
async def search_partners(
    body: SearchInput, caller: KnownCaller, index: TheIndex, session: Reading, request: Request
) -> Page[FoundView]:
    """Partners for a need in free text, the best first; only what is public is compared."""
    filters = Filters(
        limit=body.limit,
        kinds=frozenset(body.kinds),
        categories=frozenset(body.categories),
        event=body.event,
        partnerships=body.partnerships,
        diverse=body.diverse,
        full=body.explain == "full",
    )
    scope = await search.scope_of(session, caller, filters.event)
    found = await search.rank(index, body.text, scope, filters)
    partners = await search.found_partners(session, found, body.language or page_language(request))
    return Page(items=[FoundView.of(partner) for partner in partners])


class VocabularyView(RootModel[dict[str, dict[str, dict[str, str]]]]):
    """Group, key, labels in Danish and English."""


@router.get("/vocabulary", tags=["vocabulary"], response_model=VocabularyView, responses=UNCHANGED)
async def get_vocabulary(request: Request) -> Response:
    """The words organisations choose from."""
    groups = {group: {key: dict(labels) for key, labels in each.items()} for group, each in vocabulary().items()}
    return public_answer(request, VocabularyView(groups))
