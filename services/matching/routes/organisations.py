"""Organisations over HTTP."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.matching.organisations import claims, profiles
from services.matching.organisations.claims import Person
from services.matching.organisations.fields import ProfileChange, ProfileInput, Sector, Visibility
from services.matching.organisations.people import people_of
from services.matching.organisations.profiles import IfMatchRequired, NotReady, Sort
from services.matching.organisations.sight import Sight, find_own, find_seen, id_now, introduced, sight_of
from services.matching.organisations.statements import readable
from services.matching.tables import Organisation
from shared.fields import Language, Line
from shared.http.callers import AnyCaller, KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, read_cursor
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.public_reads import PRIVATE, UNCHANGED, public_answer
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.http.versions import IfMatch, etag, versions_in
from shared.idempotency import KeyReused
from shared.problems import Invalid, LinkExpired, NextStep, NotAllowed, NotAuthenticated, NotFound, StaleVersion
from shared.vocabulary import FocusArea, Hub, Kind

router = APIRouter(prefix="/v1/organisations", tags=["organisations"], route_class=OnceRoute)

Since = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]
OrganisationId = Annotated[UUID, Path(description="The organisation's id")]
ANYBODY = documented(NotAuthenticated, NotFound, LinkExpired)
OWN = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired)


class OrganisationCard(BaseModel):
    """What everybody may know of a published organisation, in short."""

    id: UUID
    name: str
    kind: str | None
    parent: UUID | None
    country: str
    locations: list[dict[str, Any]]
    website: str | None
    summary: dict[Language, str] | None
    sectors: list[str]
    focus_areas: list[str]
    hub: str | None
    languages: list[str]
    published: bool
    claimed: bool
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, organisation: Organisation) -> Self:
        return cls.model_validate(organisation, from_attributes=True)


class StatementView(BaseModel):
    """An offer or a need."""

    id: str
    category: str
    title: dict[Language, str] | None = None
    text: dict[Language, str]
    resource: dict[str, Any] | None = None
    visibility: Visibility
    valid_until: date | None = None


class OrganisationView(OrganisationCard):
    """A profile as its reader may see it. `contacts` is null where they are private. `stated_parent` is for its own
    people: the one it says it is a unit of, until that one has accepted it."""

    cvr: str | None
    p_number: str | None
    size: str | None
    offers: list[StatementView]
    needs: list[StatementView]
    contacts: list[dict[str, Any]] | None
    stated_parent: UUID | None = None
    created_at: datetime
    next_steps: list[NextStep]


def view(organisation: Organisation, *, members_parts: bool, contacts: bool, steps: list[NextStep]) -> OrganisationView:
    """`members_parts`: also what is for members only; `contacts`: also the people to write to."""
    card = OrganisationCard.of(organisation).model_dump()
    return OrganisationView(
        **card,
        **organisation.model_dump(include={"cvr", "p_number", "size", "created_at"}),
        offers=[StatementView(**each) for each in readable(organisation.offers, members_parts=members_parts)],
        needs=[StatementView(**each) for each in readable(organisation.needs, members_parts=members_parts)],
        contacts=organisation.contacts if contacts else None,
        next_steps=steps,
    )


def own_view(organisation: Organisation) -> OrganisationView:
    """The whole profile, for its own people: also what no longer holds."""
    whole = view(organisation, members_parts=True, contacts=True, steps=next_steps(organisation))
    whole.offers = [StatementView(**each) for each in organisation.offers]
    whole.stated_parent = organisation.stated_parent
    whole.needs = [StatementView(**each) for each in organisation.needs]
    return whole


def next_steps(organisation: Organisation) -> list[NextStep]:
    """What its own people can do next."""
    href = f"/v1/organisations/{organisation.id}"
    steps = []
    if not organisation.offers and not organisation.needs:
        steps.append(NextStep(action="complete_profile", label="Say what you offer and what you look for", href=href))
    if not organisation.published:
        steps.append(NextStep(action="publish", label="Publish the profile, so that others can find you", href=href))
    if organisation.offers or organisation.needs or organisation.summary:
        steps.append(NextStep(action="see_suggestions", label="See your suggestions", href=f"{href}/suggestions"))
    return steps


@router.post("", status_code=201, responses={**ANYBODY, **documented(KeyReused)})
async def create_organisation(
    body: ProfileInput, caller: AnyCaller, session: Transaction, response: Response, _: IdempotencyKey = None
) -> OrganisationView:
    """Makes an organisation. The secretariat's is published as asked; anybody else's first contact is mailed its link,
    or waits for the secretariat's approval, and it is published when the link is used."""
    fields = body.model_dump(mode="json")
    if caller.is_admin:
        organisation = await profiles.create(session, fields, published=body.published, by_secretariat=True)
        response.headers["ETag"] = etag(organisation.version)
        return own_view(organisation)
    if not body.contacts:
        raise Invalid.field("/contacts", "name the person whom we mail the link to the profile")
    organisation = await profiles.create(session, fields, publish_when_claimed=body.published)
    contact = body.contacts[0]
    await session.flush()
    person = Person(contact.name, contact.email, contact.language, contact.phone)
    claim = await claims.ask(session, organisation.id, person, "created")
    response.headers["ETag"] = etag(organisation.version)
    return view(organisation, members_parts=True, contacts=True, steps=[claim_step(claim.status)])


def claim_step(status: str) -> NextStep:
    if status in ("mailed", "approved"):
        return NextStep(action="open_mailed_link", label="Open the link in the mail we have sent")
    return NextStep(action="wait_for_approval", label="The secretariat looks at it and mails the link")


@router.get("", response_model=Page[OrganisationCard], responses={**ANYBODY, **UNCHANGED})
async def list_organisations(
    caller: AnyCaller,
    session: Reading,
    links: TheLinks,
    request: Request,
    response: Response,
    kind: Annotated[Kind | None, Query()] = None,
    sector: Annotated[Sector | None, Query()] = None,
    focus_area: Annotated[FocusArea | None, Query()] = None,
    hub: Annotated[Hub | None, Query()] = None,
    parent: Annotated[UUID | None, Query()] = None,
    q: Annotated[Line | None, Query(description="Words in the name, the summary and public offers and needs")] = None,
    updated_since: Annotated[Since | None, Query()] = None,
    sort: Annotated[Sort, Query()] = "name",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[OrganisationCard] | Response:
    """Published organisations; the secretariat sees the others, too."""
    after = read_cursor(links, cursor)
    if after is not None and (len(after) != 3 or after[0] != sort):
        raise Invalid.field("?cursor", "a cursor of another order; leave it out to start from the first page")
    filters = {
        "kind": kind,
        "sectors": sector,
        "focus_areas": focus_area,
        "hub": hub,
        "parent": parent and await id_now(session, parent),
        "q": q,
        "updated_since": updated_since.astimezone(UTC) if updated_since else None,
    }
    found = await profiles.list_organisations(
        session, filters=filters, hidden_too=caller.is_admin, sort=sort, after=after, most=limit + 1
    )
    page = Page.of(links, found, limit, OrganisationCard.of, lambda each: profiles.place_of(each, sort))
    if not caller.known:
        return public_answer(request, page)
    response.headers["Cache-Control"] = PRIVATE
    return page


@router.get("/{organisation}", response_model=OrganisationView, responses={**ANYBODY, **UNCHANGED})
async def get_organisation(
    organisation: OrganisationId, caller: AnyCaller, session: Reading, request: Request, response: Response
) -> OrganisationView | Response:
    """A profile, as far as the caller may see it. 404 with `Retry-After` while a new one is being made."""
    sight = await sight_of(session, caller)
    found = await find_seen(session, sight, organisation)
    seen = await _seen_by(session, sight, found)
    if not caller.known:
        return public_answer(request, seen)
    response.headers.update({"ETag": etag(found.version), "Cache-Control": PRIVATE})
    return seen


async def _seen_by(session: Reading, sight: Sight, found: Organisation) -> OrganisationView:
    if sight.owns(found.id):
        return own_view(found)
    in_touch = await introduced(session, list(sight.own), found.id, ("completed",)) is not None
    seen = view(found, members_parts=sight.members_parts, contacts=False, steps=[])
    if in_touch:
        seen.contacts = [contact.model_dump() for contact in await people_of(session, found)]
    return seen


@router.patch(
    "/{organisation}",
    responses={**OWN, **documented(NotReady, StaleVersion, IfMatchRequired)},
)
async def change_organisation(
    organisation: OrganisationId,
    body: ProfileChange,
    caller: KnownCaller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> OrganisationView:
    """Changes a profile. `offers` and `needs` are replaced whole, so they want `If-Match`."""
    found = await find_own(session, caller, organisation)
    fields, versions = body.given(), versions_in(if_match)
    profiles.require_if_match(fields, sent=if_match is not None)
    changed = await profiles.change(session, found.id, fields, own=not caller.is_admin, versions=versions)
    response.headers["ETag"] = etag(changed.version)
    return own_view(changed)
