"""An event as its organiser writes it: drafted whole, changed by merge patch."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from services.events.programme.moving import day_before, moved_along
from services.events.programme.planning import EventFields, TicketType
from services.events.programme.programme import EventSeen
from shared.fields import Email, Input, Key, Language, Line, LineTexts, LongText, LongTexts, Timezone, Url
from shared.problems import FieldError, Invalid
from shared.vocabulary import FocusArea, Hub, Kind

MOST_SEATS = 100_000
EARLIEST, LATEST = 2000, 2100
LOCAL = ZoneInfo("Europe/Copenhagen")

EventKind = Literal[
    "conference", "workshop", "course", "network_meeting", "site_visit", "webinar", "matchmaking", "signing", "other"
]


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


def aware(time: datetime | None, zone: ZoneInfo = LOCAL) -> datetime | None:
    """A time without an offset is in `zone`."""
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=zone)


Capacity = Annotated[int, Field(ge=0, le=MOST_SEATS)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class VenueInput(Input):
    name: Line
    address: Line | None = None
    city: Line | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class TicketTypeInput(Input):
    """A kind of attendance; `kinds` limits it to organisations of these kinds."""

    key: Key
    title: LineTexts
    capacity: Capacity | None = None
    kinds: Annotated[list[Kind], Field(max_length=7)] = []


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
            setattr(self, name, aware(getattr(self, name), zone))
        return self

    def errors(self) -> list[FieldError]:
        """What no single field shows."""
        closes = self.registration_closes_at or self.starts_at
        keys = [each.key for each in self.ticket_types]
        wrong = {
            "/ends_at": self.ends_at <= self.starts_at and "must be after starts_at",
            "/doors_open_at": _is_after(self.doors_open_at, self.starts_at) and "must not be after starts_at",
            "/registration_closes_at": _is_after(self.registration_closes_at, self.ends_at)
            and "must not be after ends_at",
            "/changes_close_at": _is_after(self.changes_close_at, self.ends_at) and "must not be after ends_at",
            "/registration_opens_at": self.registration_opens_at is not None
            and self.registration_opens_at >= closes
            and "must be before registration closes",
            "/ticket_types": len(set(keys)) < len(keys) and "each key must be there once",
        }
        skipped = {f"/{name}": _IS_SKIPPED for name in _TIMES if _is_skipped(getattr(self, name))}
        return [FieldError(pointer=at, detail=detail) for at, detail in (wrong | skipped).items() if detail]


_TIMES = (
    "starts_at",
    "ends_at",
    "doors_open_at",
    "registration_opens_at",
    "registration_closes_at",
    "changes_close_at",
)


_IS_SKIPPED = "there is no such time of day on that day: the clocks are put forward"


def _is_after(time: datetime | None, other: datetime) -> bool:
    return time is not None and time > other


def _is_skipped(time: datetime | None) -> bool:
    """Whether it is a local time that the start of summer time leaps over."""
    if time is None or not isinstance(time.tzinfo, ZoneInfo):
        return False
    return time.astimezone(UTC).astimezone(time.tzinfo).replace(tzinfo=None) != time.replace(tzinfo=None, fold=0)


class NewEvent(EventInput):
    """`organisation_id` only for callers of several organisations, and for admins."""

    organisation_id: UUID | None = None


class WaitlistChange(Input):
    mode: Literal["promote", "off"] | None = None


class ContactChange(Input):
    name: Line | None = None
    email: Email | None = None
    language: Language | None = None


class EventChange(Input):
    """JSON Merge Patch (RFC 7396): null takes a value away, arrays and `venue` are replaced whole.

    `notify` says whether those who come are told what differs from what they were last told, `all` or `none`; it must
    be said when time or place of a published event changes. When only `starts_at` is given, the times that hang on it
    (its end, doors, closing of registration and of changes) move along.
    """

    notify: Literal["all", "none"] | None = None
    title: dict[Language, Line | None] | None = None
    summary: dict[Language, LongText | None] | None = None
    description: dict[Language, LongText | None] | None = None
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
    waitlist: WaitlistChange | None = None
    listed: bool | None = None
    focus_areas: Annotated[list[FocusArea], Field(max_length=3)] | None = None
    hub: Hub | None = None
    contact: ContactChange | None = None


class Reason(Input):
    """Told to all who are registered, to each in its own language where there are both."""

    reason: LongTexts | None = None


def fields_of(given: EventInput) -> EventFields:
    """Raises Invalid for what no single field shows."""
    if errors := given.errors():
        raise Invalid(*errors)
    plain = given.model_dump(exclude={"waitlist", "ticket_types", "organisation_id"})
    times = {name: plain[name] and plain[name].astimezone(UTC) for name in _TIMES}
    return EventFields(
        **plain | times | {"focus_areas": tuple(plain["focus_areas"])},
        waitlist_mode=given.waitlist.mode,
        ticket_types=tuple(
            TicketType(each.key, dict(each.title.items()), each.capacity, tuple(each.kinds))
            for each in given.ticket_types
        ),
    )


def changed(seen: EventSeen, change: EventChange) -> EventFields:
    """The event as it would be: its fields with the change laid over them (RFC 7396)."""
    patch = change.model_dump(exclude_unset=True, exclude={"notify"})
    current = _current(seen)
    if change.starts_at is not None:
        hanging = moved_along(seen.event, change.starts_at)
        current |= {name: time for name, time in hanging.items() if name in current}
    try:
        return fields_of(EventInput.model_validate(_merge(current, patch)))
    except ValidationError as wrong:
        raise Invalid(*(_field_error(item["loc"], item["msg"]) for item in wrong.errors())) from wrong


def _field_error(place: tuple[int | str, ...], message: str) -> FieldError:
    pointer = "".join(f"/{part}" for part in place if part != "[key]")
    return FieldError(pointer=pointer, detail=message.removeprefix("Value error, "))


# A venue is one thing: a new name at the old street would be a place that does not exist.
_WHOLE = ("venue",)


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and name not in _WHOLE:
            merged[name] = _merge(merged.get(name) or {}, value)
        else:
            merged[name] = value
    return merged


def _current(seen: EventSeen) -> dict[str, Any]:
    event = seen.event
    plain = event.model_dump(include=set(EventInput.model_fields) - {"ticket_types", "capacity", "waitlist"})
    # Times nobody set follow the start.
    if event.registration_closes_at == event.starts_at:
        del plain["registration_closes_at"]
    if event.changes_close_at == day_before(event.starts_at, event.timezone):
        del plain["changes_close_at"]
    plain["capacity"] = seen.whole.capacity
    plain["waitlist"] = {"mode": event.waitlist_mode}
    plain["ticket_types"] = [each | {"capacity": seen.capacity_of(each["key"])} for each in event.ticket_types]
    return {name: value for name, value in plain.items() if value is not None}
