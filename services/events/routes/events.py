"""Events over HTTP."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.organisations.recognising import hold_now
from services.events.programme import planning, programme, telling
from services.events.programme.moving import would_move
from services.events.programme.planning import (
    CapacityBelowTaken,
    EventFields,
    EventOver,
    NotReady,
    TicketTypeInUse,
)
from services.events.programme.programme import EventSeen, Filters
from services.events.programme.telling import NotifyRequired
from services.events.routes.event_input import (
    EventChange,
    EventKind,
    NewEvent,
    Reason,
    Time,
    aware,
    changed,
    fields_of,
)
from shared.access.caller import Caller
from shared.fields import Line, utc_now
from shared.http.callers import AnyCaller, KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, read_cursor
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.public_reads import PRIVATE, UNCHANGED, public_answer
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.http.versions import IfMatch, versions_in
from shared.idempotency import KeyReused
from shared.pages import page_language
from shared.problems import (
    Invalid,
    LinkExpired,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StaleVersion,
    WrongStatus,
    require_version,
)
from shared.vocabulary import FocusArea, Hub

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=OnceRoute)

EventReference = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,80}$", description="The event's id or slug")]


class VenueView(BaseModel):
    name: str
    address: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class TicketTypeView(BaseModel):
    key: str
    title: dict[str, str]
    capacity: int | None
    kinds: list[str]


class ContactView(BaseModel):
    name: str
    email: str
    language: str


class EventView(BaseModel):
    """An event as the reader may see it; `contact` for its organiser alone."""

    id: UUID
    slug: str
    version: int
    status: str
    organisation_id: UUID
    title: dict[str, str]
    summary: dict[str, str] | None
    description: dict[str, str] | None
    kind: str
    venue: VenueView | None
    online_url: str | None
    page_url: str | None
    image_url: str | None
    starts_at: datetime
    ends_at: datetime
    starts_at_local: str
    doors_open_at: datetime | None
    timezone: str
    capacity: int | None
    remaining_capacity: int | None
    registration_status: str
    registration_opens_at: datetime | None
    registration_closes_at: datetime
    changes_close_at: datetime
    waitlist: dict[str, str]
    ticket_types: list[TicketTypeView]
    listed: bool
    focus_areas: list[str]
    hub: str | None
    cancel_reason: dict[str, str] | None
    contact: ContactView | None = None


class ChangedEvent(EventView):
    """`notified`: how many people were told. With `dry_run` the event as it would be, and what else would happen.

    `would_notify`: how many people `notify` `all` would tell; `would_promote`: how many from the waitlist would get a
    seat; `would_move`: the times that move along with the start, as they would be.
    """

    notified: int = 0
    would_notify: int | None = None
    would_promote: int | None = None
    would_move: dict[str, datetime] | None = None


class CancelledEvent(EventView):
    """`would_notify`, with `dry_run`: how many people would be told."""

    would_notify: int | None = None


# Shown otherwise, or not at all.
_NOT_SHOWN = {
    *("ticket_types", "contact", "waitlist_mode", "venue", "cancel_reason", "cancel_reasons"),
    *("created_at", "updated_at", "told"),
}


def view(seen: EventSeen, caller: Caller) -> EventView:
    event = seen.event
    own = caller.organises(event.organisation_id)
    return EventView(
        **event.model_dump(
            exclude={
                "ticket_types",
                "contact",
                "waitlist_mode",
                "created_at",
                "updated_at",
                "venue",
                "told",
                "cancel_reason",
                "cancel_reasons",
            }
        ),
        venue=event.venue and VenueView.model_validate(event.venue),
        cancel_reason=event.reasons,
        starts_at_local=event.starts_at.astimezone(ZoneInfo(event.timezone)).isoformat(),
        capacity=seen.whole.capacity,
        remaining_capacity=seen.remaining_capacity,
        registration_status=seen.registration_status(utc_now()),
        waitlist={"mode": event.waitlist_mode},
        ticket_types=[TicketTypeView(**each, capacity=seen.capacity_of(each["key"])) for each in event.ticket_types],
        contact=ContactView.model_validate(event.contact) if own and event.contact else None,
    )


async def _own_organisation(session: AsyncSession, caller: Caller, named: UUID | None) -> UUID:
    """Whose event it will be: the one named, or the caller's only one."""
    own = caller.acts_as("organiser")
    organisation = named or (next(iter(own)) if len(own) == 1 else None)
    if not own and not caller.is_admin:
        raise NotAllowed("Only an organiser drafts events.")
    if organisation is None:
        raise Invalid.field("/organisation_id", "say which organisation holds the event")
    organisation = await hold_now(session, organisation)
    caller.require(caller.organises(organisation), may_see=True)
    return organisation


def _answer(response: Response, seen: EventSeen, caller: Caller) -> EventView:
    """For who is known, and perhaps its organiser: the ETag is the version that If-Match names."""
    response.headers["ETag"] = f'"{seen.event.version}"'
    response.headers["Cache-Control"] = PRIVATE
    return view(seen, caller)


@router.post("", status_code=201, responses=documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired, KeyReused))
async def draft_event(
    body: NewEvent,
    caller: KnownCaller,
    session: Transaction,
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> EventView:
    """Drafts an event. Only its organiser sees it until it is published."""
    organisation = await _own_organisation(session, caller, body.organisation_id)
    fields = fields_of(body)
    if fields.contact is None and caller.email:
        contact = {"name": caller.name or caller.email, "email": caller.email, "language": page_language(request)}
        fields = replace(fields, contact=contact)
    seen = await planning.draft(session, organisation, fields)
    response.headers["Location"] = f"/v1/events/{seen.event.id}"
    return _answer(response, seen, caller)


_OWN = documented(NotAuthenticated, NotAllowed, NotFound, LinkExpired, WrongStatus)
_STEPS = {**_OWN, **documented(KeyReused)}
_PUBLIC = {**UNCHANGED, **documented(NotAuthenticated, NotFound, LinkExpired)}


@router.get("", response_model=Page[EventView], responses=_PUBLIC)
async def list_events(
    caller: AnyCaller,
    session: Reading,
    links: TheLinks,
    request: Request,
    response: Response,
    q: Annotated[Line | None, Query(max_length=100)] = None,
    starts_after: Time | None = None,
    starts_before: Time | None = None,
    kind: EventKind | None = None,
    focus_area: FocusArea | None = None,
    hub: Hub | None = None,
    organiser: UUID | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response | Page[EventView]:
    """Events people may sign up for, upcoming first; never who is coming."""
    after = read_cursor(links, cursor, datetime.fromisoformat, UUID)
    filters = Filters(q, aware(starts_after), aware(starts_before), kind, focus_area, hub, organiser)
    place = (after[0], after[1]) if after else None
    found = await programme.list_events(session, filters, caller, place, limit + 1)
    page = Page.of(links, found, limit, lambda seen: view(seen, caller), programme.place_of)
    if not caller.known:
        return public_answer(request, page)
    response.headers["Cache-Control"] = PRIVATE
    return page


@router.get("/{event}", response_model=EventView, responses=_PUBLIC)
async def get_event(
    event: EventReference, caller: AnyCaller, session: Reading, request: Request, response: Response
) -> Response | EventView:
    seen = await programme.find(session, event, caller)
    return _answer(response, seen, caller) if caller.known else public_answer(request, view(seen, caller))


@router.patch(
    "/{event}",
    responses={
        **_OWN,
        **documented(WrongStatus, EventOver, CapacityBelowTaken, TicketTypeInUse, StaleVersion, NotifyRequired),
    },
)
async def change_event(
    event: EventReference,
    body: EventChange,
    caller: KnownCaller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
    dry_run: bool = False,
) -> ChangedEvent:
    """Changes an event. With `dry_run` nothing is changed: the answer is the event as it would be."""
    seen = await planning.hold(session, event, caller)
    require_version(seen.event.version, versions_in(if_match))
    fields = changed(seen, body)
    if dry_run:
        return await _as_it_would_be(session, seen, fields, caller, response)
    done = await planning.change(session, seen, fields)
    notified = await telling.tell_change(session, done, body.notify)
    return ChangedEvent(**_answer(response, done.seen, caller).model_dump(), notified=notified)


async def _as_it_would_be(
    session: AsyncSession, seen: EventSeen, fields: EventFields, caller: Caller, response: Response
) -> ChangedEvent:
    """The same change, taken back."""
    before = seen.event.model_copy()
    async with session.begin_nested() as savepoint:
        done = await planning.change(session, seen, fields)
        event = done.seen.event
        published = event.status == "published"
        answer = ChangedEvent(
            **view(done.seen, caller).model_dump(),
            would_notify=await telling.count_reached(session, event.id) if published else 0,
            would_promote=sum(len(changes) for changes in done.promoted.values()),
            would_move=would_move(before, event),
        )
        await savepoint.rollback()
    response.headers["Cache-Control"] = PRIVATE
    return answer


@router.delete("/{event}", status_code=204, responses=_OWN)
async def delete_event(event: EventReference, caller: KnownCaller, session: Transaction) -> None:
    """Deletes a draft."""
    seen = await planning.hold(session, event, caller)
    await planning.delete_draft(session, seen)


@router.post(
    "/{event}/publish",
    responses={**_STEPS, **documented(WrongStatus, NotReady)},
)
async def publish_event(
    event: EventReference,
    caller: KnownCaller,
    session: Transaction,
    response: Response,
    key: IdempotencyKey = None,
) -> EventView:
    seen = await planning.hold(session, event, caller)
    return _answer(response, await planning.publish(session, seen), caller)


@router.post("/{event}/cancel", responses={**_STEPS, **documented(EventOver)})
async def cancel_event(
    event: EventReference,
    body: Reason,
    caller: KnownCaller,
    session: Transaction,
    response: Response,
    dry_run: bool = False,
    key: IdempotencyKey = None,
) -> CancelledEvent:
    """Calls the event off; all who are registered are told, with the reason. It cannot be taken back.

    With `dry_run` nothing is changed, and the answer says how many would be told.
    """
    seen = await planning.hold(session, event, caller)
    if dry_run:
        planning.require_cancellable(seen.event)
        reached = 0 if seen.event.status == "cancelled" else await telling.count_reached(session, seen.event.id)
        return CancelledEvent(**_answer(response, seen, caller).model_dump(), would_notify=reached)
    reason: dict[str, str] | None = dict(body.reason.items()) if body.reason else None
    return CancelledEvent(**_answer(response, await planning.cancel(session, seen, reason), caller).model_dump())


@router.post("/{event}/complete", responses=_STEPS)
async def complete_event(
    event: EventReference,
    caller: KnownCaller,
    session: Transaction,
    response: Response,
    key: IdempotencyKey = None,
) -> EventView:
    seen = await planning.hold(session, event, caller)
    return _answer(response, await planning.complete(session, seen), caller)
