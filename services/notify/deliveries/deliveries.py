"""Deliveries: attempted, closed; tried again with back-off, and failed in the open at last."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlmodel
from sqlalchemy import bindparam, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.contacts import find
from services.notify.deliveries.parcels import Parcel
from services.notify.tables import Contact, Delivery, Event, Notification, is_event, table_of
from shared.access.caller import Caller
from shared.contracts.notify import DeliveryFailed
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.problems import NotFound, WrongStatus

MOST_ATTEMPTS = 8
FIRST_DELAY, LONGEST_DELAY = 30.0, 6 * 3600.0
# As soon as our side is mended, or the server knows better, held mails go out.
LONGEST_HELD = 600.0
# How long a server may be away before its mails are no news any more.
GIVEN_UP_AFTER = timedelta(days=3)

Result = Literal["sent", "refused", "again", "unanswered", "away", "held", "untried"]
# The server's trouble or ours, and no fault of the mail: it loses no attempt by them.
UNCOUNTED = ("away", "held", "untried")
_deliveries = table_of(Delivery)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt; `rest` is how long the server is left alone."""

    parcel: Parcel
    result: Result
    detail: str | None = None
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Closing:
    """What to write of an attempt."""

    attempt: Attempt
    row: dict[str, Any]

    @property
    def failed(self) -> bool:
        return bool(self.row["status"] == "failed")


def close(attempt: Attempt) -> Closing:
    delivery, now = attempt.parcel.delivery, utc_now()
    row: dict[str, Any] = {
        "delivery": delivery.id,
        "status": "queued",
        "due_at": delivery.due_at,
        "waits_since": now,
        "sent_at": None,
        "attempts": delivery.attempts + (attempt.result not in UNCOUNTED),
        "last_error": attempt.detail,
        "history": _history(attempt, now),
    }
    if attempt.result == "untried":
        row |= {"last_error": delivery.last_error, "history": delivery.history}
    if attempt.result == "sent":
        row |= {"status": "sent", "sent_at": now}
    elif _is_over(attempt, row, now):
        row |= {"status": "failed"}
    else:
        row |= {"due_at": now + timedelta(seconds=_wait(attempt, row))}
    return Closing(attempt, row)


def _history(attempt: Attempt, now: datetime) -> list[dict[str, Any]]:
    """A server that is away for days makes one entry, with how often and until when."""
    history, at = attempt.parcel.delivery.history, now.isoformat()
    entry = {"at": at, "result": attempt.result, "detail": attempt.detail}
    last = history[-1] if history else {}
    if attempt.result in UNCOUNTED and (last.get("result"), last.get("detail")) == (attempt.result, attempt.detail):
        return [*history[:-1], {**last, "until": at, "times": last.get("times", 1) + 1}]
    return [*history, entry]


def _tries(history: Sequence[dict[str, Any]]) -> int:
    return sum(entry.get("times", 1) for entry in history)


def was_held(delivery: Delivery) -> bool:
    return any(entry["result"] == "held" for entry in delivery.history)


def _is_over(attempt: Attempt, row: dict[str, Any], now: datetime) -> bool:
    if attempt.result == "untried":
        return False
    if attempt.result in UNCOUNTED:
        # Also by tries: a clock that was set on by days ends nothing.
        began = attempt.parcel.delivery.retried_at or attempt.parcel.delivery.created_at
        return now - began > GIVEN_UP_AFTER and _tries(row["history"]) >= MOST_ATTEMPTS
    return attempt.result == "refused" or row["attempts"] >= MOST_ATTEMPTS


def _wait(attempt: Attempt, row: dict[str, Any]) -> float:
    if attempt.result == "held":
        return max(attempt.rest, min(back_off(row["history"][-1].get("times", 1)), LONGEST_HELD))
    return attempt.rest if attempt.result in UNCOUNTED else back_off(row["attempts"])


def back_off(attempts: int) -> float:
    """Seconds until the next attempt: half a minute at first, four times as long each time, never all at once."""
    return min(FIRST_DELAY * 4.0 ** min(attempts - 1, 9), LONGEST_DELAY) * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter


_CLOSED = ("status", "due_at", "waits_since", "sent_at", "attempts", "last_error", "history")
_CLOSE = (
    update(_deliveries)
    .where(_deliveries.c.id == bindparam("delivery"), _deliveries.c.status == "queued")
    .values(
        claimed_until=None,
        **{name: bindparam(name) for name in _CLOSED},
    )
)


async def write_closings(session: AsyncSession, closings: Sequence[Closing]) -> None:
    """Leaves alone what another has closed meanwhile."""
    connection = await session.connection()
    ended = [closing.row for closing in closings if not closing.failed]
    if ended:
        await connection.execute(_CLOSE, ended)
    for closing in closings:
        if closing.failed and (await connection.execute(_CLOSE, closing.row)).rowcount:
            _tell_failed(session, closing)


def _tell_failed(session: AsyncSession, closing: Closing) -> None:
    attempt, notification = closing.attempt, closing.attempt.parcel.notification
    tell(
        session,
        DeliveryFailed(
            version=_tries(closing.row["history"]),
            delivery_id=attempt.parcel.delivery.id,
            channel="mail",
            topic=notification.topic,
            event_id=notification.event_id,
            reason=attempt.detail or "no answer",
        ),
    )


@dataclass(frozen=True, slots=True)
class Filters:
    """`event` is an id or a slug."""

    person: str | None = None
    event: str | None = None
    status: str | None = None


Row = tuple[Delivery, Notification, Contact]


async def list_deliveries(
    session: AsyncSession, caller: Caller, filters: Filters, before: UUID | None, most: int
) -> list[Row]:
    """Newest first. The secretariat sees all, an organiser those of the own events."""
    statement = (
        sqlmodel.select(Delivery, Notification, Contact)
        .join(Notification, col(Notification.id) == Delivery.notification_id)
        .join(Contact, col(Contact.id) == Notification.contact_id)
        .outerjoin(Event, col(Event.id) == Notification.event_id)
    )
    if not caller.is_admin:
        caller.require("organiser" in caller.roles)
        statement = statement.where(col(Event.organisation_id).in_(caller.acts_as("organiser")))
    if filters.person is not None:
        contact = await find(session, filters.person)
        statement = statement.where(Contact.id == (contact.id if contact else None))
    if filters.event is not None:
        statement = statement.where(is_event(filters.event))
    if filters.status is not None:
        statement = statement.where(Delivery.status == filters.status)
    if before is not None:
        statement = statement.where(col(Delivery.id) < before)
    return list((await session.exec(statement.order_by(col(Delivery.id).desc()).limit(most))).all())


async def retry(session: AsyncSession, caller: Caller, delivery_id: UUID) -> Row:
    """Queues a failed delivery again, from its first attempt on; one that waits is due at once.

    Raises WrongStatus for one that was sent.
    """
    statement = (
        sqlmodel.select(Delivery, Notification, Contact, Event)
        .join(Notification, col(Notification.id) == Delivery.notification_id)
        .join(Contact, col(Contact.id) == Notification.contact_id)
        .outerjoin(Event, col(Event.id) == Notification.event_id)
        .where(Delivery.id == delivery_id)
        .with_for_update(of=Delivery)
    )
    found = (await session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound()
    delivery, notification, contact, event = found
    caller.require(caller.is_admin or (event is not None and caller.organises(event.organisation_id)))
    if delivery.status == "sent":
        raise WrongStatus("This mail was sent; there is nothing to try again.")
    if delivery.status == "failed":
        delivery.attempts, delivery.retried_at = 0, utc_now()
    delivery.status, delivery.due_at, delivery.waits_since = "queued", utc_now(), utc_now()
    session.add(delivery)
    return delivery, notification, contact
