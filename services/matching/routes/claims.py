"""Asking for a profile link, and the secretariat's word on it."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.matching.organisations import claims, links
from services.matching.organisations.claims import ClaimStatus, Person
from services.matching.organisations.sight import find_managed
from services.matching.routes.organisations import ANYBODY, OWN, OrganisationId, claim_step
from services.matching.tables import Claim
from shared.fields import Email, Input, Language, Line, Phone
from shared.http.callers import AnyCaller, KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.idempotency import KeyReused
from shared.problems import NextStep, WrongStatus

router = APIRouter(prefix="/v1/organisations", tags=["organisations"], route_class=OnceRoute)

ClaimId = Annotated[UUID, Path(description="The claim's id")]


class ClaimInput(Input):
    """Who asks. The link goes to this address and to nobody else."""

    name: Line
    email: Email
    phone: Phone | None = None
    language: Language = "da"


class ClaimAnswer(BaseModel):
    """`mailed`: the link is on its way. `waiting`: the secretariat decides first."""

    status: Literal["mailed", "waiting"]
    next_steps: list[NextStep]


class ClaimView(BaseModel):
    id: UUID
    organisation: UUID
    organisation_name: str
    name: str
    email: str
    phone: str | None
    reason: str
    status: ClaimStatus
    asked_at: datetime
    mailed_at: datetime | None
    decided_by: str | None

    @classmethod
    def of(cls, claim: Claim, organisation_name: str) -> Self:
        fields = claim.model_dump(exclude={"email_key", "organisation_id", "language"})
        return cls(**fields, organisation=claim.organisation_id, organisation_name=organisation_name)


@router.post("/{organisation}/claim", status_code=202, responses={**ANYBODY, **documented(KeyReused)})
async def claim_organisation(
    organisation: OrganisationId, body: ClaimInput, caller: AnyCaller, session: Transaction, _: IdempotencyKey = None
) -> ClaimAnswer:
    """Asks for the link to a profile. It is mailed at once to an address at the organisation's own domain while nobody
    has claimed the profile, else when the secretariat has approved."""
    person = Person(body.name, body.email, body.language, body.phone)
    claim = await claims.ask(session, organisation, person, "claimed")
    status: Literal["mailed", "waiting"] = "mailed" if claim.status in ("mailed", "approved") else "waiting"
    return ClaimAnswer(status=status, next_steps=[claim_step(status)])


@router.get("/claims", responses=OWN)
async def list_claims(
    caller: KnownCaller,
    session: Reading,
    the_links: TheLinks,
    status: Annotated[ClaimStatus | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ClaimView]:
    """Who asked for a profile link, the oldest first; for the secretariat."""
    caller.require(caller.is_admin, may_see=True)
    found = await claims.list_claims(session, status, id_after(the_links, cursor), limit + 1)
    return Page.of(the_links, found, limit, lambda row: ClaimView.of(*row), lambda row: id_of(row[0]))


_DECIDED = {**OWN, **documented(WrongStatus)}


@router.post("/{organisation}/claims/{claim}/approve", responses=_DECIDED)
async def approve_claim(
    organisation: OrganisationId, claim: ClaimId, caller: KnownCaller, session: Transaction
) -> ClaimView:
    """Mails the link to who asked."""
    return await _decide(organisation, claim, caller, session, approved=True)


@router.post("/{organisation}/claims/{claim}/reject", responses=_DECIDED)
async def reject_claim(
    organisation: OrganisationId, claim: ClaimId, caller: KnownCaller, session: Transaction
) -> ClaimView:
    """Leaves it at that; nobody is mailed."""
    return await _decide(organisation, claim, caller, session, approved=False)


async def _decide(
    organisation: UUID, claim: UUID, caller: KnownCaller, session: Transaction, *, approved: bool
) -> ClaimView:
    caller.require(caller.is_admin, may_see=True)
    decided, name = await claims.decide(session, organisation, claim, approved=approved, by=caller.email or "admin")
    return ClaimView.of(decided, name)


class Replaced(BaseModel):
    """`mailed`: how many people were mailed a new link."""

    mailed: int


@router.post("/{organisation}/links", status_code=202, responses={**OWN, **documented(KeyReused)})
async def replace_organisation_links(
    organisation: OrganisationId, caller: KnownCaller, session: Transaction, _: IdempotencyKey = None
) -> Replaced:
    """Ends every link to the profile, and mails each who was mailed one a new one; for manager, link, secretariat."""
    found = await find_managed(session, caller, organisation)
    return Replaced(mailed=await links.replace(session, found.id))
