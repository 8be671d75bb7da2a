"""Events over HTTP."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from services.events import programme
from services.events.programme import (
    CapacityBelowTaken,
    EventFields,
    EventSeen,
    Filters,
    NotReady,
    TicketType,
    TicketTypeInUse,
)
from shared.auth import AnyCaller, Caller, KnownCaller, TheLinks
from shared.database import Reading, Transaction
from shared.fields import Email, Input, Key, Language, Line, LineTexts, LongText, LongTexts, Timezone, Url, utc_now
from shared.idempotency import IdempotencyKey, KeyReused, OnceRoute
from shared.lists import Cursor, Limit, Page, read_cursor, write_cursor
from shared.problems import (
    FieldError,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StaleVersion,
    WrongStatus,
    documented,
)

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=OnceRoute)

EventReference = Annotated[str, Path(max_length=80, description="The event's id or slug")]
MOST_SEATS = 100_000
EARLIEST, LATEST = 2000, 2100

OrganisationKind = Literal["startup", "research", "producer", "supplier", "public", "network", "investor"]
EventKind = Literal[
    "conference", "workshop", "course", "network_meeting", "site_visit", "webinar", "matchmaking", "signing", "other"
]
FocusArea = Literal[
    "education_research_innovation", "biotech_production_industry_4_0", "sustainability_green_transition"
]
Hub = Literal["copenhagen", "aarhus", "odense", "aalborg", "kalundborg", "nykoebing_falster", "roskilde"]


def _time(value: Any) -> datetime | None:
    """RFC 3339 with an offset, or a local time that is read in the event's time zone."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(
            "give a time as text, such as 2026-12-20T10:00:00+01:00 or, in the event's zone, 2026-12-20T10:00"
        )
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("not a time; give RFC 3339, such as 2026-12-20T10:00:00+01:00") from None
    if not EARLIEST <= time.year < LATEST:
        raise ValueError(f"must be in the years {EARLIEST} to {LATEST - 1}")
    return time


Time = Annotated[datetime, BeforeValidator(_time), Field(json_schema_extra={"format": "date-time"})]
Capacity = Annotated[int, Field(ge=0, le=MOST_SEATS)]


class VenueInput(Input):
    name: Line
    address: Line | None = None
    city: Line | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class TicketTypeInput(Input):
    """A kind of attendance; `kinds` limits it to organisations of these kinds."""

    key: Key
    title: LineTexts
    capacity: Capacity | None = None
    kinds: Annotated[list[OrganisationKind], Field(max_length=7)] = []


class WaitlistInput(Input):
    """`promote`: a freed seat goes to the next in line that fits, at once. `off`: no line."""

    mode: Literal["promote", "off"] = "promote"


class ContactInput(Input):
    name: Line
    email: Email
    language: Language = "da"


class EventInput(Input):
    """An event as its organiser writes it. Times without an offset are in its `timezone`."""

    title: LineTexts
    summary: LongTexts | None = None
    description: LongTexts | None = None
    kind: EventKind = "other"
    venue: VenueInput | None = None
    online_url: Url | None = None
    page_url: Url | None = None
    image_url: Url | None = None
    starts_at: Time
    ends_at: Time
    doors_open_at: Time | None = None
    timezone: Timezone = "Europe/Copenhagen"
    capacity: Capacity | None = None
    ticket_types: Annotated[list[TicketTypeInput], Field(max_length=20)] = []
    registration_opens_at: Time | None = None
    registration_closes_at: Time | None = None
    changes_close_at: Time | None = None
    waitlist: WaitlistInput = WaitlistInput()
    listed: bool = True
    focus_areas: Annotated[list[FocusArea], Field(max_length=3)] = []
    hub: Hub | None = None
    contact: ContactInput | None = None

    @model_validator(mode="after")
    def _times_are_in_zone_and_order(self) -> Self:
        zone = ZoneInfo(self.timezone)
        for name in _TIMES:
            time = getattr(self, name)
            if time is not None and time.tzinfo is None:
                # A frozen check: assignment must not validate again.
                object.__setattr__(self, name, time.replace(tzinfo=zone))
        return self

    def errors(self) -> list[FieldError]:
        """What no single field shows."""
        found = [] if self.ends_at > self.starts_at else [_after("/ends_at", "starts_at")]
        if self.doors_open_at and self.doors_open_at > self.starts_at:
            found.append(FieldError(pointer="/doors_open_at", detail="must not be after starts_at"))
        if self.registration_closes_at and self.registration_closes_at > self.ends_at:
            found.append(FieldError(pointer="/registration_closes_at", detail="must not be after ends_at"))
        closes = self.registration_closes_at or self.starts_at
        if self.registration_opens_at and self.registration_opens_at >= closes:
            found.append(FieldError(pointer="/registration_opens_at", detail="must be before registration closes"))
        keys = [each.key for each in self.ticket_types]
        if len(set(keys)) < len(keys):
            found.append(FieldError(pointer="/ticket_types", detail="each key must be there once"))
        return found


_TIMES = (
    "starts_at",
    "ends_at",
    "doors_open_at",
    "registration_opens_at",
    "registration_closes_at",
    "changes_close_at",
)


def _after(pointer: str, other: str) -> FieldError:
    return FieldError(pointer=pointer, detail=f"must be after {other}")


class NewEvent(EventInput):
    """`organisation_id` only for callers of several organisations, and for admins."""

    organisation_id: UUID | None = None


class EventChange(Input):
    """JSON Merge Patch (RFC 7396) of an event: null takes a value away, arrays are replaced. `notify` tells attendees."""

    notify: Literal["all", "none"] = "none"
    title: LineTexts | None = None
    summary: LongTexts | None = None
    description: LongTexts | None = None
    kind: EventKind | None = None
    venue: VenueInput | None = None
    online_url: Url | None = None
    page_url: Url | None = None
    image_url: Url | None = None
    starts_at: Time | None = None
    ends_at: Time | None = None
    doors_open_at: Time | None = None
    timezone: Timezone | None = None
    capacity: Capacity | None = None
    ticket_types: Annotated[list[TicketTypeInput], Field(max_length=20)] | None = None
    registration_opens_at: Time | None = None
    registration_closes_at: Time | None = None
    changes_close_at: Time | None = None
    waitlist: WaitlistInput | None = None
    listed: bool | None = None
    focus_areas: Annotated[list[FocusArea], Field(max_length=3)] | None = None
    hub: Hub | None = None
    contact: ContactInput | None = None


class Reason(Input):
    reason: LongText | None = None


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
    cancel_reason: str | None
    contact: ContactView | None = None


class ChangedEvent(EventView):
    """`would_notify`: how many people a notice to all reaches."""

    would_notify: int


def view(seen: EventSeen, caller: Caller) -> EventView:
    event = seen.event
    own = caller.organises(event.organisation_id)
    return EventView(
        **event.model_dump(exclude={"ticket_types", "contact", "waitlist_mode", "created_at", "updated_at", "venue"}),
        venue=event.venue and VenueView.model_validate(event.venue),
        starts_at_local=event.starts_at.astimezone(ZoneInfo(event.timezone)).isoformat(),
        capacity=seen.whole.capacity,
        remaining_capacity=seen.remaining_capacity,
        registration_status=seen.registration_status(utc_now()),
        waitlist={"mode": event.waitlist_mode},
        ticket_types=[TicketTypeView(**each, capacity=seen.capacity_of(each["key"])) for each in event.ticket_types],
        contact=ContactView.model_validate(event.contact) if own and event.contact else None,
    )


def _fields(given: EventInput) -> EventFields:
    if errors := given.errors():
        raise Invalid(*errors)
    plain = given.model_dump(exclude={"waitlist", "ticket_types", "organisation_id"})
    return EventFields(
        **plain | {"focus_areas": tuple(plain["focus_areas"])},
        waitlist_mode=given.waitlist.mode,
        ticket_types=tuple(
            TicketType(each.key, dict(each.title.items()), each.capacity, tuple(each.kinds))
            for each in given.ticket_types
        ),
    )


def _own_organisation(caller: Caller, named: UUID | None) -> UUID:
    """Whose event it will be: the one named, or the caller's only one."""
    organisation = named or (next(iter(caller.organisations)) if len(caller.organisations) == 1 else None)
    if "organiser" not in caller.roles and not caller.is_admin:
        raise NotAllowed("Only an organiser drafts events.")
    if organisation is None:
        raise Invalid.field("/organisation_id", "say which organisation holds the event")
    caller.require(caller.organises(organisation), may_see=True)
    return organisation


def _with_etag(response: Response, seen: EventSeen) -> None:
    response.headers["ETag"] = f'"{seen.event.version}"'


IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=40, description="The ETag last read")]


def expected_version(if_match: str | None) -> int | None:
    """The version an If-Match names; `*` and none name any. Raises StaleVersion for what no version of ours is."""
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().strip('"')
    if not (number.isascii() and number.isdigit()):
        raise StaleVersion("If-Match names no version of this; read it again before changing it.")
    return int(number)


@router.post("", status_code=201, responses=documented(NotAuthenticated, NotAllowed, KeyReused))
async def draft_event(
    body: NewEvent, caller: KnownCaller, session: Transaction, response: Response, key: IdempotencyKey = None
) -> EventView:
    """Drafts an event. Only its organiser sees it until it is published."""
    organisation = _own_organisation(caller, body.organisation_id)
    fields = _fields(body)
    if fields.contact is None and caller.email:
        fields = replace_contact(fields, caller)
    seen = await programme.draft(session, organisation, fields)
    _with_etag(response, seen)
    response.headers["Location"] = f"/v1/events/{seen.event.id}"
    return view(seen, caller)


def replace_contact(fields: EventFields, caller: Caller) -> EventFields:
    """Whom to tell as the organiser: the caller, unless somebody is named."""

    return replace(fields, contact={"name": caller.name or caller.email, "email": caller.email, "language": "da"})


@router.get("", responses=documented(NotAuthenticated, NotFound))
async def list_events(
    caller: AnyCaller,
    session: Reading,
    links: TheLinks,
    q: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    starts_after: datetime | None = None,
    starts_before: datetime | None = None,
    kind: EventKind | None = None,
    focus_area: FocusArea | None = None,
    hub: Hub | None = None,
    organiser: UUID | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[EventView]:
    """Events people may sign up for, upcoming first; never who is coming."""
    key = read_cursor(links, cursor)
    after = (datetime.fromisoformat(key[0]), UUID(key[1])) if key else None
    filters = Filters(q, _aware(starts_after), _aware(starts_before), kind, focus_area, hub, organiser)
    found = await programme.list_events(session, filters, caller, after, limit + 1)
    page = [view(seen, caller) for seen in found[:limit]]
    more = len(found) > limit
    return Page(
        items=page,
        next_cursor=write_cursor(links, [page[-1].starts_at.isoformat(), str(page[-1].id)]) if more else None,
    )


def _aware(time: datetime | None) -> datetime | None:
    if time is None or time.tzinfo is not None:
        return time
    return time.replace(tzinfo=ZoneInfo("Europe/Copenhagen"))


@router.get("/{event}", responses=documented(NotAuthenticated, NotFound))
async def get_event(
    event: EventReference, caller: AnyCaller, session: Reading, request: Request, response: Response
) -> EventView:
    seen = await programme.find(session, event, caller)
    _with_etag(response, seen)
    return view(seen, caller)


@router.patch(
    "/{event}",
    responses=documented(
        NotAuthenticated, NotAllowed, NotFound, WrongStatus, CapacityBelowTaken, TicketTypeInUse, StaleVersion
    ),
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
    """Changes an event. With `dry_run` nothing is changed, and `would_notify` says how many a notice would reach."""
    seen, seats = await programme.hold(session, event, caller)
    programme.require_version(seen.event, expected_version(if_match))
    fields = _fields(_merged(seen, body))
    reached = await programme.count_reached(session, seen.event.id) if seen.event.status == "published" else 0
    if not dry_run:
        seen = await programme.change(session, seen, seats, fields, notify=body.notify)
    _with_etag(response, seen)
    return ChangedEvent(**view(seen, caller).model_dump(), would_notify=reached)


def _merged(seen: EventSeen, change: EventChange) -> EventInput:
    """The event as it would be: its fields with the change laid over them (RFC 7396)."""
    patch = change.model_dump(exclude_unset=True, exclude={"notify"})
    try:
        return EventInput.model_validate(_merge(_current(seen), patch))
    except ValidationError as wrong:
        raise Invalid(
            *(
                FieldError(
                    pointer="/" + "/".join(map(str, item["loc"])), detail=item["msg"].removeprefix("Value error, ")
                )
                for item in wrong.errors()
            )
        ) from wrong


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def _current(seen: EventSeen) -> dict[str, Any]:
    event = seen.event
    plain = event.model_dump(include=set(EventInput.model_fields) - {"ticket_types", "capacity", "waitlist"})
    # Times nobody set follow the start.
    if event.registration_closes_at == event.starts_at:
        del plain["registration_closes_at"]
    if event.changes_close_at == event.starts_at - programme.SHORT_NOTICE:
        del plain["changes_close_at"]
    plain["capacity"] = seen.whole.capacity
    plain["waitlist"] = {"mode": event.waitlist_mode}
    plain["ticket_types"] = [each | {"capacity": seen.capacity_of(each["key"])} for each in event.ticket_types]
    return {name: value for name, value in plain.items() if value is not None}


@router.delete("/{event}", status_code=204, responses=documented(NotAuthenticated, NotAllowed, NotFound, WrongStatus))
async def delete_event(event: EventReference, caller: KnownCaller, session: Transaction) -> None:
    """Deletes a draft."""
    seen, _ = await programme.hold(session, event, caller)
    await programme.delete_draft(session, seen)


_STEPS = documented(NotAuthenticated, NotAllowed, NotFound, WrongStatus, KeyReused)


@router.post(
    "/{event}/publish", responses=documented(NotAuthenticated, NotAllowed, NotFound, WrongStatus, NotReady, KeyReused)
)
async def publish_event(
    event: EventReference, caller: KnownCaller, session: Transaction, key: IdempotencyKey = None
) -> EventView:
    seen, _ = await programme.hold(session, event, caller)
    return view(await programme.publish(session, seen), caller)


@router.post("/{event}/cancel", responses=_STEPS)
async def cancel_event(
    event: EventReference, body: Reason, caller: KnownCaller, session: Transaction, key: IdempotencyKey = None
) -> EventView:
    """Calls the event off; all who are registered are told, with the reason."""
    seen, _ = await programme.hold(session, event, caller)
    return view(await programme.cancel(session, seen, body.reason), caller)


@router.post("/{event}/complete", responses=_STEPS)
async def complete_event(
    event: EventReference, caller: KnownCaller, session: Transaction, key: IdempotencyKey = None
) -> EventView:
    seen, _ = await programme.hold(session, event, caller)
    return view(await programme.complete(session, seen), caller)
