"""Deliveries over HTTP: what was mailed to whom, what failed and why, and trying again."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.notify.deliveries import deliveries
from services.notify.deliveries.deliveries import Filters
from shared.fields import Email, Line
from shared.http.callers import KnownCaller, TheLinks
from shared.http.lists import Cursor, Limit, Page, id_after, id_of
from shared.http.rendering import documented
from shared.http.sessions import Reading, Transaction
from shared.problems import NotAuthenticated, NotFound, WrongStatus

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])

DeliveryStatus = Literal["queued", "sent", "failed"]


class Recipient(BaseModel):
    name: str | None = None
    email: str


class AttemptView(BaseModel):
    """`refused` for good, `again` when it is worth another try, `unanswered` when the server has the mail and has not
    said whether it takes it.

    `away` when it could not be handed over, `held` when the server refuses us, or it is not known whom: these two cost
    no attempt, and `times` of them in a row, from `at` to `until`, are one.
    """

    at: datetime
    until: datetime | None = None
    times: int = 1
    result: Literal["sent", "refused", "again", "unanswered", "away", "held"]
    detail: str | None = None


class DeliveryView(BaseModel):
    """`due_at` is when it is tried next while `queued`. The attempts are its whole history."""

    id: UUID
    channel: Literal["mail"]
    status: DeliveryStatus
    topic: str
    subject: str
    person: Recipient
    event_id: UUID | None = None
    registration_id: UUID | None = None
    due_at: datetime
    last_error: str | None = None
    attempts: list[AttemptView]
    created_at: datetime
    sent_at: datetime | None = None


def _view(row: deliveries.Row) -> DeliveryView:
    delivery, notification, contact = row
    shown: dict[str, Any] = delivery.model_dump(
        include={"id", "channel", "status", "due_at", "last_error", "created_at", "sent_at"}
    )
    shown |= notification.model_dump(include={"topic", "subject", "event_id", "registration_id"})
    return DeliveryView.model_validate(
        {**shown, "person": {"name": contact.name, "email": contact.email}, "attempts": delivery.history}
    )


@router.get("", responses=documented(NotAuthenticated, NotFound))
async def list_deliveries(
    caller: KnownCaller,
    session: Reading,
    links: TheLinks,
    person: Annotated[Email | None, Query(description="An e-mail address")] = None,
    event: Annotated[Line | None, Query(description="The event's id or slug")] = None,
    status: DeliveryStatus | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    before = id_after(links, cursor)
    rows = await deliveries.list_deliveries(session, caller, Filters(person, event, status), before, limit + 1)
    return Page.of(links, rows, limit, _view, lambda row: id_of(row[0]))


@router.post("/{delivery}/retry", responses=documented(NotAuthenticated, NotFound, WrongStatus))
async def retry_delivery(delivery: UUID, caller: KnownCaller, session: Transaction) -> DeliveryView:
    """A failed mail is tried again from the start, one that waits at once; the mail keeps its Message-ID."""
    return _view(await deliveries.retry(session, caller, delivery))
