"""The export of an organisation over HTTP."""

from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.matching.introductions.pairs import AnswerKind
from services.matching.leaving import exports, holdings
from services.matching.leaving.exports import KEPT_FOR, Gathered
from services.matching.leaving.holdings import Holdings
from services.matching.organisations.sight import find_managed
from services.matching.routes.api_keys import ApiKeyView
from services.matching.routes.claims import ClaimView
from services.matching.routes.introductions import IntroductionView
from services.matching.routes.members import MemberView
from services.matching.routes.organisations import OWN, OrganisationId, OrganisationView, own_view
from services.matching.tables import Event, Going, Organisation
from shared.contracts.events import ExportedRegistration
from shared.contracts.notify import ExportedLetter
from shared.fields import Language
from shared.http.callers import KnownCaller
from shared.http.public_reads import PRIVATE
from shared.http.sessions import Transaction
from shared.problems import NextStep
from shared.settings import ServiceName

router = APIRouter(prefix="/v1/organisations/{organisation}", tags=["organisations"])

ASK_AGAIN_IN_SECONDS = "2"


class GivenAnswer(BaseModel):
    """What it answered to the suggestion of another organisation."""

    other_id: UUID
    answer: AnswerKind
    message: str | None
    answered_at: datetime


class GoingView(BaseModel):
    """A registration of its for an event, counted."""

    registration_id: UUID
    event_id: UUID
    slug: str
    title: dict[Language, str]
    confirmed: int
    signed_up: int

    @classmethod
    def of(cls, going: Going, event: Event) -> Self:
        counted = going.model_dump(include={"registration_id", "event_id", "confirmed", "signed_up"})
        return cls.model_validate(counted | event.model_dump(include={"slug", "title"}))


class ExportView(BaseModel):
    """All that the three services hold of an organisation, but for what others said of it.

    `registrations` and `letters` are as they were at `asked_at`, and given again until `kept_until`."""

    id: UUID
    asked_at: datetime
    kept_until: datetime
    profile: OrganisationView
    members: list[MemberView]
    claims: list[ClaimView]
    answers: list[GivenAnswer]
    introductions: list[IntroductionView]
    going: list[GoingView]
    api_keys: list[ApiKeyView]
    registrations: list[ExportedRegistration]
    letters: list[ExportedLetter]

    @classmethod
    def of(cls, organisation: Organisation, held: Holdings, gathered: Gathered) -> Self:
        export = gathered.export
        return cls(
            id=export.id,
            asked_at=export.asked_at,
            kept_until=export.asked_at + KEPT_FOR,
            profile=own_view(organisation),
            members=[MemberView.model_validate(each, from_attributes=True) for each in held.members],
            claims=[ClaimView.of(each, organisation.name) for each in held.claims],
            answers=[GivenAnswer.model_validate(each, from_attributes=True) for each in held.answers],
            introductions=[IntroductionView.of(each) for each in held.introductions],
            going=[GoingView.of(*each) for each in held.going],
            api_keys=[ApiKeyView.of(each) for each in held.api_keys],
            registrations=[ExportedRegistration.model_validate(each) for each in gathered.items("events")],
            letters=[ExportedLetter.model_validate(each) for each in gathered.items("notify")],
        )


class GatheringView(BaseModel):
    """An export that waits for the parts of the services that are `missing`."""

    id: UUID
    asked_at: datetime
    missing: list[ServiceName]
    next_steps: list[NextStep]


@router.get(
    "/export",
    response_model=ExportView,
    responses={
        **OWN,
        202: {
            "model": GatheringView,
            "description": "It is being gathered; ask again after `Retry-After` seconds",
            "headers": {"Retry-After": {"schema": {"type": "string"}}},
        },
    },
)
async def export_organisation(
    organisation: OrganisationId, caller: KnownCaller, session: Transaction, response: Response
) -> ExportView | Response:
    """All that is held of an organisation; for its manager, its profile link and the secretariat.

    The other services hand over their parts first: 202 until they are there. One less than an hour old is given again.
    """
    found = await find_managed(session, caller, organisation)
    gathered = await exports.ask(session, found.id)
    if gathered.missing:
        return _gathering(gathered)
    response.headers["Cache-Control"] = PRIVATE
    return ExportView.of(found, await holdings.of(session, found), gathered)


def _gathering(gathered: Gathered) -> Response:
    export = gathered.export
    href = f"/v1/organisations/{export.organisation_id}/export"
    step = NextStep(action="ask_again", label="Ask again in a moment: the parts are being gathered", href=href)
    body = GatheringView(
        id=export.id, asked_at=export.asked_at, missing=list(gathered.missing), next_steps=[step]
    ).model_dump_json()
    headers = {"Retry-After": ASK_AGAIN_IN_SECONDS, "Cache-Control": PRIVATE}
    return Response(body, 202, headers, media_type="application/json")
