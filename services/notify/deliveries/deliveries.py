"""Deliveries: claimed, attempted, closed; tried again with back-off, and failed in the open at last."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlmodel
from sqlalchemy import bindparam, or_, select, update
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

CLAIMED_FOR = timedelta(seconds=60)
MOST_ATTEMPTS = 8
FIRST_DELAY, LONGEST_DELAY = 30.0, 6 * 3600.0
# How long a server may be away before its mails are no news any more.
GIVEN_UP_AFTER = timedelta(days=3)

Result = Literal["sent", "refused", "again", "away"]
_deliveries = table_of(Delivery)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `away` is no fault of the mail and counts as no attempt; `rest` is how long to wait."""

    parcel: Parcel
    result: Result
    detail: str | None = None
    rest: float = 0.0


def _claim() -> Any:
    due = (
        select(_deliveries.c.id)
        .where(
            _deliveries.c.status == "queued",
            _deliveries.c.due_at <= bindparam("now", type_=_deliveries.c.due_at.type),
            or_(
                _deliveries.c.claimed_until.is_(None),
                _deliveries.c.claimed_until <= bindparam("now", type_=_deliveries.c.due_at.type),
            ),
        )
        .order_by(_deliveries.c.due_at, _deliveries.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    claimed = update(_deliveries).where(_deliveries.c.id.in_(due))
    until = bindparam("until", type_=_deliveries.c.claimed_until.type)
    return claimed.values(claimed_until=until).returning(_deliveries.c.id)


_CLAIM = _claim()


async def claim(session: AsyncSession, most: int) -> list[UUID]:
    """Deliveries that are due, ours for a minute: if we die, the claim lapses and another sends them."""
    now = utc_now()
    values = {"now": now, "until": now + CLAIMED_FOR, "most": most}
    return list((await (await session.connection()).execute(_CLAIM, values)).scalars())


@dataclass(frozen=True, slots=True)
class Closing:
    """What to write of an outcome."""

    outcome: Outcome
    row: dict[str, Any]

    @property
    def failed(self) -> bool:
        return bool(self.row["status"] == "failed")


def close(outcome: Outcome) -> Closing:
    delivery, now = outcome.parcel.delivery, utc_now()
    attempts = delivery.attempts + (outcome.result != "away")
    attempt = {"at": now.isoformat(), "result": outcome.result, "detail": outcome.detail}
    row: dict[str, Any] = {
        "delivery": delivery.id,
        "status": "queued",
        "due_at": delivery.due_at,
        "sent_at": None,
        "attempts": attempts,
        "last_error": outcome.detail,
        "history": [*delivery.history, attempt],
    }
    if outcome.result == "sent":
        row |= {"status": "sent", "sent_at": now}
    elif _is_over(outcome, attempts, now):
        row |= {"status": "failed"}
    elif outcome.result == "away":
        row |= {"due_at": now + timedelta(seconds=outcome.rest), "history": delivery.history}
    else:
        row |= {"due_at": now + timedelta(seconds=back_off(attempts))}
    return Closing(outcome, row)


_CLOSE = (
    update(_deliveries)
    .where(_deliveries.c.id == bindparam("delivery"), _deliveries.c.status == "queued")
    .values(
        claimed_until=None,
        **{name: bindparam(name) for name in ("status", "due_at", "sent_at", "attempts", "last_error", "history")},
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


def _is_over(outcome: Outcome, attempts: int, now: datetime) -> bool:
    if outcome.result == "away":
        return now - outcome.parcel.delivery.created_at > GIVEN_UP_AFTER
    return outcome.result == "refused" or attempts >= MOST_ATTEMPTS


def back_off(attempts: int) -> float:
    """Seconds until the next attempt: half a minute at first, four times as long each time, never all at once."""
    return min(FIRST_DELAY * 4.0 ** (attempts - 1), LONGEST_DELAY) * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter


def _tell_failed(session: AsyncSession, closing: Closing) -> None:
    outcome, notification = closing.outcome, closing.outcome.parcel.notification
    tell(
        session,
        DeliveryFailed(
            version=len(closing.row["history"]),
            delivery_id=outcome.parcel.delivery.id,
            channel="mail",
            topic=notification.topic,
            event_id=notification.event_id,
            reason=outcome.detail or "no answer",
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
        statement = statement.where(col(Event.organisation_id).in_(caller.organisations))
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
        delivery.attempts = 0
    delivery.status, delivery.due_at = "queued", utc_now()
    session.add(delivery)
    return delivery, notification, contact
