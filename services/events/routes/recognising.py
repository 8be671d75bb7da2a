"""Confirming an address, and saying that what a sign-up states of its organisation is so."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.events.programme import programme
from services.events.registrations import confirming
from services.events.registrations.confirming import NothingStated
from services.events.registrations.facts import see
from services.events.routes.events import EventReference
from services.events.routes.registration_view import OrganisationView, RegistrationView, organisation_view, view
from services.events.service import events_of
from services.events.tables import Event, Registration
from shared.access.links import Links
from shared.fields import Input
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Page
from shared.http.rendering import documented
from shared.http.sessions import Transaction
from shared.problems import Invalid, LinkExpired, NotAllowed, NotAuthenticated, NotFound

router = APIRouter(tags=["registrations"])
_OWN = documented(NotAuthenticated, NotFound, LinkExpired)
MOST_AT_ONCE = 100


class ConfirmedView(BaseModel):
    """What is told of the sign-up whose address was confirmed: no more than the mail with the link did."""

    registration: UUID
    reference: str
    organisation: OrganisationView | None


@router.post("/v1/confirmations", responses=_OWN)
async def confirm_address(caller: KnownCaller, session: Transaction) -> ConfirmedView:
    """The mailed link says that the address is the contact person's. From then on the sign-up counts for an
    organisation whose proven domain the address is at, or whose member it is; one that nobody knew is made."""
    registration = await confirming.find_confirmable(session, caller)
    await confirming.confirm(session, registration)
    organisation = organisation_view(await see(session, registration))
    return ConfirmedView(registration=registration.id, reference=registration.reference, organisation=organisation)


async def _seen(session: Transaction, registration: Registration, request: Request, links: Links) -> RegistrationView:
    event = await session.get_one(Event, registration.event_id)
    return view(await see(session, registration), event, events_of(request).settings, links, with_links=False)


@router.post("/v1/registrations/{registration}/recognise", responses={**_OWN, **documented(NothingStated)})
async def recognise_registration(
    registration: UUID, caller: KnownCaller, session: Transaction, request: Request, links: TheLinks
) -> RegistrationView:
    """What was stated of the organisation counts for it: at the word of the event's organiser, for this registration
    alone, of the organisation's manager, or of the secretariat."""
    found, known = await confirming.find_recognisable(session, registration, caller)
    await confirming.recognise(session, found, known, caller.email or "admin")
    return await _seen(session, found, request, links)


class Recognised(Input):
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


@router.post(
    "/v1/events/{event}/registrations/recognise",
    responses={**_OWN, **documented(NotAllowed, Invalid, NothingStated)},
)
async def recognise_registrations(
    event: EventReference,
    body: Recognised,
    caller: KnownCaller,
    session: Transaction,
    request: Request,
    links: TheLinks,
) -> Page[RegistrationView]:
    """The same of many at once, for the organiser of the event: all, or none where one is not of it."""
    seen = await programme.find(session, event, caller)
    caller.require(caller.organises(seen.event.organisation_id), may_see=True)
    items = []
    for at, identity in enumerate(body.ids):
        registration = await session.get(Registration, identity)
        if registration is None or registration.event_id != seen.event.id:
            raise Invalid.field(f"/ids/{at}", "no registration of this event")
        found, known = await confirming.find_recognisable(session, identity, caller)
        await confirming.recognise(session, found, known, caller.email or "admin")
        items.append(await _seen(session, found, request, links))
    return Page(items=items, next_cursor=None)
